package dev.portcullis.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.JournalFault.Code;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.LogCapturingExtension;
import org.apache.pekko.actor.testkit.typed.javadsl.LoggingTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Real LevelDB files, damaged as disks and crashes do it. */
@ExtendWith(LogCapturingExtension.class)
class LevelDbRecoveryTest {

  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final int EVENTS = 400;

  @TempDir Path directory;

  @AfterAll
  static void shutDown() {
    KIT.shutdownTestKit();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 100, 5000})
  @Tag("INV-J1")
  void aTornTailStartsWithOneLoudLineThatNamesTheCopy(int bytes) throws IOException {
    write();
    truncate(log(), bytes);
    var damaged = Files.readAllBytes(log());
    var line = "journal.torn_tail copy=" + directory.resolve("journal.damaged-1");
    LoggingTestKit.error(line).expect(KIT.system(), () -> {
      try (var journal = Samples.open(directory)) {
        long left = journal.highest("s-1");
        assertTrue(left < EVENTS && left > EVENTS / 2, "left " + left);
        assertEquals(left, Samples.replay(journal, "s-1").size());
        Samples.append(journal, "s-1", 1);
      }
      return true;
    });
    assertEquals(damaged.length, Files.size(log(directory.resolve("journal.damaged-1"))));
    Samples.open(directory).close(); // Sound again: no second copy.
    assertFalse(Files.exists(directory.resolve("journal.damaged-2")));
    assertFalse(Files.exists(directory.resolve("journal.trial")));
  }

  @Test
  @Tag("INV-J1")
  void aFlippedBitInTheMiddleRefusesToStartEachTime() throws IOException {
    write();
    Damage.flip(log(), Files.size(log()) / 4);
    for (int i = 0; i < 2; i++) {
      var fault = assertThrows(JournalFault.class, () -> Samples.open(directory));
      assertEquals(Code.CORRUPT, fault.code());
      assertTrue(fault.getMessage().contains("portcullis journal repair"), fault.getMessage());
    }
    try (var files = Files.list(directory)) {
      assertEquals(
          List.of("journal", "journal.acked", "journal.sums", "lock"), files.map(file -> file.getFileName().toString()).sorted().toList());
    }
  }

  /** No history has a hole then: each lost batch was the only one of its history. Only the marks can tell. */
  @Test
  @Tag("INV-J1")
  void lostHistoriesInTheMiddleAreNotTakenForATornTail() throws IOException {
    var live = directory.resolveSibling(directory.getFileName() + "-live");
    try (var journal = Samples.open(live)) {
      for (int i = 0; i < EVENTS; i++) {
        Samples.append(journal, "once-" + i, 1);
      }
      Damage.copy(live, directory);
    } finally {
      LevelDbFiles.delete(live);
    }
    Damage.flip(log(), Files.size(log()) / 4);
    var fault = assertThrows(JournalFault.class, () -> Samples.open(directory));
    assertEquals(Code.CORRUPT, fault.code());
    assertTrue(fault.getMessage().contains("hole"), fault.getMessage());
  }

  @Test
  @Tag("INV-J1")
  void aBitThatFlipsInATableFileInUseFailsTheHistoriesInItAndNoOther() throws IOException {
    tables();
    var table = files(".ldb", ".sst").getFirst();
    try (var journal = Samples.open(directory)) {
      Damage.flip(table, Files.size(table) / 2);
      var fault = assertThrows(JournalFault.class, () -> Samples.replay(journal, "s-1"));
      assertEquals(Code.CORRUPT, fault.code());
      assertEquals(Code.CORRUPT, assertThrows(JournalFault.class, journal::verify).code());
      assertEquals(1, Samples.replay(journal, "s-2").size());
    }
  }

  @Test
  @Tag("INV-J1")
  void aFlippedBitInATableFileRefusesToStartAndSaysHowManyHistoriesItConcerns() throws IOException {
    tables();
    var table = files(".ldb", ".sst").getFirst();
    Damage.flip(table, Files.size(table) / 2);
    var message = assertThrows(JournalFault.class, () -> Samples.open(directory)).getMessage();
    assertTrue(message.contains("changed file " + table.getFileName()), message);
    assertTrue(message.contains("1 of 2 readable histories are damaged"), message);
    assertTrue(message.contains("portcullis journal repair"), message);
  }

  private void tables() {
    var big = "x".repeat(20_000);
    try (var journal = Samples.open(directory)) {
      for (long seq = 1; seq <= EVENTS; seq++) { // More than the write buffer, so that tables are written.
        Samples.done(journal.append(List.of(Samples.event("s-1", seq, big)), List.of()));
      }
      Samples.append(journal, "s-2", 1);
    }
  }

  @Test
  @Tag("INV-J1")
  void theJavaImplementationRefusesAHoleEachTimeToo() throws IOException {
    var java = new JournalSettings(directory, JournalSettings.Implementation.JAVA, 0);
    write();
    Damage.flip(log(), Files.size(log()) / 4);
    for (int i = 0; i < 2; i++) {
      assertEquals(
          Code.CORRUPT, assertThrows(JournalFault.class, () -> Journal.open(java, Samples.noFault())).code());
    }
  }

  @Test
  @Tag("INV-J8")
  void aStoreInUseIsLockedNotDamaged() throws IOException {
    write();
    Damage.in(directory, _ -> {
      var fault = assertThrows(JournalFault.class, () -> Damage.in(directory, _ -> {}));
      assertEquals(Code.LOCKED, fault.code());
    });
  }

  @Test
  @Tag("INV-J1")
  void aDamagedBlockAtTheVeryBeginningIsNotTakenForALock() throws IOException {
    write();
    Damage.flip(log(), 3);
    assertEquals(Code.CORRUPT, assertThrows(JournalFault.class, () -> Samples.open(directory)).code());
  }

  @Test
  void dataWithoutItsTableOfContentsIsNotStartedAnew() throws IOException {
    write();
    Files.delete(directory.resolve("journal/CURRENT"));
    assertEquals(Code.CORRUPT, assertThrows(JournalFault.class, () -> Samples.open(directory)).code());
  }

  @Test
  void aKillWhileTheRecoveredFilesTakeOverLosesNothing() throws IOException {
    write();
    Files.move(directory.resolve("journal"), directory.resolve("journal.recovered"));
    try (var journal = Samples.open(directory)) {
      assertEquals(EVENTS, Samples.replay(journal, "s-1").size());
    }
    assertFalse(Files.exists(directory.resolve("journal.recovered")));
  }

  @Test
  void aKillWhileTheDataDirectoryIsMadeStartsAnew() throws IOException {
    Files.createDirectories(directory.resolve("journal"));
    Files.createFile(directory.resolve("journal/LOG"));
    Files.createFile(directory.resolve("journal/MANIFEST-000001"));
    Samples.open(directory).close();
  }

  /** The files as a kill leaves them; after a clean stop nothing at all may be missing. */
  private void write() throws IOException {
    var live = directory.resolveSibling(directory.getFileName() + "-live");
    try (var journal = Samples.open(live)) {
      Samples.append(journal, "s-1", EVENTS);
      Damage.copy(live, directory);
    } finally {
      LevelDbFiles.delete(live);
    }
    // LevelDB makes a log longer than it is; what it has not written need not be cut off first.
    truncate(log(), zeroTail(log()));
  }

  private static int zeroTail(Path file) throws IOException {
    var bytes = Files.readAllBytes(file);
    int end = bytes.length;
    while (end > 0 && bytes[end - 1] == 0) {
      end--;
    }
    return bytes.length - end;
  }

  private Path log() throws IOException {
    return log(directory.resolve("journal"));
  }

  private List<Path> files(String... endings) throws IOException {
    try (var files = Files.list(directory.resolve("journal"))) {
      return files
          .filter(file -> List.of(endings).stream().anyMatch(file.toString()::endsWith))
          .sorted()
          .toList();
    }
  }

  private static Path log(Path store) throws IOException {
    try (var files = Files.list(store)) {
      return files
          .filter(file -> file.toString().endsWith(".log"))
          .max(Comparator.naturalOrder())
          .orElseThrow();
    }
  }

  private static void truncate(Path file, int bytes) throws IOException {
    try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(channel.size() - bytes);
    }
  }
}
