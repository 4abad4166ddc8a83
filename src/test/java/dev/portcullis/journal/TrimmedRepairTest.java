package dev.portcullis.journal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.JournalFinding.Kind;
import dev.portcullis.journal.JournalRepair.Outcome;
import dev.portcullis.journal.JournalRepair.Way;
import dev.portcullis.journal.JournalStore.Change;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two histories of twenty events, both trimmed to twelve, and one of five that was never trimmed; a backup from
 * before the last five of each.
 */
@Tag("INV-J1")
class TrimmedRepairTest {

  @TempDir Path directory;
  private Path data;
  private Path backup;

  @BeforeEach
  void write() throws IOException {
    data = directory.resolve("data");
    backup = directory.resolve("backup");
    try (var journal = Samples.open(data)) {
      for (var id : List.of("s-1", "s-2")) {
        Samples.append(journal, id, 15);
        Samples.done(journal.trim(base(id, 12), List.of()));
        Samples.done(journal.putSnapshot(base(id, 14)));
      }
    }
    Damage.copy(data, backup);
    try (var journal = Samples.open(data)) {
      Samples.append(journal, "s-1", 5);
      Samples.append(journal, "s-2", 5);
      Samples.append(journal, "whole", 5);
    }
  }

  private static StoredSnapshot base(String id, long seq) {
    return new StoredSnapshot(
        id, seq, 7, "state", ("state at " + seq).getBytes(StandardCharsets.UTF_8), Samples.AT);
  }

  private void change(Change... changes) {
    Damage.in(data, store -> store.write(List.of(changes)));
  }

  private void removeBase() {
    change(new Change.Remove(new StoreKey.Base("s-1")));
  }

  private Outcome repair(Way way) {
    try (var stopped = StoppedJournal.open(data)) {
      return stopped.repair().run(way, Set.of(), false);
    }
  }

  private JournalVerdict verify() {
    try (var stopped = StoppedJournal.open(data)) {
      return stopped.verify(_ -> {});
    }
  }

  private void assertOneFinding(Kind kind, String what) {
    var verdict = verify();
    assertEquals(1, verdict.findings().size(), verdict.toString());
    var finding = verdict.findings().getFirst();
    assertEquals(kind, finding.kind());
    assertTrue(finding.where().contains("s-1"), finding.toString());
    assertTrue(finding.what().contains(what), finding.toString());
    assertEquals(1, verdict.damaged());
  }

  /** Every record of a history as it lies there. */
  private Map<String, String> records(String id) throws IOException {
    var found = new TreeMap<String, String>();
    try (var raw = RawStore.open(data.resolve("journal"))) {
      raw.raw(LevelDbKeys.everything(), (key, value) -> {
        if (new String(key, StandardCharsets.ISO_8859_1).contains(id)) {
          found.put(HexFormat.of().formatHex(key), HexFormat.of().formatHex(value));
        }
        return true;
      });
    }
    return found;
  }

  private void assertGone() throws IOException {
    assertEquals(List.of(), verify().findings());
    try (var journal = Samples.open(data)) {
      assertEquals("", journal.get(JournalRepair.REINDEX, "s-1").orElseThrow());
      assertEquals(0, journal.highest("s-1"));
      assertFalse(journal.base("s-1").isPresent());
      assertEquals(List.of(), journal.snapshots("s-1"));
      assertEquals(8, Samples.replay(journal, "s-2").size());
      assertEquals(5, Samples.replay(journal, "whole").size());
      Samples.append(journal, "s-1", 1); // It begins anew.
    }
    assertEquals(List.of(), verify().findings());
  }

  @Test void trimmedHistoriesAreSound() {
    assertEquals(List.of(), verify().findings());
  }

  @Test void aMissingBaseIsFound() {
    removeBase();
    assertOneFinding(Kind.DAMAGED_BASE, "is missing");
  }

  @Test void aDamagedBaseIsFound() {
    Damage.in(data, store -> {
      var record = store.get(new StoreKey.Base("s-1")).orElseThrow();
      record[20] ^= 1;
      store.write(List.of(new Change.Put(new StoreKey.Base("s-1"), record)));
    });
    assertOneFinding(Kind.DAMAGED_BASE, "is not the recorded one");
  }

  @Test void aBaseWithoutTheRecordedEndThatNamesItIsFound() throws IOException {
    Damage.forget(data, "s-1");
    assertOneFinding(Kind.ORPHAN_BASE, "the recorded end of the history is missing");
    repair(new Way.Cut());
    assertGone();
  }

  @Test void eventsBeforeTheRecordedBeginningAreFound() {
    byte[] record;
    try (var stopped = Samples.open(backup)) {
      record = EventRecord.encode(Samples.event("s-1", 12), Head.NONE.digest());
      assertEquals(13, stopped.firstKept("s-1"));
    }
    Damage.putEvent(data, "s-1", 12, record);
    assertOneFinding(Kind.ORPHAN_EVENTS, "1 events lie before the recorded beginning");
    repair(new Way.Cut());
    assertEquals(List.of(), verify().findings());
  }

  @Test void aCutOfAHistoryWithoutItsBaseLeavesNothingOfIt() throws IOException {
    removeBase();
    var outcome = repair(new Way.Cut());
    assertTrue(outcome.changes().getFirst().contains("ends with seq 0 now; 20 events are lost, from seq 1"),
        outcome.changes().getFirst());
    assertGone();
  }

  @Test void aDiscardOfAHistoryWithoutItsBaseLeavesNothingOfIt() throws IOException {
    removeBase();
    repair(new Way.Discard());
    assertGone();
  }

  @Test void aBaseIsTakenFromABackupWithWhatFollowsItThere() {
    removeBase();
    var outcome = repair(new Way.Restore(backup));
    assertTrue(outcome.changes().getFirst().contains("up to seq 15; 5 newer events are lost"),
        outcome.changes().getFirst());
    assertEquals(List.of(), verify().findings());
    try (var journal = Samples.open(data)) {
      assertArrayEquals(base("s-1", 12).payload(), journal.base("s-1").orElseThrow().payload());
      assertEquals(List.of("13 event 13", "14 event 14", "15 event 15"), Samples.replay(journal, "s-1"));
      Samples.append(journal, "s-1", 1);
    }
    assertEquals(List.of(), verify().findings());
  }

  @Test void aCutBehindASoundBaseKeepsTheBase() {
    Damage.removeEvent(data, "s-1", 17);
    repair(new Way.Cut());
    assertEquals(List.of(), verify().findings());
    try (var journal = Samples.open(data)) {
      assertArrayEquals(base("s-1", 12).payload(), journal.base("s-1").orElseThrow().payload());
      assertEquals(16, journal.highest("s-1"));
      assertEquals(4, Samples.replay(journal, "s-1").size());
      assertEquals(List.of(14L), journal.snapshots("s-1").stream().map(StoredSnapshot::seq).toList());
    }
  }

  @Test void aCutRightBehindABaseLeavesTheBase() {
    Damage.removeEvent(data, "s-1", 13);
    repair(new Way.Cut());
    assertEquals(List.of(), verify().findings());
    try (var journal = Samples.open(data)) {
      assertTrue(journal.base("s-1").isPresent());
      assertEquals(12, journal.highest("s-1"));
      Samples.append(journal, "s-1", 1);
      assertEquals(List.of("13 event 13"), Samples.replay(journal, "s-1"));
    }
  }

  @Test void aRepairLeavesATrimmedNeighbourAsItIsByteForByte() throws IOException {
    var before = records("s-2");
    assertEquals(11, before.size()); // Eight events, the base, the recorded end, a snapshot.
    removeBase();
    repair(new Way.Cut());
    assertEquals(before, records("s-2"));
  }

  @Test void aHistoryWhoseRecordedEndCannotBeReadIsCutBehindItsLastSoundEvent() {
    change(new Change.Put(new StoreKey.HeadOf("whole"), new byte[] {9}));
    assertEquals(1, verify().damaged());
    repair(new Way.Cut());
    assertEquals(List.of(), verify().findings());
    try (var journal = Samples.open(data)) {
      assertEquals(5, Samples.replay(journal, "whole").size());
    }
  }
}
