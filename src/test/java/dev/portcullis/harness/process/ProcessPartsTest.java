package dev.portcullis.harness.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.harness.HarnessFault;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessPartsTest {
  private static List<String> lines(byte[] bytes, int limit) throws IOException {
    var lines = new ArrayList<String>();
    new LineReader(new ByteArrayInputStream(bytes), limit).forEach(lines::add);
    return lines;
  }

  @Test
  void linesEndAtNewlineOnlyAndHalfALineIsDropped() throws Exception {
    assertEquals(List.of("a\rb", "", "\u2028c"),
        lines("a\rb\n\n\u2028c\nhalf".getBytes(StandardCharsets.UTF_8), 100));
  }

  @Test
  void aLineLongerThanTheBoundIsAFaultAlsoWhenItNeverEnds() {
    assertEquals(HarnessFault.Code.MALFORMED,
        assertThrows(HarnessFault.class, () -> lines("x".repeat(101).getBytes(StandardCharsets.UTF_8), 100))
            .code());
  }

  @Test
  void aLineMayBeLongerThanWhatIsReadAtOnce() throws Exception {
    var longLine = "x".repeat(1_000_000);
    assertEquals(List.of(longLine, "y"),
        lines((longLine + "\ny\n").getBytes(StandardCharsets.UTF_8), 2_000_000));
  }

  @Test
  void bytesThatAreNoTextDoNotEndTheStream() throws Exception {
    assertEquals(List.of("\uFFFD", "ok"), lines(new byte[] {(byte) 0xff, '\n', 'o', 'k', '\n'}, 100));
  }

  @Test
  void aMissingCommandIsNamed(@TempDir Path directory) throws Exception {
    var path = directory + ":/nowhere";
    var fault = assertThrows(HarnessFault.class, () -> Program.find("agent", path));
    assertEquals(HarnessFault.Code.NOT_FOUND, fault.code());
    assertTrue(fault.getMessage().contains("agent"));
    Files.writeString(directory.resolve("agent"), "");
    assertThrows(HarnessFault.class, () -> Program.find("agent", path)); // It may not be run.
    assertTrue(directory.resolve("agent").toFile().setExecutable(true));
    assertEquals(directory.resolve("agent"), Program.find("agent", path));
    assertEquals(directory.resolve("agent"), Program.find(directory.resolve("agent").toString(), ""));
  }

  @Test
  void theTailKeepsTheLastBytesInOrder() {
    var tail = new Tail(4);
    tail.add("ab".getBytes(StandardCharsets.UTF_8), 2);
    assertEquals("ab", tail.text());
    tail.add("cdef".getBytes(StandardCharsets.UTF_8), 4);
    assertEquals("cdef", tail.text());
    tail.add("123456g".getBytes(StandardCharsets.UTF_8), 7);
    assertEquals("456g", tail.text());
  }

  @Test
  void nobodySignalsEveryProcessByMistake() {
    assertThrows(IllegalArgumentException.class, () -> Signals.group(1, Signals.KILL));
    assertThrows(IllegalArgumentException.class, () -> Signals.process(-1, Signals.KILL));
  }
}
