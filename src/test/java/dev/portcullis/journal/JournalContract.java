package dev.portcullis.journal;

import static dev.portcullis.journal.Samples.append;
import static dev.portcullis.journal.Samples.done;
import static dev.portcullis.journal.Samples.event;
import static dev.portcullis.journal.Samples.replay;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.portcullis.journal.JournalFault.Code;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a journal does whatever store it has; each store has a subclass. */
abstract class JournalContract {

  private static final List<String> HOSTILE = List.of(
      "", "a", "a\0", "a\0b", "a\0\0\0\0\0\0\0\0\1", "ab", "\0", "\uD800", "\uDC00", "?", "😀", "é", "e\u0301",
      "\u00ff", "\u0080", "%", "_", "'; drop table event; --", "\\x00", "$1", "../../etc/passwd", "\u202E",
      "x".repeat(2000), "x".repeat(2001));

  @TempDir Path directory;

  /** Where this test's journal lies; each call says the same place. */
  abstract JournalSettings settings();

  /** Opens it, or again what an earlier call has opened and the test has closed. */
  final Journal open() {
    return open(UnaryOperator.identity());
  }

  final Journal open(UnaryOperator<JournalStore> between) {
    return Journal.open(settings(), Samples.noFault(), between);
  }

  @Test
  void whatWasWrittenComesBackAfterAReopening() {
    var written = event("session-1", 1, "grüße");
    try (var journal = open()) {
      done(journal.append(List.of(written, event("session-1", 2)), List.of()));
      append(journal, "session-1", 300);
    }
    try (var journal = open()) {
      var first = new ArrayList<StoredEvent>();
      journal.replay("session-1", 1, 1, 1, first::add);
      assertArrayEquals(written.payload(), first.getFirst().payload());
      assertEquals(Samples.AT, first.getFirst().timestamp());
      assertEquals("writer-1", first.getFirst().writerUuid());
      assertEquals(302, replay(journal, "session-1").size());
      assertEquals("302 event 302", replay(journal, "session-1").getLast());
      assertEquals(302, journal.highest("session-1"));
    }
  }

  @Test
  void aReplayKeepsToItsBounds() {
    try (var journal = open()) {
      append(journal, "session-1", 9);
      assertEquals(List.of("3 event 3", "4 event 4"), replay(journal, "session-1", 3, 4, 100));
      assertEquals(List.of("3 event 3", "4 event 4"), replay(journal, "session-1", 3, 100, 2));
      assertEquals(List.of("9 event 9"), replay(journal, "session-1", 9, Long.MAX_VALUE, Long.MAX_VALUE));
      assertEquals(List.of(), replay(journal, "session-1", 10, Long.MAX_VALUE, 100));
      assertEquals(List.of(), replay(journal, "session-1", 5, 4, 100));
      assertEquals(List.of(), replay(journal, "session-1", 1, 9, 0));
      assertEquals(List.of(), replay(journal, "unknown"));
      assertEquals(0, journal.highest("unknown"));
    }
  }

  @Test
  void aHistoryLongerThanAPageIsReplayedWhole() {
    try (var journal = open()) {
      for (int first = 1; first < 5_000; first += 500) {
        int from = first;
        done(journal.append(
            IntStream.range(0, 500).mapToObj(i -> event("long", from + i)).toList(), List.of()));
      }
      assertEquals(5_000, replay(journal, "long").size());
      assertEquals("5000 event 5000", replay(journal, "long").getLast());
    }
  }

  @Test
  void theHighestNumberAndTheProofOutliveADeletion() {
    try (var journal = open()) {
      append(journal, "session-1", 6);
      done(journal.deleteTo("session-1", 4));
      assertEquals(List.of("5 event 5", "6 event 6"), replay(journal, "session-1"));
      done(journal.deleteTo("session-1", Long.MAX_VALUE));
      assertEquals(List.of(), replay(journal, "session-1"));
    }
    try (var journal = open()) {
      assertEquals(6, journal.highest("session-1"));
      append(journal, "session-1", 2);
      assertEquals(List.of("7 event 7", "8 event 8"), replay(journal, "session-1"));
      journal.verify();
    }
  }

  @Test
  @Tag("INV-J1")
  void anEventThatDoesNotFollowIsRefusedAloneAndLeavesNoTrace() {
    try (var journal = open()) {
      append(journal, "session-1", 2);
      for (var seq : List.of(1L, 2L, 4L)) {
        var refused = journal.append(
            List.of(event("session-1", seq)), List.of(new IndexEntry.Put("runs", "x", "y")));
        assertInstanceOf(IllegalStateException.class, failureCause(refused));
      }
      assertFalse(journal.failed());
      assertEquals(Optional.empty(), journal.get("runs", "x"));
      append(journal, "session-1", 1);
      assertEquals(3, replay(journal, "session-1").size());
    }
  }

  @Test
  void anIndexIsScannedInOrderAndWithoutItsNeighbours() {
    try (var journal = open()) {
      done(journal.index(List.of(
          new IndexEntry.Put("runs", "b", "2"),
          new IndexEntry.Put("runs", "ä", "3\0 anything"),
          new IndexEntry.Put("runs", "a", "1"),
          new IndexEntry.Put("runs2", "a", "no"),
          new IndexEntry.Put("run", "s", "no"),
          new IndexEntry.Put("runs", "gone", "no"))));
      done(journal.index(
          List.of(new IndexEntry.Remove("runs", "gone"), new IndexEntry.Remove("runs", "never"))));
      var found = new ArrayList<String>();
      journal.scan("runs", (key, value) -> found.add(key + "=" + value));
      assertEquals(List.of("a=1", "b=2", "ä=3\0 anything"), found);
      assertEquals(Optional.empty(), journal.get("runs", "gone"));
    }
  }

  @Test
  void ofAnIndexThoseThatBeginAlikeAreScanned() {
    try (var journal = open()) {
      done(journal.index(List.of(
          new IndexEntry.Put("key", "aa/1", "1"), new IndexEntry.Put("key", "aa/2", "2"),
          new IndexEntry.Put("key", "aa", "no"), new IndexEntry.Put("key", "aa0", "no"),
          new IndexEntry.Put("key", "a/1", "no"), new IndexEntry.Put("key2", "aa/1", "no"))));
      var found = new ArrayList<String>();
      journal.scan("key", "aa/", (key, value) -> found.add(key + "=" + value));
      assertEquals(List.of("aa/1=1", "aa/2=2"), found);
    }
  }

  @Test
  void whatIsSaidLastAboutAnIndexEntryHolds() {
    try (var journal = open()) {
      done(journal.index(List.of(
          new IndexEntry.Put("runs", "a", "1"), new IndexEntry.Remove("runs", "a"),
          new IndexEntry.Remove("runs", "b"), new IndexEntry.Put("runs", "b", "2"),
          new IndexEntry.Put("runs", "c", "3"), new IndexEntry.Put("runs", "c", "4"))));
      assertEquals(Optional.empty(), journal.get("runs", "a"));
      assertEquals(Optional.of("2"), journal.get("runs", "b"));
      assertEquals(Optional.of("4"), journal.get("runs", "c"));
    }
  }

  @Test
  void thousandsOfIdsMadeToConfuseStayApart() {
    var random = new Random(7);
    var ids = new ArrayList<>(HOSTILE);
    while (ids.size() < 3_000) {
      var id = random.ints(random.nextInt(12), 0, 1 << 16)
          .mapToObj(unit -> Character.toString((char) unit))
          .reduce("", String::concat);
      if (!ids.contains(id)) {
        ids.add(id);
      }
    }
    try (var journal = open()) {
      var writes = new ArrayList<CompletionStage<Void>>();
      ids.forEach(id -> writes.add(journal.claim(id)));
      for (int i = 0; i < ids.size(); i++) {
        var id = ids.get(i);
        writes.add(journal.append(List.of(event(id, 1, "of " + i), event(id, 2)), List.of()));
      }
      writes.forEach(Samples::done);
      for (int i = 0; i < ids.size(); i++) {
        assertEquals(List.of("1 of " + i, "2 event 2"), replay(journal, ids.get(i)));
      }
      var found = new ArrayList<String>();
      journal.persistenceIds(found::add);
      assertEquals(ids.stream().sorted().toList(), found.stream().sorted().toList());
      journal.verify();
    }
  }

  @Test
  void eventsOfAMebibyteComeBackWhole() {
    var random = new Random(11);
    try (var journal = open()) {
      var payloads = new ArrayList<byte[]>();
      for (int seq = 1; seq <= 12; seq++) {
        var payload = new byte[1 << 20];
        random.nextBytes(payload);
        payloads.add(payload);
        done(journal.append(
            List.of(new StoredEvent("big", seq, 7, "test", payload, Samples.AT, "w")), List.of()));
      }
      var found = new ArrayList<byte[]>();
      journal.replay("big", 1, Long.MAX_VALUE, Long.MAX_VALUE, event -> found.add(event.payload()));
      assertEquals(12, found.size());
      for (int i = 0; i < 12; i++) {
        assertArrayEquals(payloads.get(i), found.get(i));
      }
    }
  }

  @Test
  @Tag("INV-J4")
  void snapshotsComeBackNewestFirstAndAreDeletedByRange() {
    try (var journal = open()) {
      append(journal, "session-1", 4);
      for (long seq = 1; seq <= 4; seq++) {
        done(journal.putSnapshot(snapshot(seq)));
      }
      assertEquals(List.of(4L, 3L, 2L, 1L), seqs(journal));
      done(journal.deleteSnapshots("session-1", 2, Long.MAX_VALUE, found -> found.seq() != 3));
      assertEquals(List.of(3L, 1L), seqs(journal));
      done(journal.deleteSnapshots("session-1", 0, Long.MAX_VALUE, _ -> true));
      assertEquals(List.of(), seqs(journal));
      assertEquals(4, replay(journal, "session-1").size());
    }
  }

  @Test
  void aClosedJournalRefuses() {
    var journal = open();
    var last = journal.append(List.of(event("session-1", 1)), List.of());
    journal.close();
    journal.close();
    done(last);
    assertEquals(Code.CLOSED, failure(journal.append(List.of(event("session-1", 2)), List.of())).code());
    assertEquals(Code.CLOSED, assertThrows(JournalFault.class, () -> journal.get("a", "b")).code());
    assertEquals(Code.CLOSED, assertThrows(JournalFault.class, () -> replay(journal, "session-1")).code());
  }

  @Test
  void aReplayThatUsesTheJournalAgainGoesOn() {
    try (var journal = open()) {
      append(journal, "session-1", 20);
      var seen = new ArrayList<Long>();
      journal.replay("session-1", 1, Long.MAX_VALUE, Long.MAX_VALUE,
          _ -> journal.replay("session-1", 1, 3, 3, inner -> seen.add(inner.seq() + journal.highest("session-1"))));
      assertEquals(60, seen.size());
    }
  }

  static StoredSnapshot snapshot(long seq) {
    return new StoredSnapshot("session-1", seq, 7, "state", new byte[] {1, 2, 3}, Samples.AT);
  }

  private static List<Long> seqs(Journal journal) {
    return journal.snapshots("session-1").stream().map(StoredSnapshot::seq).toList();
  }

  static JournalFault failure(CompletionStage<Void> stage) {
    return assertInstanceOf(JournalFault.class, failureCause(stage));
  }

  static Throwable failureCause(CompletionStage<Void> stage) {
    return assertThrows(CompletionException.class, () -> done(stage)).getCause();
  }
}
