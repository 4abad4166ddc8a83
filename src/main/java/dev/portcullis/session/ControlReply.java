package dev.portcullis.session;

import dev.portcullis.protocol.RunStatus;

/** The answer to an abort or a resume: what is true now. */
public sealed interface ControlReply extends Wire
    permits ControlReply.Done, ControlReply.Refused, ControlReply.Unknown, Quarantined {
  /** It is under way or done; {@code status} is what the run stands at now. */
  record Done(RunStatus status) implements ControlReply {}

  /** The run's state does not allow it. */
  record Refused(RunStatus status) implements ControlReply {}

  /** No such open run here; it may have ended long ago. */
  record Unknown() implements ControlReply {}
}
