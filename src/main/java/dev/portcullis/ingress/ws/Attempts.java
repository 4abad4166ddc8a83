package dev.portcullis.ingress.ws;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Wrong secrets, counted by client: whoever has shown too many within a minute waits, and waits the same
 * whatever else it sends. This machine is no exception. Thread-safe.
 */
final class Attempts {
  static final int MOST = 10;
  private static final Duration WINDOW = Duration.ofSeconds(60);
  /** Clients that are remembered; whoever has more addresses than this guesses no faster for it. */
  private static final int CLIENTS = 4_096;

  private final Clock clock;
  private final Map<String, ArrayDeque<Long>> failures = new LinkedHashMap<>();

  Attempts(Clock clock) {
    this.clock = clock;
  }

  /** Milliseconds to wait; 0 when another attempt may be made. */
  synchronized long waitMs(String client) {
    var recent = recent(client);
    return recent.size() < MOST ? 0 : recent.getFirst() + WINDOW.toMillis() - clock.millis();
  }

  synchronized void failed(String client) {
    recent(client).addLast(clock.millis());
    if (failures.size() > CLIENTS) {
      failures.remove(failures.keySet().iterator().next());
    }
  }

  synchronized void succeeded(String client) {
    failures.remove(client);
  }

  private ArrayDeque<Long> recent(String client) {
    var times = failures.computeIfAbsent(client, _ -> new ArrayDeque<>());
    while (!times.isEmpty() && times.getFirst() + WINDOW.toMillis() <= clock.millis()) {
      times.removeFirst();
    }
    return times;
  }
}
