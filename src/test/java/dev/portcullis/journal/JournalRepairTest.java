package dev.portcullis.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.JournalRepair.Outcome;
import dev.portcullis.journal.JournalRepair.Way;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two histories of fifteen events in tables and a log; a backup from before the last five of each. */
@Tag("INV-J1")
class JournalRepairTest {

  @TempDir Path directory;
  private Path data;
  private Path backup;

  @BeforeEach
  void write() throws IOException {
    data = directory.resolve("data");
    backup = directory.resolve("backup");
    for (int i = 0; i < 3; i++) {
      if (i == 2) {
        Damage.copy(data, backup);
      }
      try (var journal = Samples.open(data)) {
        Samples.append(journal, "s-1", 5);
        Samples.append(journal, "s-2", 5);
        Samples.done(journal.index(List.of(new IndexEntry.Put("row", "k", "v"))));
        Samples.done(journal.putSnapshot(new StoredSnapshot("s-1", (i + 1) * 5, 7, "state", new byte[3],
            Samples.AT)));
      }
    }
  }

  private LevelDbFiles files() {
    return new LevelDbFiles(data.resolve("journal"));
  }

  private Outcome repair(Way way, String... ids) {
    try (var stopped = StoppedJournal.open(data)) {
      return stopped.repair().run(way, Set.of(ids), false);
    }
  }

  private JournalVerdict verify() {
    try (var stopped = StoppedJournal.open(data)) {
      return stopped.verify(_ -> {});
    }
  }

  private void assertHistories(int first, int second) {
    assertEquals(List.of(), verify().findings());
    try (var journal = Samples.open(data)) {
      assertEquals(first, Samples.replay(journal, "s-1").size());
      assertEquals(second, Samples.replay(journal, "s-2").size());
      if (first > 0) {
        Samples.append(journal, "s-1", 1); // The head goes on where the history ends.
      }
    }
    assertEquals(List.of(), verify().findings());
  }

  @Test void aCutEndsAHistoryWithItsLastSoundEventAndSaysWhatIsLost() {
    Damage.removeEvent(data, "s-1", 8);
    var outcome = repair(new Way.Cut());
    assertEquals(1, outcome.changes().size());
    assertTrue(outcome.changes().getFirst().contains("ends with seq 7 now; 8 events are lost, from seq 8"),
        outcome.changes().getFirst());
    assertTrue(outcome.changes().getFirst().contains(Samples.AT.toString()));
    assertTrue(Files.exists(outcome.original().getFirst().resolve(LevelDbFiles.CURRENT)));
    try (var journal = Samples.open(data)) {
      assertEquals("", journal.get(JournalRepair.REINDEX, "s-1").orElseThrow());
      assertFalse(journal.get(JournalRepair.REINDEX, "s-2").isPresent());
      assertEquals("v", journal.get("row", "k").orElseThrow());
      assertEquals(List.of(5L), journal.snapshots("s-1").stream().map(StoredSnapshot::seq).toList());
    }
    assertHistories(7, 15);
  }

  @Test void aDiscardedHistoryIsGoneAndTheOthersAreNot() {
    Damage.removeEvent(data, "s-1", 1);
    repair(new Way.Discard(), "s-1");
    assertHistories(0, 15);
  }

  @Test void aHistoryIsTakenFromABackupThatIsLongEnough() {
    Damage.removeEvent(data, "s-1", 8);
    var outcome = repair(new Way.Restore(backup));
    assertTrue(outcome.changes().getFirst().contains("up to seq 10; 5 newer events are lost"),
        outcome.changes().getFirst());
    assertHistories(10, 15);
  }

  @Test void aBackupThatIsShorterThanWhatIsSoundIsRefused() {
    Damage.removeEvent(data, "s-1", 14);
    var outcome = repair(new Way.Restore(backup));
    assertEquals(List.of(), outcome.original());
    assertEquals(1, outcome.refused().size());
    assertFalse(verify().sound());
  }

  @Test void aBackupOfAnotherInstanceIsRefused() {
    Damage.removeEvent(data, "s-1", 8);
    var other = directory.resolve("other");
    try (var journal = Samples.open(other)) {
      for (long seq = 1; seq <= 20; seq++) {
        Samples.done(journal.append(List.of(Samples.event("s-1", seq, "other " + seq)), List.of()));
      }
    }
    var outcome = repair(new Way.Restore(other), "s-1");
    assertTrue(outcome.refused().getFirst().contains("differs"), outcome.refused().toString());
    assertEquals(List.of(), outcome.original());
  }

  @Test void aHistoryThatIsMissingHereIsTakenFromTheBackup() {
    Damage.forget(data, "s-1");
    repair(new Way.Restore(backup));
    assertHistories(10, 15);
  }

  @Test void whatWasNotChosenStaysAsDamagedAsItIs() {
    Damage.removeEvent(data, "s-1", 8);
    Damage.removeEvent(data, "s-2", 15);
    repair(new Way.Cut(), "s-1");
    try (var journal = Samples.open(data)) {
      assertEquals(7, Samples.replay(journal, "s-1").size());
      assertEquals(15, journal.highest("s-2"));
      assertEquals(JournalFault.Code.CORRUPT,
          assertThrows(JournalFault.class, () -> Samples.replay(journal, "s-2")).code());
    }
    assertEquals(1, verify().damaged());
  }

  @Test void aDryRunChangesNothing() {
    Damage.removeEvent(data, "s-1", 8);
    try (var stopped = StoppedJournal.open(data)) {
      var outcome = stopped.repair().run(new Way.Cut(), Set.of(), true);
      assertEquals(1, outcome.changes().size());
      assertEquals(List.of(), outcome.original());
    }
    assertFalse(verify().sound());
  }

  @Test void aSoundJournalIsLeftAlone() {
    var outcome = repair(new Way.Cut());
    assertEquals(new Outcome(List.of(), List.of(), List.of()), outcome);
    assertFalse(Files.exists(data.resolve("journal.damaged-1")));
  }

  @Test void whatATableLostInADamagedBlockIsRestored() throws IOException {
    var table = files().tables().getFirst();
    Damage.flip(table, 200);
    repair(new Way.Restore(backup));
    var left = verify();
    if (!left.sound()) { // The newest events of a history may have been in the same block.
      repair(new Way.Cut());
    }
    assertEquals(List.of(), verify().findings());
    try (var journal = Samples.open(data)) {
      for (var id : List.of("s-1", "s-2")) {
        int length = Samples.replay(journal, id).size();
        assertTrue(length >= 10, id + " has " + length);
        assertEquals("", journal.get(JournalRepair.REINDEX, id).orElseThrow(), "rows may be lost");
      }
    }
  }

  @Test void aTableWithADamagedIndexIsReadWithoutIt() throws IOException {
    var table = files().tables().getFirst();
    Damage.flip(table, Files.size(table) - 60);
    repair(new Way.Cut());
    assertHistories(15, 15);
  }

  @Test void aStoreWithoutItsTableOfContentsIsPutTogetherFromItsTablesAndLogs() throws IOException {
    Files.delete(files().directory().resolve(LevelDbFiles.CURRENT));
    repair(new Way.Cut());
    assertHistories(15, 15);
  }

  /** LevelDB would give up everything behind it, and the other history would end early without a word. */
  @Test void aDamagedBatchInTheLogIsAHoleInItsOwnHistoryAndNoOther() throws IOException {
    Damage.flip(files().logs().getLast(), 300);
    var damaged = verify().findings().stream().map(JournalFinding::where).filter(where -> where.contains("seq")).toList();
    assertEquals(List.of("\"s-1\" seq 11"), damaged);
    repair(new Way.Cut());
    assertHistories(10, 15);
  }

  @Test void aDamagedBatchInTheLogIsTakenFromACopy() throws IOException {
    var copy = directory.resolve("copy");
    Damage.copy(data, copy);
    Damage.flip(files().logs().getLast(), 300);
    repair(new Way.Restore(copy));
    assertHistories(15, 15);
  }

  @Test void historiesThatEndTooEarlyBecauseTheirLogWasCutAreTakenFromACopy() throws IOException {
    var copy = directory.resolve("copy");
    Damage.copy(data, copy);
    try (var log = FileChannel.open(files().logs().getLast(), StandardOpenOption.WRITE)) {
      log.truncate(log.size() - 1_000);
    }
    repair(new Way.Restore(copy));
    assertHistories(15, 15);
  }

  @Test void anOlderCopyThatIsSoundInItselfIsAcceptedByARepair() throws IOException {
    LevelDbFiles.delete(files().directory());
    Damage.copy(backup.resolve("journal"), files().directory());
    assertThrows(JournalFault.class, () -> Samples.open(data));
    repair(new Way.Cut());
    assertHistories(10, 10);
  }
}
