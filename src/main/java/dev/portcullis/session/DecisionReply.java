package dev.portcullis.session;

import dev.portcullis.protocol.RunStatus;

/** The answer to whoever has decided about an approval: what is true now. */
public sealed interface DecisionReply extends Wire
    permits DecisionReply.Taken, DecisionReply.Changed, DecisionReply.Decided, DecisionReply.Refused,
        DecisionReply.NotOpen, Quarantined {
  /**
   * It is in the journal.
   *
   * @param kept no harness waits for it: it counts when the resumed run asks for the same
   */
  record Taken(RunStatus status, boolean kept) implements DecisionReply {}

  /** The decision was about something else than what is asked; nothing was written. */
  record Changed(String digest) implements DecisionReply {}

  /** It was decided before, and that stands. */
  record Decided(boolean allowed, String by) implements DecisionReply {}

  /** The run's state does not allow it. */
  record Refused(RunStatus status) implements DecisionReply {}

  /** There is no such question, or nobody waits for its answer. */
  record NotOpen() implements DecisionReply {}
}
