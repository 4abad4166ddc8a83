package dev.portcullis.ingress.ws;

/** Tells an event to every connection that may hear it; never blocks and never fails. Thread-safe. */
interface Announcer {
  void announce(Broadcast broadcast);
}
