package dev.portcullis.session;

import dev.portcullis.protocol.RunStatus;

/** The answer to a submitted turn. */
public sealed interface Receipt extends Wire
    permits Receipt.Accepted, Receipt.KeyReused, Receipt.Busy, Receipt.QueueFull, Receipt.Closed,
        Receipt.Foreign, Quarantined {
  /**
   * The turn is in the journal.
   *
   * @param position turns ahead of it, 0 when it is the next
   * @param replayed the key was known: this is the run it was bound to, nothing new was started
   */
  record Accepted(String runId, String sessionKey, RunStatus status, int position, boolean replayed)
      implements Receipt {}

  /** The idempotency key belongs to another body. */
  record KeyReused(String runId) implements Receipt {}

  /** The agent takes one turn at a time and {@code runId} is active. */
  record Busy(String runId) implements Receipt {}

  /** As many turns wait as may wait. */
  record QueueFull(int limit) implements Receipt {}

  /** The session is another principal's: to the asker it is not there. */
  record Foreign() implements Receipt {}

  /** The node takes no work now. */
  record Closed(Gate.State state) implements Receipt {}
}
