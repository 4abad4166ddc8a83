package dev.portcullis.ingress.ws;

/** Tells an event to every connection that may hear it; never blocks and never fails. Thread-safe. */
public interface Announcer {
  void announce(Broadcast broadcast);

  /** Whether there is anybody to tell. */
  default boolean heard() {
    return true;
  }

  /** {@code task} is run, by whoever comes, each time that somebody comes where nobody was. */
  default void whenHeard(Runnable task) {}
}
