package dev.portcullis.harness.http;

import java.net.http.HttpHeaders;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/** How long to wait before a call is repeated. Thread-safe if {@code random} is. */
record Backoff(Clock clock, RandomGenerator random, Pause pause) {
  /** Waits. */
  interface Pause {
    Pause REAL = (over, time) -> over.await(time.toNanos(), TimeUnit.NANOSECONDS);

    /** At most {@code time}; true as soon as {@code over} is open: then there is nothing to wait for. */
    boolean await(CountDownLatch over, Duration time) throws InterruptedException;
  }

  private static final long FIRST_MILLIS = 500;
  private static final long LONGEST_MILLIS = 30_000;
  /** More than anyone waits for; a longer one would only overflow. */
  private static final double ASKED_MILLIS_MAX = Duration.ofDays(365).toMillis();

  /**
   * Anything between nothing and twice as much as the time before, so that many that failed together do not
   * come back together.
   *
   * @param tries calls that have failed, 1 or more
   */
  Duration jitter(int tries) {
    long most = Math.min(LONGEST_MILLIS, FIRST_MILLIS << Math.min(tries - 1, 10));
    return Duration.ofMillis(random.nextLong(most + 1));
  }

  /** What the server asks for: {@code retry-after-ms}, or {@code retry-after} as seconds or as a date. */
  Optional<Duration> asked(HttpHeaders headers) {
    var millis = headers.firstValue("retry-after-ms").flatMap(text -> number(text, 1));
    return millis.isPresent() ? millis : headers.firstValue("retry-after")
        .flatMap(text -> number(text, 1_000).or(() -> date(text)));
  }

  private static Optional<Duration> number(String text, int unitMillis) {
    return Optional.of(text.strip()).filter(digits -> digits.matches("[0-9]{1,15}(\\.[0-9]{1,9})?"))
        .map(digits -> Math.min(ASKED_MILLIS_MAX, Math.ceil(Double.parseDouble(digits) * unitMillis)))
        .map(wait -> Duration.ofMillis(wait.longValue()));
  }

  private Optional<Duration> date(String text) {
    try {
      var at = ZonedDateTime.parse(text.strip(), DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      var wait = Duration.between(clock.instant(), at);
      return Optional.of(wait.isNegative() ? Duration.ZERO : wait);
    } catch (DateTimeException neither) {
      return Optional.empty(); // What cannot be read is as good as nothing.
    }
  }
}
