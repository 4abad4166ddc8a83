package dev.portcullis.harness.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.harness.HarnessFault;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class SseReaderTest {
  private static final String STREAM = "\uFEFFevent: first\r\ndata: {\"a\":\"grüße 🦊\"}\r\n\r\n"
      + ": a comment\n\ndata:no blank\ndata: two lines\nid: 7\nretry: 10\nunheard-of: x\n\n"
      + "event\rdata\r\r" + "event: nothing\n\n" + "data: last\n";
  private static final List<ServerSentEvent> EVENTS = List.of(
      new ServerSentEvent("first", "{\"a\":\"grüße 🦊\"}"),
      new ServerSentEvent("", "no blank\ntwo lines"),
      new ServerSentEvent("", ""),
      new ServerSentEvent("", "last"));

  private static List<ServerSentEvent> read(InputStream in) throws IOException {
    var reader = new SseReader(in, () -> {});
    var events = new ArrayList<ServerSentEvent>();
    for (var event = reader.next(); event.isPresent(); event = reader.next()) {
      events.add(event.get());
    }
    return events;
  }

  private static InputStream bytes(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test void linesEndInThreeWaysAndCommentsAndUnknownFieldsSayNothing() throws IOException {
    assertEquals(EVENTS, read(bytes(STREAM)));
  }

  /** Whatever the network makes of the bytes: within a character, between CR and LF, one by one. */
  @Property(tries = 200)
  void theEventsAreTheSameHoweverTheBytesArriveInPieces(
      @ForAll @Size(max = 60) List<@IntRange(min = 1, max = 9) Integer> sizes) throws IOException {
    var all = STREAM.getBytes(StandardCharsets.UTF_8);
    var pieces = new ArrayList<InputStream>();
    int from = 0;
    for (int size : sizes) {
      int to = Math.min(all.length, from + size);
      pieces.add(new ByteArrayInputStream(Arrays.copyOfRange(all, from, to)));
      from = to;
    }
    pieces.add(new ByteArrayInputStream(Arrays.copyOfRange(all, from, all.length)));

    assertEquals(EVENTS, read(new SequenceInputStream(Collections.enumeration(pieces))));
  }

  @Test void aLineThatIsCutOffIsDropped() throws IOException {
    assertEquals(List.of(new ServerSentEvent("", "whole")), read(bytes("data: whole\n\ndata: {\"ha")));
  }

  @Test void anEventThatIsTooLongIsMalformed() {
    var line = "data: " + "x".repeat(SseReader.EVENT_BYTES_MAX);
    var lines = ("data: " + "x".repeat(1 << 20) + "\n").repeat(9);

    for (var endless : List.of(line, lines)) {
      var fault = assertThrows(HarnessFault.class, () -> read(bytes(endless)));
      assertEquals(HarnessFault.Code.MALFORMED, fault.code());
      assertTrue(fault.getMessage().length() < 200, fault.getMessage());
    }
  }
}
