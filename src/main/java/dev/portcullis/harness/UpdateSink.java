package dev.portcullis.harness;

import java.util.List;

/** Hears what happens in one attempt. */
@FunctionalInterface
public interface UpdateSink {
  /** Takes the next update; never blocks, whatever locks the caller holds. */
  void accept(HarnessUpdate update);

  /** Takes several that came at once, in order; cheaper than one by one. */
  default void acceptAll(List<HarnessUpdate> updates) {
    updates.forEach(this::accept);
  }

  /**
   * Waits while too much of what was accepted is still on its way to the journal, so that a peer that talks
   * faster than we can write blocks on its own pipe. For threads that read from a peer, between two messages
   * and with no lock held: who answers the peer must never wait for it.
   */
  default void awaitRoom() {}
}
