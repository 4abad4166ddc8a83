package dev.portcullis.alert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class OperatorAlertsTest {
  private static final Instant START = Instant.parse("2026-01-02T03:04:05Z");

  private final List<Notice> heard = new ArrayList<>();
  private Instant now = START;
  private final Clock clock = movable(() -> now);
  private final OperatorAlerts alerts = new OperatorAlerts(
      List.of(new RecordingSink(heard)), Duration.ofMinutes(5), 3, clock, new Random(7));

  @Test void anAlertIsToldOncePerRepeatInterval() {
    alerts.raise("harness.claude", "claude is gone");
    alerts.raise("harness.claude", "claude is gone");
    now = START.plus(Duration.ofMinutes(5));
    alerts.raise("harness.claude", "claude is still gone");

    assertEquals(2, heard.size());
    assertEquals("claude is still gone", assertInstanceOf(Notice.Raised.class, heard.get(1)).text());
    assertEquals(3, assertInstanceOf(Notice.Raised.class, heard.get(1)).times());
  }

  @Test void theReferenceStaysTheSameAsLongAsTheTopicIsRaised() {
    var first = alerts.raise("harness.claude", "gone");
    var second = alerts.raise("harness.claude", "gone");
    var other = alerts.raise("journal", "slow");
    alerts.resolve("harness.claude", "back");
    var later = alerts.raise("harness.claude", "gone again");

    assertTrue(first.matches("alert-[a-z2-7]{10}"), first);
    assertEquals(first, second);
    assertNotEquals(first, other);
    assertNotEquals(first, later);
  }

  @Test void theEndOfAnAlertIsToldOnceAndOnlyToWhoeverHeardOfIt() {
    var reference = alerts.raise("harness.claude", "gone");
    alerts.resolve("harness.claude", "back");
    alerts.resolve("harness.claude", "back");
    alerts.resolve("never.raised", "back");

    assertEquals(new Notice.Resolved(reference, "harness.claude", "back", START), heard.get(1));
    assertEquals(2, heard.size());
  }

  @Test void alertsPastTheLimitAreCountedAndTheCountIsToldInALaterMinute() {
    for (int i = 0; i < 8; i++) {
      alerts.raise("topic." + i, "trouble");
    }
    assertEquals(3, heard.size());

    now = START.plus(Duration.ofMinutes(1));
    alerts.raise("topic.late", "trouble");

    assertEquals(new Notice.Suppressed(5, now), heard.get(3));
    assertEquals("topic.late", assertInstanceOf(Notice.Raised.class, heard.get(4)).topic());
  }

  @Test void anAlertThatTheLimitHeldBackIsNotResolvedAloud() {
    for (int i = 0; i < 4; i++) {
      alerts.raise("topic." + i, "trouble");
    }

    alerts.resolve("topic.3", "fine");

    assertEquals(3, heard.size());
  }

  @Test void closingTellsWhatTheLimitHeldBack() {
    for (int i = 0; i < 5; i++) {
      alerts.raise("topic." + i, "trouble");
    }

    alerts.close();

    assertEquals(new Notice.Suppressed(2, START), heard.get(3));
  }

  @Test void theLogLineOfAnAlertHasTheReferenceAndOneLine() {
    try (var log = new CapturedLog("dev.portcullis.alert"); var logged = new LogSink()) {
      logged.send(new Notice.Raised("alert-abcdefghij", "harness.claude", "gone\nfor good", 1, START));
      logged.send(new Notice.Resolved("alert-abcdefghij", "harness.claude", "back", START));
      logged.send(new Notice.Suppressed(4, START));

      assertEquals(
          List.of(
              "ERROR [gateway] ALERT raised topic=harness.claude reference=alert-abcdefghij times=1"
                  + " text=\"gone for good\"",
              "WARN [gateway] ALERT resolved topic=harness.claude reference=alert-abcdefghij text=\"back\"",
              "WARN [gateway] ALERT suppressed count=4"),
          log.lines());
    }
  }

  private static Clock movable(InstantSource source) {
    return source.withZone(ZoneOffset.UTC);
  }

  private record RecordingSink(List<Notice> heard) implements Sink {
    @Override
    public void send(Notice notice) {
      heard.add(notice);
    }

    @Override
    public void close() {
      // Nothing waits here.
    }
  }
}
