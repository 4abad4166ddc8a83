package dev.portcullis.session;

import dev.portcullis.harness.InputDigest;
import dev.portcullis.protocol.OpenStep;
import dev.portcullis.protocol.RunStatus;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The question to a person whether a run may go on although nobody knows what its last steps did. Asked where
 * an agent has {@code on-uncertain = ask}, answered like any other approval. Pure. Why: docs/adr/0014.
 */
final class Uncertain {
  /** What is asked for: that the run goes on. No tool has this kind. */
  static final String KIND = "resume";

  /** A parked run waits for a person as long as it takes, and so does its question. */
  private static final Instant NEVER = Instant.parse("9999-12-31T00:00:00Z");

  private Uncertain() {}

  /** @param run cut off, with steps of unknown outcome */
  static SessionEvent.ApprovalRequested question(OpenRun run, Instant now) {
    var attempt = run.attempt();
    var steps = attempt.cut().uncertain();
    var title = steps.stream().map(OpenStep::line).collect(Collectors.joining(", "))
        + " may or may not have happened. Go on?";
    var input = steps.stream().map(Uncertain::line).collect(Collectors.joining("\n"));
    return new SessionEvent.ApprovalRequested(
        run.runId(),
        attempt.number(),
        id(run),
        KIND,
        title,
        input,
        InputDigest.of(String.join("\0", KIND, title, input)),
        now,
        "",
        "",
        NEVER);
  }

  /** Ours: what a harness asks has another, whatever kind the agent gives it. */
  private static String id(OpenRun run) {
    return "resume-" + run.runId() + "-" + run.attempt().number();
  }

  private static String line(OpenStep step) {
    return step.line() + " (" + step.kind() + ", input "
        + (step.inputDigest().isEmpty() ? "not told" : step.inputDigest()) + ")";
  }

  /** What follows from an answer: the run goes on at once and its harness is told, or it ends. */
  static SessionEvent.OfRun answered(OpenRun run, boolean allow, String by, Instant now) {
    return allow
        ? new SessionEvent.RunUnparked(run.runId(), by, now)
        : new SessionEvent.RunAborted(run.runId(), by, now);
  }

  /** Whether {@code approvalId} is this question, and it is open. */
  static boolean isAsked(OpenRun run, String approvalId) {
    return run.status() == RunStatus.PARKED
        && run.questions().containsKey(approvalId)
        && approvalId.equals(id(run));
  }

  /** What an operator's resume of a parked run writes: it is also a yes to this question, and to no other. */
  static List<SessionEvent> resumed(OpenRun run, String by, Instant now) {
    var unparked = new SessionEvent.RunUnparked(run.runId(), by, now);
    return isAsked(run, id(run))
        ? List.of(
            new SessionEvent.ApprovalDecided(
                run.runId(), run.attempt().number(), id(run), true, by, now, "", false),
            unparked)
        : List.of(unparked);
  }
}
