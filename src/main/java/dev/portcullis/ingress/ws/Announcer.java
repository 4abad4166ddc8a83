package dev.portcullis.ingress.ws;

/** Tells an event to every connection that may hear it; never blocks and never fails. Thread-safe. */
public interface Announcer {
  void announce(Broadcast broadcast);
}
