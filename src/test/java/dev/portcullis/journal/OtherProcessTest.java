package dev.portcullis.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What only a process of its own can show: the lock, and being killed. */
class OtherProcessTest {

  private static final int KILLED = 137;

  @TempDir Path directory;

  /** Appends five events to {@code s-1}, each acknowledged by a line. */
  public static final class Appender {
    private Appender() {}

    public static void main(String[] arguments) {
      try (var journal = Samples.open(Path.of(arguments[0]))) {
        for (long seq = journal.highest("s-1") + 1; seq <= 5; seq++) {
          var manifest = "m" + seq;
          Samples.done(journal.append(
              List.of(new StoredEvent("s-1", seq, 7, manifest, new byte[10], Samples.AT, "w")),
              List.of(new IndexEntry.Put("last", "s-1", Long.toString(seq)))));
          System.out.println("acked " + seq);
        }
        FailPoints.hit("after-all");
      } catch (JournalFault fault) {
        System.out.println(fault.code());
      }
    }
  }

  private record Ended(int status, List<String> lines) {}

  private Ended run(String failPoints) throws IOException, InterruptedException {
    var command = List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED",
        "-Dportcullis.failpoint=" + failPoints,
        "-cp", System.getProperty("java.class.path"), Appender.class.getName(), directory.toString());
    var process = new ProcessBuilder(command).redirectErrorStream(true).start();
    var lines = new ArrayList<>(process.inputReader().readAllLines());
    assertTrue(process.waitFor(20, TimeUnit.SECONDS));
    lines.removeIf(line -> !line.startsWith("acked") && !line.equals("LOCKED"));
    return new Ended(process.exitValue(), lines);
  }

  @Test
  @Tag("INV-J8")
  void anotherProcessIsKeptOut() throws Exception {
    try (var _ = Samples.open(directory)) {
      assertEquals(new Ended(0, List.of("LOCKED")), run(""));
    }
  }

  @Test
  @Tag("INV-J2")
  void aKillBeforeTheWriteLosesOnlyWhatWasNotAcknowledged() throws Exception {
    assertEquals(new Ended(KILLED, List.of("acked 1", "acked 2")), run("persist.m3.before"));
    assertHistory(2);
  }

  @Test
  @Tag("INV-J2")
  void aKillAfterTheWriteKeepsWhatNobodyWasTold() throws Exception {
    assertEquals(new Ended(KILLED, List.of("acked 1", "acked 2")), run("other,persist.m3.after#1"));
    assertHistory(3);
    assertEquals(new Ended(KILLED, List.of("acked 4", "acked 5")), run("persist.m4.after#2, after-all"));
    assertHistory(5);
  }

  private void assertHistory(long count) {
    try (var journal = Samples.open(directory)) {
      assertEquals(count, Samples.replay(journal, "s-1").size());
      assertEquals(Long.toString(count), journal.get("last", "s-1").orElseThrow());
      journal.verify();
    }
  }
}
