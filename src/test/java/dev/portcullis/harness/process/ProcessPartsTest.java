package dev.portcullis.harness.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.harness.HarnessFault;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProcessPartsTest {
  private final Noise noise = new Noise("test", 1);

  private List<String> lines(byte[] bytes, int limit) throws IOException {
    var lines = new ArrayList<String>();
    new LineReader(new ByteArrayInputStream(bytes), limit, noise).forEach(lines::add);
    return lines;
  }

  private List<String> lines(String text, int limit) throws IOException {
    return lines(text.getBytes(StandardCharsets.UTF_8), limit);
  }

  @Test
  void linesEndAtNewlineOnlyAndHalfALineIsDropped() throws Exception {
    assertEquals(List.of("{a\rb", "{\u2028c"), lines("{a\rb\n\n{\u2028c\n{half", 100));
  }

  @Test
  void anObjectLongerThanTheBoundIsAFaultAlsoWhenItNeverEnds() {
    var fault = assertThrows(HarnessFault.class, () -> lines("{" + "x".repeat(100), 100));
    assertEquals(HarnessFault.Code.MALFORMED, fault.code());
  }

  @Test
  @Tag("SEC-44")
  void aLineThatIsNoObjectIsCountedAndNotKeptHoweverLongItIs() throws Exception {
    assertEquals(List.of("{1", "{2", "{3"), lines("Welcome!\n{1\n  \t{2\n" + "x".repeat(200_000)
        + "\n[1,2]\n\u0000{no\n\r\n{3\n", 100));
    assertEquals(4, noise.lines());
    assertEquals("Welcome![1,2]\u0000{no".length() + 200_000, noise.bytes());
  }

  @Test
  void whatALineIsDoesNotDependOnWhereItIsCut() throws Exception {
    var lines = new ArrayList<String>();
    var dripping = new FilterInputStream(new ByteArrayInputStream(" noise\n \t{a}\n\n{b}\n".getBytes(StandardCharsets.UTF_8))) {
      @Override
      public int read(byte[] bytes, int from, int length) throws IOException {
        return super.read(bytes, from, 1);
      }
    };
    new LineReader(dripping, 3, noise).forEach(lines::add);
    assertEquals(List.of("{a}", "{b}"), lines);
  }

  @Test
  void aLineMayBeLongerThanWhatIsReadAtOnce() throws Exception {
    var longLine = "{" + "x".repeat(1_000_000);
    assertEquals(List.of(longLine, "{y"), lines(longLine + "\n{y\n", 2_000_000));
  }

  @Test
  void bytesThatAreNoTextDoNotEndTheStream() throws Exception {
    assertEquals(List.of("{\uFFFD\u0000", "{ok"),
        lines(new byte[] {'{', (byte) 0xff, 0, '\n', '{', 'o', 'k', '\n'}, 100));
  }

  @ParameterizedTest
  @Tag("SEC-40")
  @ValueSource(strings = {"", "-", "--dangerously-skip-permissions", "a\nb", "a\u0000", "\u001b[2J", "a\u0085"})
  void aValueThatAProgramMayTakeForSomethingElseNeverBecomesAnArgument(String value) {
    var fault = assertThrows(HarnessFault.class, () -> Arguments.safe("model", value));
    assertEquals(HarnessFault.Code.MALFORMED, fault.code());
    assertTrue(fault.getMessage().contains("model"), fault.getMessage());
    assertThrows(HarnessFault.class, () -> Arguments.safe("model", "x".repeat(1_001)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"claude-sonnet-5", "provider/model:1", "01a1f81b-9b27", "$(id) ; 'x' \"y\" `z`", "\u00e9"})
  void aValueThatCanOnlyBeAValueIsAnArgumentAsItIs(String value) {
    assertEquals(value, Arguments.safe("model", value));
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
