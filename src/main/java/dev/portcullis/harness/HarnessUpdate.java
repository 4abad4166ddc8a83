package dev.portcullis.harness;

import dev.portcullis.protocol.FunctionCall;
import java.util.List;

/** What a harness reports about one attempt, in the order in which it happened. */
public sealed interface HarnessUpdate {
  /**
   * The harness has taken the attempt.
   *
   * @param nativeSession the peer's own id of the conversation, empty when it has none
   * @param processes what runs for this attempt: none for a harness without processes
   */
  record Attached(String nativeSession, List<ProcessIdentity> processes) implements HarnessUpdate {
    public Attached {
      processes = List.copyOf(processes);
    }
  }

  /** A piece of the answer. Provisional: an agent may send it again after a broken model call. */
  record Text(String text) implements HarnessUpdate {}

  /** All of the attempt's answer so far, where the pieces said something else. */
  record TextReplaced(String text) implements HarnessUpdate {}

  /** @param inputDigest SHA-256 in hex of what the step was given, empty when the peer does not tell */
  record StepStarted(String stepId, String title, String kind, String inputDigest) implements HarnessUpdate {}

  record StepFinished(String stepId, boolean succeeded) implements HarnessUpdate {}

  /**
   * @param kind of tool: read, edit, delete, move, search, execute, think, fetch or other
   * @param input exactly what it is given, whole
   * @param digest of the {@link Action} that will run once it is allowed
   * @param directory where it will run, links resolved; empty for the attempt's workspace
   */
  record ApprovalRequested(
      String approvalId, String kind, String title, String input, String digest, String directory)
      implements HarnessUpdate {
    public ApprovalRequested(String approvalId, String kind, String title, String input, String digest) {
      this(approvalId, kind, title, input, digest, "");
    }
  }

  /** The peer no longer waits for this answer. */
  record ApprovalWithdrawn(String approvalId) implements HarnessUpdate {}

  /**
   * What the attempt has used so far; zero where the peer does not tell.
   *
   * @param cachedTokens part of {@code inputTokens} that came from a cache
   * @param costMicros millionths of a US dollar
   */
  record Usage(long inputTokens, long outputTokens, long cachedTokens, long costMicros)
      implements HarnessUpdate {
    public Usage(long inputTokens, long outputTokens) {
      this(inputTokens, outputTokens, 0, 0);
    }
  }

  /** A kind we do not know: a newer peer must not end a run. */
  record Unknown(String kind) implements HarnessUpdate {}

  /** The last word about an attempt. */
  sealed interface End extends HarnessUpdate {}

  /**
   * @param stopReason end_turn, max_tokens, refusal, …: the peer's word
   * @param calls functions of the client's that the model wants to be called; then the reason is tool_calls
   */
  record Completed(String stopReason, List<FunctionCall> calls) implements End {
    public Completed {
      calls = List.copyOf(calls);
    }

    public Completed(String stopReason) {
      this(stopReason, List.of());
    }
  }

  record Aborted() implements End {}

  record Failed(HarnessFault fault) implements End {}
}
