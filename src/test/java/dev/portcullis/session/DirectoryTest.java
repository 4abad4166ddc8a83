package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.protocol.SessionRow;
import dev.portcullis.protocol.Usage;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.receptionist.Receptionist;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class DirectoryTest {
  private static final ActorTestKit kit = ActorTestKit.create();


  @AfterAll
  static void close() {
    kit.shutdownTestKit();
  }

  private static SessionRow row(String name, String status, long rev, int second) {
    boolean active = status.equals("running");
    boolean open = active || status.equals("queued") || status.equals("parked");
    return new SessionRow(
        "agent:main:" + name, "id", "main", "title", status, active, open, active ? List.of("r") : List.of(),
        status.equals("queued") ? 1 : 0, 0, status.equals("parked") ? 1 : 0, "r", Usage.NONE, 3, open ? 2 : 3, Instant.EPOCH,
        Instant.EPOCH.plusSeconds(second).plusNanos(123_456_789), rev, "me");
  }

  private static ActorRef<Directory.Command> spawn(SessionRow... rows) {
    return kit.spawn(Directory.create(List.of(rows)));
  }

  /** One that looks at the rows and remembers where it is. */
  private static final class Viewer {
    private final ActorRef<Directory.Command> directory;
    private final Directory.Viewer name = new Directory.Viewer();
    private final TestProbe<Directory.Told> told = kit.createTestProbe();
    private final Sessions.Watch watch;
    private long seen = -1;
    private long snapshot;

    Viewer(ActorRef<Directory.Command> directory, Sessions.Watch watch) {
      this.directory = directory;
      this.watch = watch;
    }

    Viewer(ActorRef<Directory.Command> directory) {
      this(directory, Sessions.Watch.ALL);
    }

    void ask(int max, boolean waits) {
      directory.tell(
          new Directory.Next(name, seen, snapshot, watch, max, waits, told.ref()));
    }

    Directory.Told answer() {
      var answer = told.receiveMessage();
      seen = answer.seen();
      snapshot = answer.snapshot();
      return answer;
    }

    /** What is new for it. */
    List<SessionRow> look() {
      var rows = new ArrayList<SessionRow>();
      Directory.Told answer;
      do {
        ask(3, false);
        answer = answer();
        rows.addAll(answer.rows());
      } while (!answer.head());
      return rows;
    }
  }

  private static Sessions.Page page(ActorRef<Directory.Command> directory, Sessions.Query query) {
    TestProbe<Sessions.Page> asker = kit.createTestProbe();
    directory.tell(new Directory.ListRows(query, asker.ref()));
    return asker.receiveMessage();
  }

  private static List<SessionRow> rows(ActorRef<Directory.Command> directory) {
    return page(directory, new Sessions.Query(100, "", false, "")).rows();
  }

  private static Sessions.Totals totals(ActorRef<Directory.Command> directory) {
    TestProbe<Sessions.Totals> asker = kit.createTestProbe();
    directory.tell(new Directory.GetTotals("", asker.ref()));
    return asker.receiveMessage();
  }

  @Test
  @Tag("INV-A3")
  @Tag("IL-11")
  void anOlderRowNeverReplacesANewerOne() {
    var directory = spawn(row("a", "running", 5, 1));
    var viewer = new Viewer(directory);
    assertEquals(List.of(row("a", "running", 5, 1)), viewer.look());
    directory.tell(new Directory.Changed(row("a", "idle", 6, 2)));
    directory.tell(new Directory.Changed(row("a", "running", 5, 1)));
    directory.tell(new Directory.Changed(row("a", "running", 6, 1)));
    assertEquals(List.of(row("a", "idle", 6, 2)), viewer.look());
    assertEquals(List.of(row("a", "idle", 6, 2)), rows(directory));
    assertEquals(List.of(), viewer.look());
  }

  @Test
  @Tag("INV-A2")
  @Tag("IL-10")
  void aListThatIsAskedForAfterAChangeKnowsOfIt() {
    var directory = spawn();
    var viewer = new Viewer(directory);
    for (int rev = 1; rev <= 1_000; rev += 2) {
      directory.tell(new Directory.Changed(row("a", "running", rev, rev)));
      directory.tell(new Directory.Changed(row("a", "idle", rev + 1, rev)));
      assertEquals(List.of(row("a", "idle", rev + 1, rev)), viewer.look());
      assertFalse(rows(directory).getFirst().hasActiveRun());
    }
  }

  @Test
  @Tag("INV-A5")
  void aViewerGetsEveryRowAndThenEveryChange() {
    var directory = spawn(row("a", "idle", 1, 1), row("b", "idle", 1, 2));
    directory.tell(new Directory.Changed(row("c", "queued", 1, 3)));
    var viewer = new Viewer(directory);
    assertEquals(
        List.of(row("a", "idle", 1, 1), row("b", "idle", 1, 2), row("c", "queued", 1, 3)), viewer.look());
    directory.tell(new Directory.Changed(row("a", "running", 2, 4)));
    assertEquals(List.of(row("a", "running", 2, 4)), viewer.look());
  }

  @Test
  @Tag("INV-A5")
  void aViewerThatChangesOverrunIsToldOfEachRowAsItIsThen() {
    var directory = spawn(
        row("a", "idle", 1, 1), row("b", "idle", 1, 2), row("c", "idle", 1, 3), row("d", "idle", 1, 4));
    var viewer = new Viewer(directory);
    viewer.ask(2, false);
    assertEquals(List.of(row("a", "idle", 1, 1), row("b", "idle", 1, 2)), viewer.answer().rows());
    for (int rev = 2; rev <= 9; rev++) { // Before it has read the rest.
      directory.tell(new Directory.Changed(row("a", "running", rev, 10 + rev)));
      directory.tell(new Directory.Changed(row("c", "running", rev, 10 + rev)));
    }
    directory.tell(new Directory.Changed(row("b", "erased", 2, 30)));
    assertEquals(
        List.of(row("d", "idle", 1, 4), row("a", "running", 9, 19), row("c", "running", 9, 19),
            row("b", "erased", 2, 30)),
        viewer.look());
  }

  @Test
  void aViewerThatWaitsIsToldOnceOfWhatItAskedForAndOfNothingElse() {
    var directory = spawn(row("a", "idle", 1, 1));
    var viewer = new Viewer(directory, new Sessions.Watch("", false, "main", ""));
    viewer.look();
    viewer.ask(9, true);
    viewer.ask(9, true); // The same one again, as after a silence.
    var others = row("x", "idle", 1, 2);
    directory.tell(new Directory.Changed(new SessionRow(
        "agent:other:x", "id", "other", "", "idle", false, false, List.of(), 0, 0, 0, "", Usage.NONE, 0, 0,
        others.createdAt(), others.updatedAt(), 1, "")));
    viewer.told.expectNoMessage();
    directory.tell(new Directory.Changed(row("a", "running", 2, 3)));
    assertEquals(List.of(row("a", "running", 2, 3)), viewer.answer().rows());
    viewer.told.expectNoMessage();
  }

  @Test
  @Tag("INV-A5")
  void aViewerOfActiveSessionsHearsOfTheirEnd() {
    var directory = spawn(row("a", "idle", 1, 1), row("b", "running", 1, 2));
    var viewer = new Viewer(directory, new Sessions.Watch("", true, "", ""));
    assertEquals(List.of(row("b", "running", 1, 2)), viewer.look());
    directory.tell(new Directory.Changed(row("b", "idle", 2, 3)));
    directory.tell(new Directory.Changed(row("a", "running", 2, 4)));
    assertEquals(List.of(row("b", "idle", 2, 3), row("a", "running", 2, 4)), viewer.look());
  }

  @Test
  @Tag("INV-A5")
  void whoWasAwayForTooManyErasuresBeginsAnew() {
    var directory = spawn(row("a", "idle", 1, 1), row("b", "idle", 1, 1));
    var viewer = new Viewer(directory);
    viewer.look();
    directory.tell(new Directory.Changed(row("b", "erased", 2, 2)));
    for (int i = 0; i < 10_000; i++) {
      directory.tell(new Directory.Changed(row("n" + i, "idle", 1, 2)));
      directory.tell(new Directory.Changed(row("n" + i, "erased", 2, 2)));
    }
    viewer.ask(9, false);
    var answer = viewer.answer();
    assertTrue(answer.full(), "it would never hear that b is gone");
    assertEquals(List.of(row("a", "idle", 1, 1)), answer.rows());
  }

  @Test
  void pagesGoThroughRowsOfOneInstantWithoutGapOrRepeat() {
    var all = new ArrayList<SessionRow>();
    for (int i = 0; i < 25; i++) {
      all.add(row("s:" + (char) ('a' + i), "idle", 1, i / 10));
    }
    var directory = spawn(all.toArray(SessionRow[]::new));
    var seen = new ArrayList<SessionRow>();
    var cursor = "";
    do {
      assertTrue(Directory.isCursor(cursor), cursor);
      var page = page(directory, new Sessions.Query(4, cursor, false, ""));
      assertTrue(page.rows().size() <= 4);
      seen.addAll(page.rows());
      cursor = page.next();
    } while (!cursor.isEmpty());
    assertEquals(rows(directory), seen);
    assertEquals(25, seen.size());
    assertEquals(2, seen.getFirst().updatedAt().getEpochSecond());
  }

  @Test
  void pagesCanBeOfActiveSessionsOrOfOneAgentOnly() {
    var directory = spawn(row("a", "idle", 1, 1), row("b", "running", 1, 2));
    assertEquals(
        List.of(row("b", "running", 1, 2)), page(directory, new Sessions.Query(9, "", true, "")).rows());
    assertEquals(List.of(), page(directory, new Sessions.Query(9, "", false, "other")).rows());
  }

  @Test
  void whatNoPageHasNamedIsNoCursor() {
    for (var cursor : List.of("x", "1.2", "1:2.3", "1.2:", "9999999999999.1:a", "-.1:a", "1.1234567890:a")) {
      assertFalse(Directory.isCursor(cursor), cursor);
    }
  }

  @Test
  void theAccountIsClosedWhateverChanges() {
    var directory = spawn(row("a", "running", 1, 1), row("b", "queued", 1, 1), row("c", "idle", 1, 1));
    assertEquals(new Sessions.Totals(3, 9, 7, 2, 1, 1, 0, 0, 0), totals(directory));
    directory.tell(new Directory.Changed(row("a", "idle", 2, 2)));
    directory.tell(new Directory.Changed(row("c", "erased", 2, 2)));
    assertEquals(new Sessions.Totals(2, 6, 5, 1, 0, 1, 0, 0, 0), totals(directory));
  }

  @Test
  void aParkedRunIsNeitherEndedNorOpen() {
    var totals = totals(spawn(row("a", "parked", 1, 1), row("b", "running", 1, 1)));
    assertEquals(new Sessions.Totals(2, 6, 4, 1, 1, 0, 0, 1, 0), totals);
    assertEquals(totals.accepted(), totals.terminal() + totals.open() + totals.parked());
  }

  @Test
  @Tag("INV-J1")
  void aQuarantinedSessionIsNowhereActiveAndItsRunsAreParked() {
    var directory = spawn(row("a", "running", 1, 1), row("b", "queued", 1, 1), row("c", "running", 1, 1));
    var viewer = new Viewer(directory);
    assertEquals(3, viewer.look().size());
    for (var key : List.of("agent:main:a", "agent:main:b", "agent:main:b", "agent:main:unknown")) {
      directory.tell(new Directory.Quarantined(new SessionKey(key).entityId()));
    }
    var totals = totals(directory);
    assertEquals(new Sessions.Totals(3, 9, 6, 1, 1, 0, 0, 2, 2), totals);
    assertEquals(totals.accepted(), totals.terminal() + totals.open() + totals.parked());
    var told = viewer.look();
    assertEquals(List.of("quarantined", "quarantined"), told.stream().map(SessionRow::status).toList());
    assertTrue(told.stream().allMatch(row -> row.rev() > 1), "a viewer must take it for newer");
  }

  @Test
  void anErasedSessionLeavesEveryViewAndItsViewersHearOfIt() {
    var directory = spawn(row("a", "idle", 1, 1));
    var viewer = new Viewer(directory);
    viewer.look();
    directory.tell(new Directory.Changed(row("a", "erased", 2, 2)));
    assertEquals(List.of(row("a", "erased", 2, 2)), viewer.look());
    assertEquals(List.of(), new Viewer(directory).look());
    assertEquals(List.of(), rows(directory));
    TestProbe<List<SessionRow>> asker = kit.createTestProbe();
    directory.tell(new Directory.GetRow("agent:main:a", asker.ref()));
    asker.expectMessage(List.of());
  }

  private static void eventuallyLists(ActorRef<Directory.Command> directory, SessionRow... expected) {
    kit.<Void>createTestProbe().awaitAssert(() -> {
      assertEquals(List.of(expected), rows(directory));
      return true;
    });
  }

  @Test
  @Tag("INV-A2")
  void aDirectoryTellsItsPeersOfItsOwnSessionsAndNeverOfWhatItHeard() {
    TestProbe<Directory.Command> peer = kit.createTestProbe();
    kit.system().receptionist().tell(Receptionist.register(Directory.PEERS, peer.ref()));
    var directory = kit.spawn(Directory.clustered(List.of(), () -> CompletableFuture.completedFuture(List.of())));
    peer.expectMessage(new Directory.Greeting());
    directory.tell(new Directory.Heard(List.of(row("far", "running", 1, 1))));
    directory.tell(new Directory.Changed(row("near", "running", 1, 2)));
    assertEquals(new Directory.Heard(List.of(row("near", "running", 1, 2))), peer.receiveMessage());
    peer.expectNoMessage();
    kit.stop(directory);
    peer.stop();
  }

  @Test
  void whatADirectoryMissedItFindsInTheIndexWhenItIsGreeted() {
    var index = new AtomicReference<>(List.of(row("a", "idle", 1, 1), row("b", "idle", 1, 2)));
    var directory = kit.spawn(Directory.clustered(index.get(), () -> CompletableFuture.completedFuture(index.get())));
    eventuallyLists(directory, row("b", "idle", 1, 2), row("a", "idle", 1, 1));
    index.set(List.of(row("a", "idle", 3, 3))); // The other one was erased meanwhile.
    directory.tell(new Directory.Greeting());
    eventuallyLists(directory, row("a", "idle", 3, 3));
    kit.stop(directory);
  }

  @Test
  void aRowThatIsNewerThanTheReadingOfTheIndexStays() {
    var reading = new CompletableFuture<List<SessionRow>>();
    var asked = new AtomicBoolean();
    // Read once: the directory of another test may just be leaving, and a later reading would know of the new row.
    var directory = kit.spawn(Directory.clustered(List.of(row("a", "idle", 1, 1)),
        () -> asked.getAndSet(true) ? new CompletableFuture<>() : reading));
    directory.tell(new Directory.Greeting());
    directory.tell(new Directory.Changed(row("a", "running", 2, 2)));
    directory.tell(new Directory.Changed(row("new", "idle", 1, 3)));
    assertEquals(2, rows(directory).size());
    reading.complete(List.of(row("a", "idle", 1, 1)));
    eventuallyLists(directory, row("new", "idle", 1, 3), row("a", "running", 2, 2));
    kit.stop(directory);
  }

  @Test
  @Tag("INV-J1")
  void aSessionInQuarantineWhoseRowIsLostStaysInTheListWhenTheIndexIsReadAgain() {
    var index = new AtomicReference<>(List.of(row("a", "idle", 1, 1)));
    var directory = kit.spawn(Directory.clustered(List.of(row("lost", "quarantined", 0, 2)),
        () -> CompletableFuture.completedFuture(index.get())));
    directory.tell(new Directory.Greeting());
    eventuallyLists(directory, row("lost", "quarantined", 0, 2), row("a", "idle", 1, 1));
    kit.stop(directory);
  }

  @Test
  @Tag("INV-A3")
  void anErasedSessionDoesNotComeBackWithARowFromBefore() {
    var reading = new CompletableFuture<List<SessionRow>>();
    var directory = kit.spawn(Directory.clustered(List.of(row("a", "running", 1, 1)), () -> reading));
    var viewer = new Viewer(directory);
    var told = new ArrayList<>(viewer.look());
    directory.tell(new Directory.Greeting());
    directory.tell(new Directory.Heard(List.of(row("a", "erased", 3, 3))));
    told.addAll(viewer.look());
    directory.tell(new Directory.Heard(List.of(row("a", "running", 2, 2)))); // By way of a viewer.
    reading.complete(List.of(row("a", "running", 1, 1)));
    told.addAll(viewer.look());
    directory.tell(new Directory.Heard(List.of(row("a", "queued", 4, 4)))); // A new turn of it.
    told.addAll(viewer.look());
    assertEquals(
        List.of(row("a", "running", 1, 1), row("a", "erased", 3, 3), row("a", "queued", 4, 4)), told);
    assertEquals(List.of(row("a", "queued", 4, 4)), rows(directory));
    kit.stop(directory);
  }

  @Test
  void whoHearsOfAnErasedSessionThatItNeverKnewTellsNobody() {
    var directory = spawn();
    var viewer = new Viewer(directory);
    assertEquals(List.of(), viewer.look());
    directory.tell(new Directory.Heard(List.of(row("a", "erased", 2, 2))));
    assertEquals(List.of(), rows(directory));
    assertEquals(List.of(), viewer.look());
  }

  private static SessionRow of(String owner, String name, long rev) {
    var row = row(name, "running", rev, (int) rev);
    return new SessionRow(
        row.key(), row.sessionId(), row.agent(), row.title(), row.status(), row.hasActiveRun(), row.abortable(),
        row.activeRunIds(), row.queued(), row.interrupted(), row.parked(), row.lastRunId(), row.usage(), row.accepted(),
        row.terminal(), row.createdAt(), row.updatedAt(), row.rev(), owner);
  }

  @Test
  @Tag("SEC-19")
  void anOwnerSeesAndCountsItsOwnRows() {
    var directory = spawn(of("a", "one", 1), of("b", "two", 2), of("a", "three", 3), of("", "old", 4));
    var query = new Sessions.Query(1, "", false, "", "a");
    var first = page(directory, query);
    assertEquals(List.of(of("a", "three", 3)), first.rows());
    assertEquals(List.of(of("a", "one", 1)),
        page(directory, new Sessions.Query(1, first.next(), false, "", "a")).rows());
    assertEquals(List.of(), page(directory, new Sessions.Query(9, "", false, "", "c")).rows());
    TestProbe<Sessions.Totals> asker = kit.createTestProbe();
    directory.tell(new Directory.GetTotals("a", asker.ref()));
    assertEquals(2, asker.receiveMessage().sessions());
    directory.tell(new Directory.GetTotals("c", asker.ref()));
    assertEquals(0, asker.receiveMessage().accepted());
    assertEquals(4, totals(directory).sessions());
  }

  @Test
  @Tag("SEC-19")
  void anOwnerHearsOfItsOwnChangesAndOfTheEndOfWhatBecomesAnothers() {
    var directory = spawn(of("a", "one", 1), of("b", "two", 2));
    var viewer = new Viewer(directory, new Sessions.Watch("", false, "", "a"));
    assertEquals(List.of(of("a", "one", 1)), viewer.look());
    directory.tell(new Directory.Changed(of("b", "two", 3)));
    directory.tell(new Directory.Changed(of("a", "one", 4)));
    assertEquals(List.of(of("a", "one", 4)), viewer.look());
    directory.tell(new Directory.Heard(List.of(of("b", "one", 9)))); // Its erasure was never heard of.
    directory.tell(new Directory.Changed(of("b", "one", 10)));
    directory.tell(new Directory.Changed(of("a", "three", 5)));
    var told = viewer.look();
    assertEquals("erased", told.getFirst().status());
    assertEquals(2, told.size());
    assertEquals(of("a", "three", 5), told.getLast());
  }
}
