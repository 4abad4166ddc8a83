package dev.portcullis.protocol;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One run, folded from its events.
 *
 * @param message empty once the run is {@link #trimmed()}, and where a turn brings only something else
 * @param text the answer so far, of the newest attempt that has any
 * @param stopReason why a completed run ended, in the harness's word: end_turn, max_tokens, …, {@link
 *     #STEERED} or {@link #TOOL_CALLS}; empty for others
 * @param lastSeq number of the newest event, to follow from with {@code after}
 * @param approvals questions that nobody has decided yet, oldest first
 * @param decisions what became of the others, by approval id; none once it is trimmed
 * @param input what the turn carries besides its message, images without their bytes; none once it is trimmed
 * @param calls functions that the model wants to be called, of a completed run; none once it is trimmed
 */
public record RunView(
    String id,
    String sessionKey,
    String agent,
    String harness,
    RunStatus status,
    int attempts,
    String message,
    String text,
    List<Step> steps,
    Outcome outcome,
    String stopReason,
    Usage usage,
    long lastSeq,
    Times times,
    List<Approval> approvals,
    Map<String, Approval.Decision> decisions,
    Input input,
    List<FunctionCall> calls) {

  /** The {@link #stopReason} of a turn that went into a running one. */
  public static final String STEERED = "steered";

  /** The {@link #stopReason} of an answer that goes on when the client has called its functions. */
  public static final String TOOL_CALLS = "tool_calls";

  /**
   * @param state running, succeeded, failed or uncertain
   * @param inputDigest SHA-256 in hex of what it was given, empty when the harness did not tell
   */
  public record Step(String stepId, String title, String kind, String state, String inputDigest) {
    public Step in(String other) {
      return new Step(stepId, title, kind, other, inputDigest);
    }
  }

  /** Instants; an empty list in JSON terms is absent, so each is a list of zero or one. */
  public record Times(Instant acceptedAt, List<Instant> startedAt, List<Instant> endedAt) {}

  /** What stands besides the status. */
  public sealed interface Outcome {
    /** Nothing to add. */
    record Open() implements Outcome {}

    /** A planned stop has been noted on the active attempt. */
    record ResumePending(String reason) implements Outcome {}

    record Error(RunError error) implements Outcome {}

    record Parked(String reason, String reference) implements Outcome {}

    /** A turn that another run answers. */
    record Steered(String into) implements Outcome {}
  }

  public RunView {
    steps = List.copyOf(steps);
    approvals = List.copyOf(approvals);
    decisions = Map.copyOf(decisions);
    calls = List.copyOf(calls);
  }

  /** Of a turn that is text alone, and of its answer. */
  public RunView(
      String id,
      String sessionKey,
      String agent,
      String harness,
      RunStatus status,
      int attempts,
      String message,
      String text,
      List<Step> steps,
      Outcome outcome,
      String stopReason,
      Usage usage,
      long lastSeq,
      Times times,
      List<Approval> approvals,
      Map<String, Approval.Decision> decisions) {
    this(id, sessionKey, agent, harness, status, attempts, message, text, steps, outcome, stopReason, usage,
        lastSeq, times, approvals, decisions, Input.NONE, List.of());
  }

  /** Whether retention has taken its texts: a turn that was accepted is never empty. */
  public boolean trimmed() {
    return message.isEmpty() && input.isEmpty();
  }

  /** The error of a failed run. */
  public Optional<RunError> error() {
    return outcome instanceof Outcome.Error(var error) ? Optional.of(error) : Optional.empty();
  }
}
