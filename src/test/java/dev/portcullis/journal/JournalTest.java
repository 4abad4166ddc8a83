package dev.portcullis.journal;

import static dev.portcullis.journal.Samples.append;
import static dev.portcullis.journal.Samples.done;
import static dev.portcullis.journal.Samples.event;
import static dev.portcullis.journal.Samples.open;
import static dev.portcullis.journal.Samples.replay;
import static dev.portcullis.journal.Samples.settings;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.JournalFault.Code;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class JournalTest {

  @TempDir Path directory;

  private final LinkedBlockingQueue<JournalFault> faults = new LinkedBlockingQueue<>();

  @ParameterizedTest
  @EnumSource(JournalSettings.Implementation.class)
  void eventsComeBackAsWrittenAndInOrder(JournalSettings.Implementation implementation) {
    var written = event("session-1", 1, "grüße");
    try (var journal = Journal.open(new JournalSettings(directory, implementation, 0), faults::add)) {
      done(journal.append(List.of(written, event("session-1", 2)), List.of()));
      append(journal, "session-1", 300);
    }
    try (var journal = Journal.open(new JournalSettings(directory, implementation, 0), faults::add)) {
      var first = new ArrayList<StoredEvent>();
      journal.replay("session-1", 1, 1, 1, first::add);
      assertArrayEquals(written.payload(), first.getFirst().payload());
      assertEquals(
          List.of("session-1", 1L, 7, "test", Samples.AT, "writer-1"), fields(first.getFirst()));
      assertEquals(302, replay(journal, "session-1").size());
      assertEquals("302 event 302", replay(journal, "session-1").getLast());
      assertEquals(302, journal.highest("session-1"));
    }
  }

  @Test
  void theJavaImplementationReadsWhatTheNativeOneWrote() {
    try (var journal = open(directory)) {
      append(journal, "session-1", 5);
    }
    var java = new JournalSettings(directory, JournalSettings.Implementation.JAVA, 0);
    try (var journal = Journal.open(java, faults::add)) {
      assertEquals(5, replay(journal, "session-1").size());
      append(journal, "session-1", 1);
    }
    try (var journal = open(directory)) {
      assertEquals(6, replay(journal, "session-1").size());
    }
  }

  @Test
  void whatIsQueuedDuringOneWriteIsWrittenInTheNext() throws Exception {
    var between = new AtomicReference<StoreBetween>();
    try (var journal = openBetween(between)) {
      var store = between.get();
      store.hold();
      var all = new ArrayList<CompletionStage<Void>>();
      all.add(journal.append(List.of(event("first", 1)), List.of()));
      store.awaitHeld();
      int before = store.writes();
      IntStream.range(0, 50).forEach(i ->
          all.add(journal.append(List.of(event("session-" + i, 1), event("session-" + i, 2)), List.of())));
      assertTrue(all.stream().noneMatch(stage -> stage.toCompletableFuture().isDone()));
      store.letGo();
      all.forEach(Samples::done);
      assertEquals(before + 2, store.writes());
      assertEquals(101, journal.stats().events());
      assertEquals(2, journal.stats().batches());
      assertEquals(100, journal.stats().lastBatch());
    }
  }

  @Test
  @Tag("INV-J6")
  void eventsOfOneWriteAndTheirIndexEntriesAreThereTogetherOrNotAtAll() {
    var between = new AtomicReference<StoreBetween>();
    var entry = List.<IndexEntry>of(new IndexEntry.Put("open-runs", "session-1", "run-1"));
    try (var journal = openBetween(between)) {
      between.get().failWrite(1);
      var write = journal.append(List.of(event("session-1", 1), event("session-1", 2)), entry);
      assertEquals(Code.IO, failure(write).code());
    }
    try (var journal = open(directory)) {
      assertEquals(List.of(), replay(journal, "session-1"));
      assertEquals(Optional.empty(), journal.get("open-runs", "session-1"));
      done(journal.append(List.of(event("session-1", 1), event("session-1", 2)), entry));
    }
    try (var journal = open(directory)) {
      assertEquals(List.of("1 event 1", "2 event 2"), replay(journal, "session-1"));
      assertEquals(Optional.of("run-1"), journal.get("open-runs", "session-1"));
    }
  }

  @Test
  @Tag("INV-J2")
  @Tag("INV-J3")
  void nothingIsAcknowledgedAfterTheFirstFailedWrite() throws Exception {
    var between = new AtomicReference<StoreBetween>();
    try (var journal = openBetween(between)) {
      append(journal, "session-1", 3);
      var store = between.get();
      store.hold();
      store.failWrite(1);
      var first = journal.append(List.of(event("session-1", 4)), List.of());
      store.awaitHeld();
      var queued = journal.append(List.of(event("session-2", 1)), List.of());
      store.letGo();
      assertEquals(Code.IO, failure(first).code());
      assertEquals(Code.IO, failure(queued).code());
      assertTrue(journal.failed());
      for (int i = 0; i < 3; i++) {
        assertEquals(Code.IO, failure(journal.append(List.of(event("session-3", 1)), List.of())).code());
        assertEquals(Code.IO, failure(journal.append(List.of(event("session-1", 5)), List.of())).code());
        assertEquals(Code.IO, failure(journal.index(List.of(new IndexEntry.Remove("a", "b")))).code());
        assertEquals(Code.IO, failure(journal.barrier()).code());
      }
      assertEquals(Code.IO, faults.poll(10, TimeUnit.SECONDS).code());
      assertEquals(3, replay(journal, "session-1").size());
    }
    assertTrue(faults.isEmpty());
    try (var journal = open(directory)) {
      assertEquals(3, journal.highest("session-1"));
      assertEquals(0, journal.highest("session-3"));
    }
  }

  @Test
  @Tag("INV-J4")
  void snapshotsComeBackNewestFirstAndABadOneIsPassedOver() {
    var between = new AtomicReference<StoreBetween>();
    try (var journal = openBetween(between)) {
      append(journal, "session-1", 4);
      for (long seq = 1; seq <= 4; seq++) {
        done(journal.putSnapshot(snapshot(seq)));
      }
      assertEquals(List.of(4L, 3L, 2L, 1L), seqs(journal));
      var key = new StoreKey.Snapshot("session-1", 4);
      var bytes = between.get().get(key).orElseThrow();
      bytes[bytes.length / 2] ^= 1;
      between.get().real().write(List.of(new JournalStore.Change.Put(key, bytes)));
      assertEquals(List.of(3L, 2L, 1L), seqs(journal));
      done(journal.deleteSnapshots("session-1", 2, Long.MAX_VALUE, found -> found.seq() != 3));
      assertEquals(List.of(3L, 1L), seqs(journal));
      assertEquals(Optional.empty(), between.get().get(key));
      assertEquals(4, replay(journal, "session-1").size());
    }
  }

  @Test
  void whateverIsQueuedTogetherComesOutAsIfOneByOne() throws Exception {
    var between = new AtomicReference<StoreBetween>();
    try (var journal = openBetween(between)) {
      append(journal, "session-1", 2);
      between.get().hold();
      var first = journal.index(List.of(new IndexEntry.Put("a", "b", "c")));
      between.get().awaitHeld();
      var all = new ArrayList<CompletionStage<Void>>();
      all.add(journal.append(List.of(event("session-1", 3), event("session-1", 4)), List.of()));
      all.add(journal.putSnapshot(snapshot(4)));
      all.add(journal.putSnapshot(snapshot(3)));
      all.add(journal.deleteTo("session-1", 3));
      all.add(journal.append(List.of(event("session-1", 5)), List.of()));
      all.add(journal.deleteSnapshots("session-1", 0, 3, _ -> true));
      all.add(journal.barrier());
      between.get().letGo();
      done(first);
      all.forEach(Samples::done);
      assertEquals(List.of("4 event 4", "5 event 5"), replay(journal, "session-1"));
      assertEquals(List.of(4L), seqs(journal));
      journal.verify();
    }
  }

  @Test
  void aRequestThatThrowsFailsAlone() {
    try (var journal = openBetween(new AtomicReference<>())) {
      append(journal, "session-1", 1);
      done(journal.putSnapshot(snapshot(1)));
      var refused = journal.deleteSnapshots("session-1", 0, 9, _ -> {
        throw new UnsupportedOperationException("a bug of the caller");
      });
      assertInstanceOf(UnsupportedOperationException.class, failureCause(refused));
      append(journal, "session-1", 1);
      assertFalse(journal.failed());
    }
  }

  private static List<Object> fields(StoredEvent event) {
    return List.of(
        event.persistenceId(), event.seq(), event.serializerId(), event.manifest(), event.timestamp(),
        event.writerUuid());
  }

  private List<Long> seqs(Journal journal) {
    return journal.snapshots("session-1").stream().map(StoredSnapshot::seq).toList();
  }

  private static StoredSnapshot snapshot(long seq) {
    return new StoredSnapshot("session-1", seq, 7, "state", new byte[] {1, 2, 3}, Samples.AT);
  }

  private Journal openBetween(AtomicReference<StoreBetween> between) {
    return Journal.open(settings(directory), faults::add, real -> {
      between.set(new StoreBetween(real));
      return between.get();
    });
  }

  private static JournalFault failure(CompletionStage<Void> stage) {
    return assertInstanceOf(JournalFault.class, failureCause(stage));
  }

  private static Throwable failureCause(CompletionStage<Void> stage) {
    CompletableFuture<Void> future = stage.toCompletableFuture();
    return assertThrows(CompletionException.class, () -> done(future)).getCause();
  }
}
