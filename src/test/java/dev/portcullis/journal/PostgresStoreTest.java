package dev.portcullis.journal;

import static dev.portcullis.journal.JournalContract.failure;
import static dev.portcullis.journal.PostgresServer.query;
import static dev.portcullis.journal.PostgresServer.sql;
import static dev.portcullis.journal.PostgresServer.store;
import static dev.portcullis.journal.Samples.append;
import static dev.portcullis.journal.Samples.done;
import static dev.portcullis.journal.Samples.event;
import static dev.portcullis.journal.Samples.replay;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.JournalFault.Code;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several processes on one database, and what a database does that a disk does not. */
class PostgresStoreTest {

  @TempDir Path directory;

  private final String schema = PostgresServer.freshSchema();
  private final LinkedBlockingQueue<JournalFault> faults = new LinkedBlockingQueue<>();

  private Journal open(String node) {
    return Journal.open(settings(node), faults::add);
  }

  private Journal openBetween(String node, AtomicReference<StoreBetween> between) {
    return Journal.open(settings(node), faults::add, store -> {
      between.set(new StoreBetween(store));
      return between.get();
    });
  }

  private JournalSettings settings(String node) {
    return new JournalSettings(directory.resolve(node), store(schema, node), 0);
  }

  // ---- who may write

  @Test
  @Tag("INV-C1")
  void whoeverClaimedAHistoryLastIsTheOnlyOneToWriteIt() {
    try (var a = open("a"); var b = open("b")) {
      append(a, "s-1", 3);
      append(a, "s-2", 1);
      done(b.claim("s-1"));
      assertEquals(Code.LOST, failure(a.append(List.of(event("s-1", 4, "stale")), List.of())).code());
      done(b.append(List.of(event("s-1", 4)), List.of()));
      done(a.append(List.of(event("s-2", 2)), List.of()));
      assertEquals(List.of("1 event 1", "2 event 2", "3 event 3", "4 event 4"), replay(a, "s-1"));
      assertFalse(a.failed());
      b.verify();
    }
  }

  @Test
  @Tag("INV-C1")
  void aStaleOwnerWhoseNumberIsTakenLosesThatHistoryAndNothingElse() {
    try (var a = open("a"); var b = open("b")) {
      append(a, "s-1", 3);
      append(b, "s-1", 1);
      assertEquals(Code.LOST, failure(a.append(List.of(event("s-1", 4, "stale")), List.of())).code());
      assertFalse(a.failed());
      append(a, "s-2", 1);
      assertEquals(4, replay(b, "s-1").size());
    }
  }

  @Test
  void aDeletionThatIsQueuedBehindAClaimIsDoneAfterIt() throws Exception {
    var between = new AtomicReference<StoreBetween>();
    try (var a = open("a"); var b = openBetween("b", between)) {
      append(a, "s-1", 3);
      between.get().hold();
      var first = b.index(List.of(new IndexEntry.Put("x", "y", "z")));
      between.get().awaitHeld();
      var both = List.of(b.claim("s-1"), b.deleteTo("s-1", 1));
      between.get().letGo();
      done(first);
      both.forEach(Samples::done);
      assertEquals(List.of("2 event 2", "3 event 3"), replay(b, "s-1"));
    }
  }

  @Test
  void anEntryThatAnotherProcessHasChangedMeanwhileIsNotTakenOut() throws Exception {
    var between = new AtomicReference<StoreBetween>();
    try (var a = openBetween("a", between); var b = open("b")) {
      done(a.index(List.of(new IndexEntry.Put("key", "1", "old"), new IndexEntry.Put("key", "2", "old"))));
      between.get().hold();
      var removal = a.removeUnchanged("key", Map.of("1", "old", "2", "old"));
      between.get().awaitHeld();
      done(b.index(List.of(new IndexEntry.Put("key", "1", "new"))));
      between.get().letGo();
      done(removal);
      assertEquals(Optional.of("new"), a.get("key", "1"));
      assertEquals(Optional.empty(), a.get("key", "2"));
    }
  }

  @Test
  void aRetiredNodeWhoseNumberIsTakenIsToldThatItIsRetired() throws Exception {
    try (var a = open("a"); var b = open("b")) {
      append(a, "s-1", 3);
      b.retire("a");
      append(b, "s-1", 1);
      assertEquals(Code.RETIRED, failure(a.append(List.of(event("s-1", 4, "stale")), List.of())).code());
      assertEquals(Code.RETIRED, faults.poll(10, TimeUnit.SECONDS).code());
    }
  }

  @Test
  void aHistoryThatWasClaimedBackIsWrittenWhereTheOtherEnded() {
    try (var a = open("a"); var b = open("b")) {
      append(a, "s-1", 3);
      append(b, "s-1", 2);
      append(a, "s-1", 1);
      assertEquals(6, replay(b, "s-1").size());
      a.verify();
    }
  }

  @Test
  @Tag("INV-J6")
  void aLostHistoryTakesItsIndexEntriesAndNoNeighbourWithIt() throws Exception {
    var between = new AtomicReference<StoreBetween>();
    try (var b = open("b"); var a = Journal.open(settings("a"), faults::add, real -> {
      between.set(new StoreBetween(real));
      return between.get();
    })) {
      append(a, "lost", 1);
      append(a, "kept", 1);
      done(b.claim("lost"));
      between.get().hold();
      var first = a.index(List.of());
      var held = a.index(List.of(new IndexEntry.Put("x", "y", "z")));
      between.get().awaitHeld();
      var lost = a.append(List.of(event("lost", 2)), List.of(new IndexEntry.Put("runs", "lost", "1")));
      var kept = a.append(List.of(event("kept", 2)), List.of(new IndexEntry.Put("runs", "kept", "1")));
      between.get().letGo();
      done(first);
      done(held);
      assertEquals(Code.LOST, failure(lost).code());
      done(kept);
      assertTrue(b.get("runs", "lost").isEmpty());
      assertTrue(b.get("runs", "kept").isPresent());
    }
  }

  @Test
  void aRetiredNodeWritesNothingAnyMore() throws Exception {
    try (var a = open("a"); var b = open("b")) {
      append(a, "s-1", 3);
      b.retire("a");
      assertEquals(Code.RETIRED, failure(a.append(List.of(event("s-1", 4)), List.of())).code());
      assertEquals(Code.RETIRED, faults.poll(10, TimeUnit.SECONDS).code());
      append(b, "s-1", 1);
      assertEquals(4, replay(b, "s-1").size());
    }
  }

  @Test
  void aRetiredNodeClaimsNothingAnyMore() {
    try (var a = open("a"); var b = open("b")) {
      append(b, "s-1", 3);
      b.retire("a");
      assertEquals(Code.RETIRED, failure(a.claim("s-1")).code());
      done(b.append(List.of(event("s-1", 4)), List.of()));
    }
  }

  @Test
  void aNodeThatStartsAnewAfterItWasRetiredWrites() {
    try (var b = open("b")) {
      open("a").close();
      b.retire("a");
      try (var a = open("a")) {
        append(a, "s-1", 1);
        assertTrue(a.epoch() > b.epoch());
      }
    }
  }

  @Test
  void theNextLifeOnADataDirectoryEndsWhatTheLastOneHasUnderWay() {
    // Two directories stand for the two lives, for a lock would keep them apart in one process.
    try (var killed = open("a")) {
      append(killed, "s-1", 1);
      var again = new JournalSettings(directory.resolve("a-again"), store(schema, "a"), 0);
      try (var next = Journal.open(again, faults::add)) {
        assertEquals(Code.RETIRED, failure(killed.append(List.of(event("s-1", 2)), List.of())).code());
        append(next, "s-1", 1);
      }
    }
  }

  // ---- connections that break

  @Test
  @Tag("N-4")
  @Tag("INV-J2")
  void connectionsKilledUnderLoadLoseNothingAndDoubleNothing() throws Exception {
    int writers = 8;
    int rounds = 10;
    var acknowledged = new AtomicLongArray(writers);
    var stop = new AtomicBoolean();
    var finished = new CountDownLatch(writers);
    // The name by which this journal's connections are found.
    var named = store(PostgresServer.url() + "?ApplicationName=" + schema, schema, "a", Duration.ofSeconds(20));
    try (var journal = Journal.open(new JournalSettings(directory, named, 0), faults::add)) {
      for (int w = 0; w < writers; w++) {
        int writer = w;
        done(journal.claim("s-" + w));
        Thread.ofVirtual().start(() -> {
          for (int seq = 1; !stop.get(); seq++) {
            var entry = new IndexEntry.Put("newest", "s-" + writer, Integer.toString(seq));
            done(journal.append(List.of(event("s-" + writer, seq)), List.of(entry)));
            acknowledged.set(writer, seq);
          }
          finished.countDown();
        });
      }
      int kills = 0;
      for (int round = 0; round < rounds; round++) {
        long goal = sum(acknowledged) + 10L * writers;
        while (sum(acknowledged) < goal && !journal.failed()) {
          finished.await(1, TimeUnit.MILLISECONDS); // In the middle of a batch, as good as surely.
        }
        kills += Integer.parseInt(query("select count(pg_terminate_backend(pid)) from pg_stat_activity "
            + "where application_name = '" + schema + "'"));
      }
      stop.set(true);
      assertTrue(finished.await(30, TimeUnit.SECONDS), () -> "acknowledged " + acknowledged);
      assertTrue(kills >= rounds, kills + " connections killed");
      for (int w = 0; w < writers; w++) {
        long last = acknowledged.get(w);
        assertEquals(LongStream.rangeClosed(1, last).mapToObj(seq -> seq + " event " + seq).toList(),
            replay(journal, "s-" + w));
        assertEquals(Long.toString(last), journal.get("newest", "s-" + w).orElseThrow());
      }
      journal.verify();
    }
  }

  private static long sum(AtomicLongArray numbers) {
    return IntStream.range(0, numbers.length()).mapToLong(numbers::get).sum();
  }

  @Test
  @Tag("N-4")
  @Tag("INV-C9")
  void aCommitThatNeverArrivedIsDoneAgain() throws Exception {
    writesOnceOver(DatabaseProxy.Cut.BEFORE);
  }

  @Test
  @Tag("N-4")
  @Tag("INV-C9")
  void aCommitWhoseAnswerIsLostIsNotDoneAgain() throws Exception {
    writesOnceOver(DatabaseProxy.Cut.ANSWER);
  }

  @Test
  @Tag("N-4")
  @Tag("INV-C9")
  void aCommitThatArrivesLateIsWaitedForAndNotDoneAgain() throws Exception {
    writesOnceOver(DatabaseProxy.Cut.LATE);
  }

  private void writesOnceOver(DatabaseProxy.Cut cut) throws Exception {
    try (var proxy = new DatabaseProxy(PostgresServer.port())) {
      var settings = new JournalSettings(
          directory, store(proxy.url(), schema, "a", Duration.ofSeconds(20)), 0);
      try (var journal = Journal.open(settings, faults::add)) {
        append(journal, "s-1", 2);
        proxy.cutNext(cut);
        append(journal, "s-1", 1);
        assertTrue(proxy.hasCut());
        append(journal, "s-1", 1);
        assertEquals(List.of("1 event 1", "2 event 2", "3 event 3", "4 event 4"), replay(journal, "s-1"));
        assertEquals(4, journal.stats().events());
        journal.verify();
      }
      assertTrue(Integer.parseInt(query("select link from " + schema + ".writer")) > 0);
    }
  }

  @Test
  @Tag("N-4")
  void aWriterWhoseConnectionCountsAsOldTakesItsPlaceBack() {
    try (var journal = open("a")) {
      append(journal, "s-1", 1);
      var before = query("select batch || ' ' || link from " + schema + ".writer");
      sql("update " + schema + ".writer set link = link + 1"); // As a newer connection does.
      append(journal, "s-1", 1);
      assertFalse(before.equals(query("select batch || ' ' || link from " + schema + ".writer")));
      assertEquals(List.of("1 event 1", "2 event 2"), replay(journal, "s-1"));
    }
  }

  @Test
  @Tag("N-4")
  void aServerThatRestartsWithinTheOutageIsWaitedFor() throws Exception {
    var data = directory.resolve("server").toFile();
    var first = PostgresServer.builder(java.util.Map.of()).setDataDirectory(data).setCleanDataDirectory(false).start();
    int port = first.getPort();
    var settings = new JournalSettings(directory.resolve("data"),
        store(PostgresServer.url(port), "restarted", "a", Duration.ofSeconds(60)), 0);
    try (var journal = Journal.open(settings, faults::add)) {
      append(journal, "s-1", 2);
      first.close();
      var during = journal.append(List.of(event("s-1", 3)), List.of());
      try (var second = PostgresServer.builder(java.util.Map.of())
          .setDataDirectory(data).setCleanDataDirectory(false).setPort(port).start()) {
        during.toCompletableFuture().get(60, TimeUnit.SECONDS);
        assertEquals(port, second.getPort());
        assertEquals(3, replay(journal, "s-1").size());
        assertFalse(journal.failed());
      }
    }
  }

  @Test
  @Tag("N-4")
  @Tag("INV-J3")
  void anOutageThatLastsTooLongFencesTheJournal() throws Exception {
    try (var proxy = new DatabaseProxy(PostgresServer.port())) {
      var settings = new JournalSettings(
          directory, store(proxy.url(), schema, "a", Duration.ofMillis(500)), 0);
      try (var journal = Journal.open(settings, faults::add)) {
        append(journal, "s-1", 2);
        proxy.vanish();
        assertEquals(Code.IO, failure(journal.append(List.of(event("s-1", 3)), List.of())).code());
        assertEquals(Code.IO, faults.poll(10, TimeUnit.SECONDS).code());
        assertTrue(journal.failed());
      }
    }
  }

  @Test
  @Tag("INV-J3")
  void aHistoryThatCannotBeReadForTooLongFencesTheJournalToo() throws Exception {
    try (var proxy = new DatabaseProxy(PostgresServer.port())) {
      var settings = new JournalSettings(
          directory, store(proxy.url(), schema, "a", Duration.ofMillis(500)), 0);
      try (var journal = Journal.open(settings, faults::add)) {
        proxy.vanish();
        // The writer must look up where this history ends, and cannot.
        assertEquals(Code.IO, failure(journal.append(List.of(event("unread", 1)), List.of())).code());
        assertEquals(Code.IO, faults.poll(10, TimeUnit.SECONDS).code());
      }
    }
  }

  // ---- what is found at the start

  @Test
  void aSchemaOfANewerVersionIsRefused() {
    open("a").close();
    sql("insert into " + schema + ".schema_version (version) values (99)");
    assertEquals(Code.FORMAT, assertThrows(JournalFault.class, () -> open("a")).code());
  }

  @Test
  void aSchemaThatIsMissingIsRefusedWhereItMayNotBeMade() {
    var given = store(schema, "a");
    var strict = new JournalSettings.Postgres(given.url(), given.user(), given.password(), given.pool(), schema,
        false, "a", "a", given.outage(), given.openWithin());
    var settings = new JournalSettings(directory, strict, 0);
    var fault = assertThrows(JournalFault.class, () -> Journal.open(settings, faults::add));
    assertEquals(Code.REFUSED, fault.code());
    assertTrue(fault.getMessage().contains("portcullis journal schema --create"), fault.getMessage());
    Journal.createSchema(given);
    Journal.open(settings, faults::add).close();
  }

  @Test
  void whatIsPrintedMakesWhatIsMade() {
    sql(Journal.ddl(schema));
    try (var journal = open("a")) {
      append(journal, "s-1", 1);
    }
  }

  @Test
  void processesThatStartAtOnceMakeOneSchema() {
    var opened = IntStream.range(0, 4).parallel().mapToObj(i -> open("n" + i)).toList();
    assertEquals(4, opened.stream().map(Journal::epoch).distinct().count());
    opened.forEach(Journal::close);
  }

  @Test
  void anotherProcessMayBeginTheJournalWhileThisOneLooksWhetherItIsEmpty() {
    try (var journal = Journal.open(settings("a"), faults::add, store -> new ForwardingStore(store) {
      @Override
      public boolean isEmpty() {
        open("b").close();
        return super.isEmpty();
      }
    })) {
      append(journal, "s-1", 1);
    }
  }

  @Test
  void aUserThatIsUnknownIsRefusedAndAServerThatIsNotThereIsTemporary() {
    var given = store(schema, "a");
    var stranger = new JournalSettings.Postgres(given.url(), "stranger", "s3cret", 2, schema, true, "a", "a",
        given.outage(), given.openWithin());
    var fault = assertThrows(JournalFault.class,
        () -> Journal.open(new JournalSettings(directory, stranger, 0), faults::add));
    assertEquals(Code.REFUSED, fault.code());
    assertFalse(fault.getMessage().contains("s3cret"));
    var nowhere = new JournalSettings.Postgres("jdbc:postgresql://127.0.0.1:1/gate?user=x", "x", "s3cret", 2, schema,
        true, "a", "a", given.outage(), Duration.ofMillis(100));
    var absent = assertThrows(JournalFault.class,
        () -> Journal.open(new JournalSettings(directory, nowhere, 0), faults::add));
    assertEquals(Code.UNREACHABLE, absent.code());
    assertTrue(absent.getMessage().contains("jdbc:postgresql://127.0.0.1:1/gate;")
        || absent.getMessage().contains("jdbc:postgresql://127.0.0.1:1/gate "), absent.getMessage());
    assertFalse(nowhere.toString().contains("s3cret"));
  }

  @Test
  void peopleCanReadWhoOwnsAHistory() {
    try (var journal = open("a")) {
      append(journal, "s-\0é", 2);
      assertEquals("s-\\300\\200\\303\\251 2 a", query("select persistence_id || ' ' || highest || ' ' || owner from "
          + schema + ".readable_history"));
    }
  }

  // ---- damage

  @Test
  @Tag("INV-J1")
  void aByteThatWasChangedIsNoticed() {
    assertCorrupt(3, "update " + schema + ".event set record = set_byte(record, 20, get_byte(record, 20) # 1) "
        + "where sequence_number = 3");
  }

  @Test
  @Tag("INV-J1")
  void aRowThatWasRemovedIsNoticed() {
    assertCorrupt(3, "delete from " + schema + ".event where sequence_number = 3");
  }

  @Test
  @Tag("INV-J1")
  void aLastRowThatWasRemovedIsNoticed() {
    assertCorrupt(5, "delete from " + schema + ".event where sequence_number = 5");
  }

  @Test
  @Tag("INV-J1")
  void rowsThatChangedPlacesAreNoticed() {
    assertCorrupt(2, "update " + schema + ".event set sequence_number = -sequence_number where sequence_number in (2, 3)",
        "update " + schema + ".event set sequence_number = 5 + sequence_number where sequence_number < 0");
  }

  @Test
  @Tag("INV-J1")
  void aRecordedEndThatWasRemovedIsNoticed() {
    assertCorrupt(1, "delete from " + schema + ".history");
  }

  private void assertCorrupt(long seq, String... damage) {
    try (var journal = open("a")) {
      append(journal, "s-1", 5);
      sql(damage);
      var fault = assertThrows(JournalFault.class, () -> replay(journal, "s-1"));
      assertEquals(Code.CORRUPT, fault.code());
      assertTrue(fault.getMessage().contains("\"s-1\" seq " + seq), fault.getMessage());
    }
  }
}
