package dev.portcullis.harness.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a flood costs the one who reads it, measured in a JVM of its own with the gateway's flags. */
class FloodTest {
  private static final String INSTANCE = "flood" + ProcessHandle.current().pid();
  private static final String HALF_MESSAGES = "yes \"{half a message $(printf '%%01000d' 0)\" | head -c %d";
  private static final long MIB = 1024 * 1024;
  private static final long GROWTH_KIB_MAX = 32 * 1024;

  @BeforeEach
  void onlyOnLinux() {
    assumeTrue(Files.isDirectory(Path.of("/proc/self")), "needs /proc");
  }

  @ParameterizedTest
  @Tag("H-5")
  @Tag("SEC-44")
  @ValueSource(strings = {
      "head -c %d /dev/zero", // One line without an end.
      "yes 'a line of text' | head -c %d",
      HALF_MESSAGES,
      "yes '[1,2]' | head -c %d >&2"})
  void aFloodOfGarbageCostsLessThan32MibAndEndsNothing(String flood) throws Exception {
    survives(flood.formatted(256 * MIB));
  }

  @ParameterizedTest
  @Tag("torture")
  @Tag("H-5")
  @ValueSource(strings = {
      "head -c %d /dev/zero",
      "yes 'a line of text' | head -c %d",
      HALF_MESSAGES,
      "yes '[1,2]' | head -c %d >&2"})
  void aGigabyteOfGarbageCostsLessThan32MibAndEndsNothing(String flood) throws Exception {
    survives(flood.formatted(1024 * MIB));
  }

  /** A message that never ends could only be kept or lost: past the limit it ends the connection. */
  @ParameterizedTest
  @Tag("H-5")
  @ValueSource(strings = "printf '{\"a\":\"'; head -c %d /dev/zero")
  void aMessageWithoutAnEndCostsLessThan32MibAndEndsTheConnection(String flood) throws Exception {
    assertEquals("MALFORMED", flooded(flood.formatted(1024 * MIB)));
  }

  /** Without a bound on memory: until it is killed, the JDK keeps what is in the pipe of a process that ended. */
  @Test
  @Tag("H-6")
  void aFloodThatOutlivesItsAgentIsEndedWithIt() throws Exception {
    assertEquals("LOST", flooded("setsid yes garbage & exit 0", Long.MAX_VALUE));
  }

  private static void survives(String flood) throws Exception {
    assertEquals("survived", flooded(flood));
  }

  private static String flooded(String flood) throws Exception {
    return flooded(flood, GROWTH_KIB_MAX);
  }

  private static String flooded(String flood, long growthKibMax) throws Exception {
    var gateway = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xms64m",
        "-XX:+UseCompactObjectHeaders", "-Dlogback.configurationFile=logback.xml",
        "-cp", System.getProperty("java.class.path"), FloodedGateway.class.getName(), INSTANCE, flood)
        .redirectError(ProcessBuilder.Redirect.DISCARD).start();
    try (var reader = gateway.inputReader()) {
      var words = reader.lines().filter(line -> line.startsWith("grown ")).findFirst().orElseThrow().split(" ");
      var grown = Long.parseLong(words[2]);
      assertTrue(grown < growthKibMax, flood + " cost " + grown + " KiB");
      return words[1];
    } finally {
      gateway.destroyForcibly().waitFor();
      new Reaper(INSTANCE, 2).reap(List.of());
    }
  }
}
