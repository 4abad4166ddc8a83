package dev.portcullis.harness.http;

import dev.portcullis.harness.HarnessFault;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * Whether the server still is what the last probe proved; says once per probe when it is not. Thread-safe.
 */
final class Contact {
  /** Calls in a row that find no server. One alone may have met a restart. */
  static final int FAILURES_MAX = 3;

  private final List<Consumer<HarnessFault>> listeners = new CopyOnWriteArrayList<>();
  private boolean proven;
  private int failures;

  void onLost(Consumer<HarnessFault> listener) {
    listeners.add(listener);
  }

  synchronized void proven() {
    proven = true;
    failures = 0;
  }

  /** The server answered, whatever it said. */
  synchronized void made() {
    failures = 0;
  }

  /** A call found no server. */
  synchronized void failed(HarnessFault fault) {
    failures++;
    if (failures >= FAILURES_MAX) {
      lost(fault);
    }
  }

  synchronized void lost(HarnessFault fault) {
    if (proven) {
      proven = false;
      listeners.forEach(listener -> listener.accept(fault));
    }
  }
}
