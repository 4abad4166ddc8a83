package dev.portcullis.harness.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.http.HttpHeaders;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BackoffTest {
  private static final Clock CLOCK = Clock.fixed(Instant.parse("2026-11-20T10:00:00Z"), ZoneOffset.UTC);
  private final Backoff backoff = new Backoff(CLOCK, new Random(7), (_, _) -> false);

  private Optional<Duration> asked(String name, String value) {
    return backoff.asked(HttpHeaders.of(Map.of(name, List.of(value)), (_, _) -> true));
  }

  @ParameterizedTest
  @CsvSource({"1, 500", "2, 1000", "3, 2000", "6, 16000", "7, 30000", "60, 30000"})
  void theWaitIsAnythingUpToAMostThatDoubles(int tries, long mostMillis) {
    var waits = IntStream.range(0, 2_000).mapToLong(_ -> backoff.jitter(tries).toMillis()).summaryStatistics();

    assertTrue(waits.getMin() >= 0 && waits.getMin() < mostMillis / 20, waits::toString);
    assertTrue(waits.getMax() <= mostMillis && waits.getMax() > mostMillis * 19 / 20, waits::toString);
  }

  @ParameterizedTest
  @CsvSource({
      "retry-after, 2, 2000",
      "retry-after, 0, 0",
      "retry-after, 1.5, 1500",
      "retry-after-ms, 120, 120",
      "retry-after, '  3 ', 3000",
      "retry-after, 'Fri, 20 Nov 2026 10:01:30 GMT', 90000",
      "retry-after, 'Fri, 20 Nov 2026 09:00:00 GMT', 0",
      "retry-after, 999999999999999, 31536000000"
  })
  void aServerMaySayHowLong(String name, String value, long millis) {
    assertEquals(Optional.of(Duration.ofMillis(millis)), asked(name, value));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "soon", "-1", "1e9", "99999999999999999999"})
  void whatCannotBeReadIsAsGoodAsNothing(String value) {
    assertEquals(Optional.empty(), asked("retry-after", value));
  }

  @Test void millisecondsAreMorePreciseAndWin() {
    var headers = HttpHeaders.of(
        Map.of("retry-after", List.of("5"), "retry-after-ms", List.of("4200")), (_, _) -> true);

    assertEquals(Optional.of(Duration.ofMillis(4_200)), backoff.asked(headers));
  }
}
