package dev.portcullis.journal;

import static dev.portcullis.journal.Samples.append;
import static dev.portcullis.journal.Samples.done;
import static dev.portcullis.journal.Samples.event;
import static dev.portcullis.journal.Samples.open;
import static dev.portcullis.journal.Samples.replay;
import static dev.portcullis.journal.Samples.settings;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.JournalFault.Code;
import dev.portcullis.journal.JournalStore.Change;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A history whose beginning was replaced by the state that it adds up to. */
class TrimTest {
  private static final String ID = "session-1";
  private static final String SECRET = "a secret that was trimmed";
  private static final List<IndexEntry> NO_ENTRIES = List.of();

  @TempDir Path directory;

  private static StoredSnapshot base(String persistenceId, long seq) {
    var payload = ("state at " + seq).getBytes(StandardCharsets.UTF_8);
    return new StoredSnapshot(persistenceId, seq, 7, "state", payload, Samples.AT);
  }

  private static String text(Optional<StoredSnapshot> base) {
    return new String(base.orElseThrow().payload(), StandardCharsets.UTF_8);
  }

  /** Six events of two histories each, both trimmed to four. */
  private void trimmed() {
    try (var journal = open(directory)) {
      for (var id : List.of(ID, "session-2")) {
        append(journal, id, 6);
        done(journal.trim(base(id, 4), NO_ENTRIES));
      }
    }
  }

  @Test
  void whatIsLeftStandsOnTheBaseAndIsProvable() {
    trimmed();
    try (var journal = open(directory)) {
      assertEquals("state at 4", text(journal.base(ID)));
      assertEquals(5, journal.firstKept(ID));
      assertEquals(List.of("5 event 5", "6 event 6"), replay(journal, ID));
      append(journal, ID, 1);
      done(journal.trim(base(ID, 7), NO_ENTRIES));
      assertEquals("state at 7", text(journal.base(ID)));
      assertEquals(List.of(), replay(journal, ID));
      append(journal, ID, 1);
      assertEquals(List.of("8 event 8"), replay(journal, ID));
      journal.verify();
    }
  }

  @Test
  @Tag("INV-J1")
  void aMissingBaseIsCorruptAndConcernsNoOtherHistory() {
    trimmed();
    damage(store -> store.write(List.of(new Change.Remove(new StoreKey.Base(ID)))));
    assertCorrupt();
  }

  @Test
  @Tag("INV-J1")
  void anyBitOfABaseCounts() {
    trimmed();
    var record = baseRecord(ID);
    for (int at = 0; at < record.length; at++) {
      var flipped = record.clone();
      flipped[at] ^= 0x04;
      damage(store -> store.write(List.of(new Change.Put(new StoreKey.Base(ID), flipped))));
      try (var journal = open(directory)) {
        assertEquals(Code.CORRUPT, assertThrows(JournalFault.class, () -> journal.base(ID)).code(), "byte " + at);
      }
    }
  }

  @Test
  @Tag("INV-J1")
  void theBaseOfAnotherHistoryOrOfAnEarlierTrimIsNotTaken() {
    trimmed();
    var foreign = baseRecord("session-2");
    var earlier = baseRecord(ID);
    damage(store -> store.write(List.of(new Change.Put(new StoreKey.Base(ID), foreign))));
    assertCorrupt();
    damage(store -> store.write(List.of(new Change.Put(new StoreKey.Base(ID), earlier))));
    try (var journal = open(directory)) {
      done(journal.trim(base(ID, 5), NO_ENTRIES));
    }
    damage(store -> store.write(List.of(new Change.Put(new StoreKey.Base(ID), earlier))));
    assertCorrupt();
  }

  @Test
  @Tag("INV-J1")
  void aReplayThatBeginsInTheTrimmedPartIsNotTakenForTheWhole() {
    trimmed();
    try (var journal = open(directory)) {
      for (long from = 1; from <= 4; from++) {
        long begin = from;
        assertThrows(
            IllegalStateException.class,
            () -> journal.replayWhole(ID, begin, Long.MAX_VALUE, Long.MAX_VALUE, _ -> {}));
      }
      var found = new ArrayList<Long>();
      journal.replayWhole(ID, 5, Long.MAX_VALUE, Long.MAX_VALUE, event -> found.add(event.seq()));
      assertEquals(List.of(5L, 6L), found);
    }
  }

  @Test
  void snapshotsThatTheBaseOvertakesAreGoneAndNewerOnesStay() {
    try (var journal = open(directory)) {
      append(journal, ID, 6);
      for (long seq : List.of(2L, 4L, 6L)) {
        done(journal.putSnapshot(base(ID, seq)));
      }
      done(journal.trim(base(ID, 4), NO_ENTRIES));
      assertEquals(List.of(6L), journal.snapshots(ID).stream().map(StoredSnapshot::seq).toList());
      assertThrows(CompletionException.class, () -> done(journal.putSnapshot(base(ID, 3))));
      assertEquals(List.of(6L), journal.snapshots(ID).stream().map(StoredSnapshot::seq).toList());
    }
  }

  @Test
  void aTrimThatWasDoneBeforeChangesNothingAndOnePastTheEndIsRefused() {
    trimmed();
    try (var journal = open(directory)) {
      done(journal.trim(base(ID, 3), NO_ENTRIES));
      done(journal.trim(new StoredSnapshot(ID, 4, 7, "other", new byte[0], Samples.AT), NO_ENTRIES));
      assertEquals("state at 4", text(journal.base(ID)));
      assertThrows(CompletionException.class, () -> done(journal.trim(base(ID, 7), NO_ENTRIES)));
      assertThrows(CompletionException.class, () -> done(journal.deleteTo(ID, 5)));
      assertEquals(List.of("5 event 5", "6 event 6"), replay(journal, ID));
      journal.verify();
    }
  }

  @Test
  @Tag("INV-J6")
  void baseDeletionAndIndexAreThereTogetherOrNotAtAll() {
    var between = new AtomicReference<StoreBetween>();
    var entries = List.<IndexEntry>of(new IndexEntry.Put("run", "r-1", "summary"), new IndexEntry.Remove("run", "r-2"));
    try (var journal = openBetween(between)) {
      append(journal, ID, 6);
      done(journal.index(List.of(new IndexEntry.Put("run", "r-2", "5"))));
      between.get().failWrite(1);
      assertThrows(CompletionException.class, () -> done(journal.trim(base(ID, 4), entries)));
    }
    try (var journal = open(directory)) {
      assertEquals(Optional.empty(), journal.base(ID));
      assertEquals(6, replay(journal, ID).size());
      assertEquals(Optional.of("5"), journal.get("run", "r-2"));
      done(journal.trim(base(ID, 4), entries));
      assertEquals(Optional.of("summary"), journal.get("run", "r-1"));
      assertEquals(Optional.empty(), journal.get("run", "r-2"));
    }
  }

  @Test
  void whateverIsQueuedWithATrimComesOutAsIfOneByOne() throws Exception {
    var between = new AtomicReference<StoreBetween>();
    try (var journal = openBetween(between)) {
      append(journal, ID, 2);
      between.get().hold();
      var first = journal.index(List.of(new IndexEntry.Put("a", "b", "c")));
      between.get().awaitHeld();
      var all = new ArrayList<CompletionStage<Void>>();
      all.add(journal.append(List.of(event(ID, 3), event(ID, 4)), NO_ENTRIES));
      all.add(journal.putSnapshot(base(ID, 4)));
      all.add(journal.trim(base(ID, 4), NO_ENTRIES));
      all.add(journal.append(List.of(event(ID, 5)), NO_ENTRIES));
      all.add(journal.putSnapshot(base(ID, 5)));
      all.add(journal.trim(base(ID, 2), NO_ENTRIES));
      between.get().letGo();
      done(first);
      all.forEach(Samples::done);
      assertEquals(List.of("5 event 5"), replay(journal, ID));
      assertEquals(List.of(5L), journal.snapshots(ID).stream().map(StoredSnapshot::seq).toList());
      assertEquals("state at 4", text(journal.base(ID)));
      journal.verify();
    }
  }

  @Test
  void whoReadsWhileTheBeginningIsTrimmedSeesNoDamage() {
    var between = new AtomicReference<StoreBetween>();
    try (var journal = openBetween(between)) {
      append(journal, ID, 9);
      done(journal.putSnapshot(base(ID, 3)));
      between.get().afterNextHead(() -> done(journal.trim(base(ID, 4), NO_ENTRIES)));
      assertEquals("5 event 5", replay(journal, ID).getFirst());
      between.get().afterNextHead(() -> done(journal.trim(base(ID, 6), NO_ENTRIES)));
      assertEquals("state at 6", text(journal.base(ID)));
      done(journal.putSnapshot(base(ID, 7)));
      between.get().afterNextHead(() -> done(journal.trim(base(ID, 8), NO_ENTRIES)));
      assertEquals(List.of(), journal.snapshots(ID).stream().filter(found -> found.seq() < 8).toList());
      between.get().afterNextHead(() -> done(journal.trim(base(ID, 9), NO_ENTRIES)));
      assertThrows(
          IllegalStateException.class,
          () -> journal.replayWhole(ID, 9, Long.MAX_VALUE, Long.MAX_VALUE, _ -> {}));
    }
  }

  @Test
  void aHeadWithoutABaseIsReadAsItWasWritten() {
    var digest = new byte[EventRecord.DIGEST_BYTES];
    Arrays.fill(digest, (byte) 7);
    var old = ByteBuffer.allocate(81).put((byte) 1).putLong(9).put(digest).putLong(3).put(digest).array();
    var head = Head.decode("here", ID, old);
    assertEquals(List.of(9L, 3L, false), List.of(head.highest(), head.deletedTo(), head.hasBase()));
    assertArrayEquals(digest, head.anchor());
    var again = Head.decode("here", ID, head.without(4, digest, digest).encode());
    assertTrue(again.hasBase());
    assertEquals(4, again.deletedTo());
    assertThrows(JournalFault.class, () -> Head.decode("here", ID, Arrays.copyOf(old, 113)));
  }

  @Test
  void anIndexEntryIsOnlyTakenOutAsItWasSeen() throws Exception {
    var between = new AtomicReference<StoreBetween>();
    try (var journal = openBetween(between)) {
      done(journal.index(List.of(new IndexEntry.Put("key", "a", "old"), new IndexEntry.Put("key", "b", "old"))));
      between.get().hold();
      var first = journal.index(List.of(new IndexEntry.Put("x", "y", "z")));
      between.get().awaitHeld();
      var all = List.of(
          journal.index(List.of(new IndexEntry.Put("key", "a", "new"))),
          journal.removeUnchanged("key", Map.of("a", "old", "b", "old")),
          journal.index(List.of(new IndexEntry.Put("key", "b", "new"))));
      between.get().letGo();
      done(first);
      all.forEach(Samples::done);
      assertEquals(Optional.of("new"), journal.get("key", "a"));
      assertEquals(Optional.of("new"), journal.get("key", "b"));
      done(journal.removeUnchanged("key", Map.of("a", "new")));
      assertEquals(Optional.empty(), journal.get("key", "a"));
    }
  }

  @Test
  void compactionGivesTheRoomOfTrimmedEventsBackAndLeavesNoneOfTheirBytes() throws IOException {
    assertTrue(compacted(JournalSettings.Implementation.NATIVE) < 1_000_000);
    assertTrue(!holds(SECRET), "the trimmed text is still in the files");
  }

  @Test
  void theJavaImplementationGivesMostOfTheRoomBackToo() throws IOException {
    assertTrue(compacted(JournalSettings.Implementation.JAVA) < 4_000_000);
  }

  /** Bytes that are left of eight million after a trim and a compaction. */
  private long compacted(JournalSettings.Implementation implementation) throws IOException {
    try (var journal = Journal.open(new JournalSettings(directory, implementation, 0), Samples.noFault())) {
      for (int seq = 1; seq <= 200; seq++) {
        done(journal.append(List.of(event(ID, seq, SECRET + "x".repeat(40_000))), NO_ENTRIES));
      }
      append(journal, "session-2", 3);
      long before = bytes();
      assertTrue(before > 8_000_000, before + " bytes");
      assertTrue(holds(SECRET));
      done(journal.trim(base(ID, 200), NO_ENTRIES));
      journal.compact();
      assertEquals(3, replay(journal, "session-2").size());
      journal.verify();
      return bytes();
    }
  }

  private long bytes() throws IOException {
    try (var files = Files.list(directory.resolve("journal"))) {
      return files.mapToLong(file -> file.toFile().length()).sum();
    }
  }

  private boolean holds(String text) throws IOException {
    try (var files = Files.list(directory.resolve("journal"))) {
      return files.anyMatch(file -> {
        try {
          return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).contains(text);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      });
    }
  }

  private void damage(Consumer<JournalStore> change) {
    Damage.in(directory, change);
  }

  private byte[] baseRecord(String persistenceId) {
    var found = new ArrayList<byte[]>();
    damage(store -> found.add(store.get(new StoreKey.Base(persistenceId)).orElseThrow()));
    return found.getFirst();
  }

  private void assertCorrupt() {
    try (var journal = open(directory)) {
      var fault = assertThrows(JournalFault.class, () -> journal.base(ID));
      assertEquals(Code.CORRUPT, fault.code());
      assertTrue(fault.getMessage().contains('"' + ID + "\" seq "), fault.getMessage());
      assertEquals(Code.CORRUPT, assertThrows(JournalFault.class, journal::verify).code());
      assertEquals("state at 4", text(journal.base("session-2")));
    }
  }

  private Journal openBetween(AtomicReference<StoreBetween> between) {
    return Journal.open(settings(directory), _ -> {}, real -> {
      between.set(new StoreBetween(real));
      return between.get();
    });
  }
}
