package dev.portcullis.ingress;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/** Requests per minute and principal. There are as many entries as principals have come in. */
public final class Budgets {
  private static final Duration WINDOW = Duration.ofMinutes(1);

  /**
   * What a request has left of its minute.
   *
   * @param remaining requests; below zero when there was none for this one
   * @param resetSeconds until the next minute begins
   */
  public record Left(int limit, int remaining, long resetSeconds) {
    boolean exceeded() {
      return remaining < 0;
    }
  }

  private record Spent(Instant since, int requests) {}

  private final int limit;
  private final Clock clock;
  private final Map<String, Spent> spent = new HashMap<>();

  Budgets(int limit, Clock clock) {
    this.limit = limit;
    this.clock = clock;
  }

  synchronized Left spend(String principal) {
    var now = clock.instant();
    var before = spent.get(principal);
    boolean fresh = before == null || !before.since().plus(WINDOW).isAfter(now);
    // One that is refused costs nothing: its minute ends when it would have ended.
    var after = fresh ? new Spent(now, 1) : new Spent(before.since(), Math.min(before.requests(), limit) + 1);
    spent.put(principal, after);
    var reset = Duration.between(now, after.since().plus(WINDOW)).plusMillis(999).toSeconds();
    return new Left(limit, limit - after.requests(), reset);
  }
}
