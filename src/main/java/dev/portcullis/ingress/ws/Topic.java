package dev.portcullis.ingress.ws;

import dev.portcullis.session.SessionKey;

/** What a client must ask for to hear of it. */
public sealed interface Topic {
  /** Every change of a session's row. */
  record SessionList() implements Topic {}

  /** The messages and tools of one session. */
  record Messages(SessionKey session) implements Topic {}
}
