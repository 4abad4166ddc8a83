package dev.portcullis.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class EventCodecTest {

  /** As released. */
  record Old(String runId, int attempt, Instant at) implements Durable {}

  /** As it may be later: a field more. */
  record Grown(String runId, int attempt, Instant at, String reason, List<String> notes) implements Durable {
    boolean isPlanned() {
      return reason != null;
    }

    String getSummary() {
      return runId + attempt;
    }
  }

  @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
  @JsonSubTypes({
    @JsonSubTypes.Type(value = Done.class, name = "done"),
    @JsonSubTypes.Type(value = Broken.class, name = "broken")
  })
  sealed interface Outcome {}

  record Done() implements Outcome {}

  record Broken(String cause) implements Outcome {}

  enum Mode {
    QUEUE,
    STEER
  }

  record Everything(
      Outcome outcome,
      Mode mode,
      Duration took,
      Map<String, Long> usage,
      List<Outcome> all,
      byte[] digest,
      long big)
      implements Durable {}

  record Empty() implements Durable {}

  private final EventCodec codec = new EventCodec(EventTypes.builder()
      .add("everything", Everything.class)
      .add("grown", Grown.class)
      .add("empty", Empty.class)
      .build());
  private final EventCodec older = new EventCodec(EventTypes.builder().add("grown", Old.class).build());

  private static final Instant AT = Instant.parse("2026-11-20T10:00:00.123456789Z");

  @Test
  void everyKindOfFieldComesBack() {
    var written = new Everything(
        new Broken("disk"), Mode.STEER, Duration.ofMillis(1500), Map.of("tokens", 5L), List.of(new Done()),
        new byte[] {1, 2}, Long.MAX_VALUE);
    var read = (Everything) codec.decode("everything", codec.encode(written));
    assertEquals(written.outcome(), read.outcome());
    assertEquals(written.all(), read.all());
    assertEquals(written.usage(), read.usage());
    assertEquals(written.took(), read.took());
    assertEquals(Mode.STEER, read.mode());
    assertEquals(Long.MAX_VALUE, read.big());
    assertEquals(2, read.digest()[1]);
    assertEquals(new Empty(), codec.decode("empty", codec.encode(new Empty())));
  }

  @Test
  void aFieldThatWasAddedIsAbsentInOldBytesAndSkippedByOldCode() {
    var old = older.encode(new Old("r-1", 2, AT));
    var grown = (Grown) codec.decode("grown", old);
    assertEquals(AT, grown.at());
    assertNull(grown.reason());
    var bytes = codec.encode(new Grown("r-1", 2, AT, "restart", List.of("n")));
    assertEquals(new Old("r-1", 2, AT), older.decode("grown", bytes));
  }

  @Test
  void onlyComponentsThatArePresentAreWritten() {
    var tree = EventCodec.tree(codec.encode(new Grown("r-1", 2, AT, null, null)));
    assertEquals(
        "{\"runId\":\"r-1\",\"attempt\":2,\"at\":\"2026-11-20T10:00:00.123456789Z\"}", tree.toString());
  }

  @Test
  void classNamesAreNeverWritten() {
    var tree = EventCodec.tree(codec.encode(
        new Everything(new Done(), null, null, null, null, null, 0))).toString();
    assertTrue(tree.contains("\"kind\":\"done\""), tree);
    assertFalse(tree.contains("portcullis"), tree);
  }

  @Test
  void whatIsNotInTheTableIsRefusedByName() {
    var encode = assertThrows(IllegalArgumentException.class, () -> codec.encode(new Old("r", 1, AT)));
    assertTrue(encode.getMessage().contains("EventCodecTest$Old"), encode.getMessage());
    var decode = assertThrows(IllegalArgumentException.class, () -> codec.decode("nobody", new byte[0]));
    assertTrue(decode.getMessage().contains("nobody"), decode.getMessage());
  }

  @Test
  void bytesThatAreNotOfTheClassAreRefusedByManifest() {
    var whole = codec.encode(new Everything(null, null, null, null, null, null, 1));
    var cut = Arrays.copyOf(whole, whole.length - 1);
    for (var broken : List.of(new byte[0], new byte[] {1}, cut)) {
      var fault = assertThrows(IllegalArgumentException.class, () -> codec.decode("everything", broken));
      assertTrue(fault.getMessage().contains("everything"), fault.getMessage());
    }
  }

  @Test
  void aManifestAndAClassHaveOneLineEach() {
    var builder = EventTypes.builder().add("old", Old.class);
    assertTrue(assertThrows(IllegalStateException.class, () -> builder.add("old", Grown.class))
        .getMessage().contains("old"));
    assertTrue(assertThrows(IllegalStateException.class, () -> builder.add("older", Old.class))
        .getMessage().contains("Old"));
    assertThrows(IllegalArgumentException.class, () -> builder.add(" ", Grown.class));
    assertEquals(Map.of("old", Old.class), builder.build().table());
  }
}
