package dev.portcullis.harness;

import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.Message;
import java.nio.file.Path;
import java.util.List;

/**
 * One try of a run, as the harness is told of it.
 *
 * @param conversation stable name of the conversation: attempts of one conversation never overlap
 * @param attempt 1 for the first try
 * @param workspace absolute directory; exists
 * @param transcript earlier messages of the conversation, oldest first
 * @param nativeSession the peer's own id of the conversation, empty when there is none
 * @param message may be empty when there is {@code input}
 * @param interruption what the peer must be told about the try before this one
 * @param input what the turn carries besides its message
 */
public record AttemptSpec(
    String conversation,
    String runId,
    int attempt,
    Path workspace,
    String message,
    List<Message> transcript,
    String nativeSession,
    Interruption interruption,
    Input input) {
  public AttemptSpec {
    transcript = List.copyOf(transcript);
  }

  /** Of a turn that is text alone. */
  public AttemptSpec(
      String conversation,
      String runId,
      int attempt,
      Path workspace,
      String message,
      List<Message> transcript,
      String nativeSession,
      Interruption interruption) {
    this(conversation, runId, attempt, workspace, message, transcript, nativeSession, interruption,
        Input.NONE);
  }

  /** What is known of the try before this one. */
  public sealed interface Interruption {
    /** This is the first try. */
    record None() implements Interruption {}

    /**
     * The try before was cut off.
     *
     * @param cause restart, crash, …: one word
     * @param finished steps that ended, as titles
     * @param uncertain steps that began and whose outcome nobody knows, as title and short digest of their
     *     input; they must not be repeated blindly
     */
    record Cut(String cause, List<String> finished, List<String> uncertain) implements Interruption {
      public Cut {
        finished = List.copyOf(finished);
        uncertain = List.copyOf(uncertain);
      }
    }
  }
}
