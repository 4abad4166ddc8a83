package dev.portcullis.journal;

import static dev.portcullis.journal.Samples.done;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.JournalFault.Code;
import dev.portcullis.journal.JournalStore.Change;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Five events of {@code s-1}, five of {@code s-2}, then somebody changes the store below the journal. */
@Tag("INV-J1")
class HistoryTest {

  @TempDir Path directory;

  @BeforeEach
  void write() {
    try (var journal = Samples.open(directory)) {
      Samples.append(journal, "s-1", 5);
      Samples.append(journal, "s-2", 5);
      Samples.append(journal, "s-3", 5);
      done(journal.deleteTo("s-3", 2));
    }
  }

  @Test
  void anyBitOfARecordCounts() {
    int length = record("s-1", 3).length;
    for (int at = 0; at < length; at += 3) {
      int bit = at;
      change(store -> flip(store, "s-1", bit));
      assertCorrupt("s-1", 3, "bit at byte " + bit + " of " + length);
      change(store -> flip(store, "s-1", bit));
    }
    assertSound("s-1");
  }

  @Test
  void twoEventsThatChangedPlacesAreNoticed() {
    var two = record("s-1", 2);
    var three = record("s-1", 3);
    change(store -> store.write(List.of(put("s-1", 2, three), put("s-1", 3, two))));
    assertCorrupt("s-1", 2, "swapped");
  }

  @Test
  void anEventWithNothingBesideItIsWrittenAsTheFirstVersionWas() {
    assertEquals(1, record("s-1", 3)[0]);
    try (var journal = Samples.open(directory)) {
      var plain = Samples.event("s-1", 6);
      var metadata = new StoredEvent.Metadata(7, "beside", new byte[] {1, 2});
      done(journal.append(List.of(new StoredEvent(plain.persistenceId(), 6, 7, "test", plain.payload(), Samples.AT,
          "writer-1", "adapter", metadata)), List.of()));
    }
    assertEquals(2, record("s-1", 6)[0]);
    try (var journal = Samples.open(directory)) {
      assertEquals(6, Samples.replay(journal, "s-1").size());
    }
  }

  @Test
  void aMissingEventIsNoticed() {
    Damage.removeEvent(directory, "s-1", 3);
    assertCorrupt("s-1", 3, "removed");
  }

  @Test
  void aMissingFirstEventIsNoticed() {
    Damage.removeEvent(directory, "s-1", 1);
    assertCorrupt("s-1", 1, "removed");
  }

  @Test
  void aMissingLastEventIsNoticed() {
    Damage.removeEvent(directory, "s-1", 5);
    assertCorrupt("s-1", 5, "removed");
  }

  @Test
  void anEventOfAnotherHistoryIsNoticed() {
    var foreign = record("s-2", 3);
    change(store -> store.write(List.of(put("s-1", 3, foreign))));
    assertCorrupt("s-1", 3, "foreign");
  }

  @Test
  void aWholeHistoryOfAnotherIdIsNoticed() {
    change(store -> {
      var changes = new ArrayList<Change>();
      for (long seq = 1; seq <= 5; seq++) {
        changes.add(put("s-1", seq, store.get(new StoreKey.Event("s-2", seq)).orElseThrow()));
      }
      var head = store.get(new StoreKey.HeadOf("s-2")).orElseThrow();
      changes.add(new Change.Put(new StoreKey.HeadOf("s-1"), head));
      store.write(changes);
    });
    assertCorrupt("s-1", 1, "foreign history");
  }

  @Test
  void anEventPastTheRecordedEndIsNoticed() {
    var another = EventRecord.encode(Samples.event("s-1", 6), EventRecord.digestOf(record("s-1", 5)));
    change(store -> store.write(List.of(put("s-1", 6, another))));
    assertCorrupt("s-1", 6, "past the end");
  }

  @Test
  void eventsWithoutARecordedEndAreNoticed() {
    change(store -> store.write(List.of(new Change.Remove(new StoreKey.HeadOf("s-1")))));
    assertCorrupt("s-1", 1, "no head");
  }

  @Test
  void anOlderRecordedEndIsNoticed() {
    var four = record("s-1", 4);
    var head = new Head(4, EventRecord.digestOf(four), 0, Head.NONE.anchor());
    change(store -> store.write(List.of(new Change.Put(new StoreKey.HeadOf("s-1"), head.encode()))));
    assertCorrupt("s-1", 5, "old head");
  }

  @Test
  void anEventWrittenInTheMiddleLaterIsNoticedAfterASnapshotToo() {
    var two = EventRecord.digestOf(record("s-1", 2));
    var forged = EventRecord.encode(Samples.event("s-1", 3, "forged"), two);
    change(store -> store.write(List.of(put("s-1", 3, forged))));
    try (var journal = Samples.open(directory)) {
      var fault = assertThrows(
          JournalFault.class, () -> Samples.replay(journal, "s-1", 4, Long.MAX_VALUE, Long.MAX_VALUE));
      assertEquals(Code.CORRUPT, fault.code());
      assertTrue(fault.getMessage().contains("seq 4"), fault.getMessage());
    }
  }

  @Test
  void aDeletedBeginningIsProvedByItsAnchor() {
    var four = record("s-3", 4);
    change(store -> store.write(List.of(put("s-3", 3, four))));
    assertCorrupt("s-3", 3, "after the anchor");
  }

  @Test
  void theRestOfTheJournalStaysReadable() {
    Damage.removeEvent(directory, "s-1", 3);
    assertSound("s-2");
  }

  private void change(Consumer<JournalStore> change) {
    Damage.in(directory, change);
  }

  private byte[] record(String persistenceId, long seq) {
    var found = new ArrayList<byte[]>();
    change(store -> found.add(store.get(new StoreKey.Event(persistenceId, seq)).orElseThrow()));
    return found.getFirst();
  }

  private static void flip(JournalStore store, String persistenceId, int at) {
    var record = store.get(new StoreKey.Event(persistenceId, 3)).orElseThrow();
    record[at] ^= 0x10;
    store.write(List.of(put(persistenceId, 3, record)));
  }

  private static Change put(String persistenceId, long seq, byte[] record) {
    return new Change.Put(new StoreKey.Event(persistenceId, seq), record);
  }

  private void assertCorrupt(String persistenceId, long seq, String what) {
    try (var journal = Samples.open(directory)) {
      var fault = assertThrows(JournalFault.class, () -> Samples.replay(journal, persistenceId), what);
      assertEquals(Code.CORRUPT, fault.code(), what);
      assertTrue(
          fault.getMessage().contains('"' + persistenceId + "\" seq " + seq + ":"),
          what + ": " + fault.getMessage());
      assertEquals(Code.CORRUPT, assertThrows(JournalFault.class, journal::verify).code());
    }
  }

  private void assertSound(String persistenceId) {
    try (var journal = Samples.open(directory)) {
      assertEquals(5, Samples.replay(journal, persistenceId).size());
    }
  }
}
