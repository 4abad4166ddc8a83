package dev.portcullis.harness.acp;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/**
 * When each session was last made or reopened, for agents that destroy a stored session which is reopened
 * within the same minute. A session of an earlier life counts as touched when this life began. Thread-safe.
 */
final class AcpSessionAges {
  static final Duration RIPE = Duration.ofSeconds(61);

  private final Clock clock;
  private final Instant began;
  private final Map<String, Instant> touched = new HashMap<>();

  AcpSessionAges(Clock clock) {
    this.clock = clock;
    this.began = clock.instant();
  }

  synchronized boolean mayReopen(AcpAgent agent, String sessionId) {
    return !agent.loadsOnlyAfterAMinute()
        || !clock.instant().isBefore(touched.getOrDefault(sessionId, began).plus(RIPE));
  }

  synchronized void touched(String sessionId) {
    var now = clock.instant();
    touched.values().removeIf(at -> at.plus(RIPE).isBefore(now) && began.plus(RIPE).isBefore(now));
    touched.put(sessionId, now);
  }
}
