package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.IndexEntry;
import dev.portcullis.protocol.HistoryEntry;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.session.Word.Kind;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.pekko.actor.testkit.typed.javadsl.LogCapturingExtension;
import org.apache.pekko.actor.testkit.typed.javadsl.LoggingTestKit;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What is erased and what is too old, on the real session and over a disk whose every record is searched. */
@ExtendWith(LogCapturingExtension.class)
class SweeperTest {
  private static final SessionKey KEY = new SessionKey("agent:main:main");
  private static final Duration TEXTS = Settings.CONFIG.retention().transcripts();
  private static final Duration RUNS = Settings.CONFIG.retention().runs();
  private static final Duration MOMENT = Duration.ofSeconds(1);

  private final ActorSubject session = new ActorSubject(KEY.text());
  private final Gate gate = new Gate();
  private Gate.State afterTrim = Gate.State.OPEN;

  @AfterEach
  void close() {
    session.close();
  }

  private static List<Sessions.Key> key(String run) {
    return List.of(new Sessions.Key("key-of-" + run, "body"));
  }

  private static String message(String run) {
    return "message of " + run;
  }

  /** A turn with a key that was answered. */
  private void answered(String run) {
    assertEquals(run, ((Receipt.Accepted) session.submit(run, key(run))).runId());
    for (var kind : List.of(Kind.ATTACHED, Kind.TEXT, Kind.COMPLETED)) {
      assertTrue(session.world().await(() -> session.world().harness.attempt(run, 1).isPresent()));
      session.world().harness.attempt(run, 1).orElseThrow().updates().accept(Word.of(kind).update(run, 1));
    }
    assertTrue(session.world().await(() -> !row().hasActiveRun() && row().lastRunId().equals(run)));
  }

  private SessionRow row() {
    return session.row().getFirst();
  }

  private long firstKept() {
    return session.world().journal.firstKept(Session.persistenceId(KEY.entityId()).id());
  }

  private List<String> index(String space, String name) {
    return session.index(space, name);
  }

  /** One sweep, from its beginning to its line in the log. */
  private void sweep(String expected) {
    var world = session.world();
    gate.moveTo(Gate.State.OPEN);
    var parts = new Sweeper.Parts(
        Settings.CONFIG.retention(), world.journal, this::trim, gate, ForkJoinPool.commonPool(), world.clock);
    ActorRef<Sweeper.Command> sweeper = world.kit.spawn(Sweeper.create(parts));
    LoggingTestKit.info("retention.swept " + expected).expect(world.kit.system(), () -> {
      sweeper.tell(new Sweeper.Sweep()); // Its own timer stands still here.
      return true;
    });
    world.kit.stop(sweeper);
  }

  private CompletionStage<TrimReply> trim(SessionKey of) {
    assertEquals(KEY, of);
    return AskPattern.<Session.Command, TrimReply>ask(
            session.session(), Session.Trim::new, Duration.ofDays(1), session.world().kit.system().scheduler())
        .whenComplete((_, _) -> gate.moveTo(afterTrim));
  }

  private Optional<Transcripts.Found> found(String run) {
    return session.world().transcripts.find(run);
  }

  // ---- erasure
  @Test
  void noRecordHoldsATextOfAnErasedSessionAndItsKeysStillNameTheirRuns() {
    answered("r-1");
    session.submit("r-2", key("r-2"));
    assertTrue(session.disk().holds(message("r-1")) && session.disk().holds(message("r-2")));
    session.clear(true);
    assertTrue(session.world().await(() -> firstKept() > 1));
    for (var run : List.of("r-1", "r-2")) {
      assertFalse(session.disk().holds(message(run)), run);
      assertEquals(List.of(), index(Rows.RUN, run));
      var again = (Receipt.Accepted) session.submit("r-3", key(run));
      assertEquals(new Receipt.Accepted(run, KEY.text(), again.status(), 0, true), again);
    }
    assertEquals(List.of(), session.row());
    session.crash(true);
    assertEquals("r-1", ((Receipt.Accepted) session.submit("r-4", key("r-1"))).runId());
    answered("r-5");
    session.world().journal.verify();
  }

  @Test
  void anErasureThatAKillCutOffIsFinishedByTheNextSweep() {
    answered("r-1");
    session.world().reads = new LinkedBlockingQueue<Runnable>()::add; // The trim never begins.
    session.clear(true);
    session.crash(true);
    session.world().reads = ForkJoinPool.commonPool(); // Not before: the wish to trim may still be under way.
    assertTrue(session.disk().holds(message("r-1")));
    assertEquals(1, index(Rows.ERASE, KEY.text()).size());
    sweep("sessions=1 events=6 erased=1 keys=0 runs=0 compacted=true");
    assertFalse(session.disk().holds(message("r-1")));
    assertEquals(List.of(), index(Rows.ERASE, KEY.text()));
  }

  @Test
  void aNodeThatStopsLeavesTheRestOfItsSweepToTheNext() {
    answered("r-1");
    session.world().reads = new LinkedBlockingQueue<Runnable>()::add; // The trim never begins.
    session.clear(true);
    session.crash(true);
    session.world().reads = ForkJoinPool.commonPool(); // Not before: the wish to trim may still be under way.
    afterTrim = Gate.State.DRAINING;
    sweep("sessions=1 events=6 erased=0 keys=0 runs=0 compacted=false");
    assertEquals(1, index(Rows.ERASE, KEY.text()).size());
  }

  @Test
  @Tag("INV-J1")
  void anErasureOfASessionInQuarantineIsNotTakenForDone() {
    answered("r-1");
    session.world().reads = new LinkedBlockingQueue<Runnable>()::add; // The trim never begins.
    session.clear(true);
    session.disk().loseEvent(Session.persistenceId(KEY.entityId()).id(), 2);
    session.crash(true);
    session.world().reads = ForkJoinPool.commonPool();
    sweep("sessions=0 events=0 erased=0");
    assertEquals(1, index(Rows.ERASE, KEY.text()).size());
  }

  @Test
  void anErasureAlsoTakesWhatRetentionHasLeftOfOlderRuns() {
    answered("r-1");
    session.world().jump(TEXTS.plus(MOMENT));
    answered("r-2");
    sweep("sessions=1 events=5 erased=0");
    assertEquals(1, index(Rows.RUN, "r-1").size());
    session.clear(true);
    assertTrue(session.world().await(() -> firstKept() == 12 && index(Rows.RUN, "r-1").isEmpty()));
    assertEquals(List.of(), index(Rows.RUN, "r-2"));
  }

  // ---- retention
  @Test
  void anOldRunLosesItsTextsAndCanStillBeLookedUpAndTheRowStays() {
    answered("r-1");
    session.world().jump(TEXTS.plus(MOMENT));
    answered("r-2");
    var row = row();
    sweep("sessions=1 events=5 erased=0 keys=1 runs=0 compacted=false");
    assertFalse(session.disk().holds("\"message\"" + message("r-1")));
    var view = assertInstanceOf(Transcripts.Trimmed.class, found("r-1").orElseThrow()).run().view();
    assertEquals(List.of(RunStatus.COMPLETED, "", "", true),
        List.of(view.status(), view.message(), view.text(), view.trimmed()));
    assertEquals(new Transcripts.Located(KEY, 6), found("r-2").orElseThrow());
    assertEquals(row, row());
    assertEquals(
        List.of(message("r-2")),
        session.world().transcripts.history(KEY.entityId(), 0, Long.MAX_VALUE, 1).stream()
            .map(HistoryEntry::text).toList());
    session.crash(true);
    assertEquals(row, row());
    answered("r-3");
  }

  @Test
  void anApprovalIsKnownForAsLongAsTheTextsOfItsRun() {
    session.submit("r-1", key("r-1"));
    assertTrue(session.world().await(() -> session.world().harness.attempt("r-1", 1).isPresent()));
    for (var kind : List.of(Kind.ATTACHED, Kind.APPROVAL, Kind.COMPLETED)) {
      session.world().harness.attempt("r-1", 1).orElseThrow().updates().accept(Word.of(kind).update("r-1", 1));
    }
    assertTrue(session.world().await(() -> !row().hasActiveRun()));
    var approval = Word.of(Kind.APPROVAL).request("r-1", 1);
    assertEquals(1, index(Rows.APPROVAL, approval).size());
    session.world().jump(TEXTS.plus(MOMENT));
    answered("r-2");
    sweep("sessions=1 events=6 erased=0");
    assertEquals(List.of(), index(Rows.APPROVAL, approval));
  }

  @Test
  void aRunIsForgottenWhenThatTimeIsOverTooAndItsKeyBefore() {
    answered("r-1");
    session.world().jump(TEXTS.plus(MOMENT));
    sweep("sessions=1 events=5 erased=0 keys=1 runs=0");
    assertEquals(List.of(), index(Rows.KEY, Rows.keyName(KEY.entityId(), "key-of-r-1")));
    session.world().jump(RUNS);
    sweep("sessions=0 events=0 erased=0 keys=0 runs=1");
    assertEquals(Optional.empty(), found("r-1"));
  }

  @Test
  void aRunThatWaitsForAPersonIsNotTrimmedHoweverOldNorWhatCameAfterIt() {
    answered("r-1");
    session.submit("r-parked", List.of());
    session.crash(false);
    assertEquals(RunStatus.PARKED, session.state().statusOf("r-parked").orElseThrow());
    session.world().jump(TEXTS.plus(MOMENT));
    sweep("sessions=1 events=5");
    assertEquals(6, firstKept());
    assertEquals(new Transcripts.Located(KEY, 6), found("r-parked").orElseThrow());
    assertEquals(new ControlReply.Done(RunStatus.INTERRUPTED), session.resume("r-parked"));
  }

  @Test
  void aViewerWhoReadsWhileTheRunIsTrimmedIsToldThatItIsGone() {
    answered("r-1");
    var transcripts = session.world().transcripts;
    var slow = new RunCursor(transcripts, (Transcripts.Located) found("r-1").orElseThrow(), "r-1");
    slow.upTo(new Session.Position(5, 0, 0, List.of(), List.of())).advance(2).toCompletableFuture().join();
    session.world().jump(TEXTS.plus(MOMENT));
    sweep("sessions=1 events=5");
    assertThrows(CompletionException.class, () -> slow.advance(10).toCompletableFuture().join());
  }

  @Test
  void aKeyThatIsBoundAnewWhileASweepForgetsItStaysBound() {
    var journal = session.world().journal;
    var name = Rows.keyName(KEY.entityId(), "k");
    journal.index(List.of(new IndexEntry.Put(Rows.KEY, name, "old"))).toCompletableFuture().join();
    journal.index(List.of(new IndexEntry.Put(Rows.KEY, name, "new"))).toCompletableFuture().join();
    journal.removeUnchanged(Rows.KEY, Map.of(name, "old")).toCompletableFuture().join();
    assertEquals(List.of("new"), index(Rows.KEY, name));
  }

  @Test
  @Tag("INV-J4")
  void deletingEverySnapshotButTheBaseChangesNothing() {
    answered("r-1");
    session.world().jump(TEXTS.plus(MOMENT));
    answered("r-2");
    sweep("sessions=1 events=5");
    var row = row();
    var pid = Session.persistenceId(KEY.entityId()).id();
    session.world().journal.deleteSnapshots(pid, 0, Long.MAX_VALUE, _ -> true).toCompletableFuture().join();
    session.crash(true);
    answered("r-3");
    assertEquals(List.of(3L, 3L), List.of(row().accepted(), row().terminal()));
    assertEquals(List.of(row.title(), row.createdAt()), List.of(row().title(), row().createdAt()));
  }
}
