package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.IndexEntry;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.SessionRow;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.pekko.actor.testkit.typed.javadsl.LogCapturingExtension;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.slf4j.LoggerFactory;

/** A session that has lost one event of its history, on the real actors and the real journal. */
@ExtendWith(LogCapturingExtension.class)
class QuarantineTest {
  private static final String KEY = "agent:main:main";
  private static final String ENTITY = new SessionKey(KEY).entityId();
  private static final String HISTORY = Session.persistenceId(ENTITY).id();
  private static final Quarantined REFUSED = new Quarantined("reference");

  private final ActorSubject session = new ActorSubject(KEY);

  @AfterEach
  void close() {
    session.close();
  }

  private Runnable lose(long seq) {
    assertInstanceOf(Receipt.Accepted.class, session.submit("r-1", List.of()));
    assertInstanceOf(Receipt.Accepted.class, session.submit("r-2", List.of()));
    return session.disk().loseEvent(HISTORY, seq);
  }

  private SessionRow row() {
    return session.row().getFirst();
  }

  private List<String> raised() {
    return session.world().alerts.raised;
  }

  private static Stream<Session.Command> refused(ActorRef<Object> asker) {
    return Stream.of(
        new Session.Submit("r-3", KEY, "me", "hello", List.of(), Input.NONE, List.of(), Gate.State.OPEN, asker.narrow(), "", false),
        new Session.Abort("r-1", "me", asker.narrow()),
        new Session.Resume("r-1", "me", asker.narrow()),
        new Session.Decide("r-1", "a-1", "", true, "me", asker.narrow()),
        new Session.Clear(false, "me", asker.narrow()),
        new Session.Clear(true, "me", asker.narrow()),
        new Session.AwaitBeyond(-1, asker.narrow()));
  }

  @Test
  @Tag("INV-J1")
  void whatIsAskedWhileADamagedHistoryIsReadIsRefusedAndNotLost() {
    lose(2);
    TestProbe<Object> asker = session.world().kit.createTestProbe();
    var again = session.neighbour(KEY); // The same session, as after a passivation.
    refused(asker.ref()).forEach(again::tell);
    again.tell(new Session.Recover(asker.ref().narrow()));
    again.tell(new Session.NoteStop("restart", asker.ref().narrow()));
    again.tell(new Session.Rest(Duration.ofSeconds(10), asker.ref().narrow()));

    refused(asker.ref()).forEach(_ -> asker.expectMessage(REFUSED));
    asker.expectMessage(new Session.Recovered(0, 0, 0));
    asker.expectMessage(new Session.StopNoted(0));
    asker.expectMessage(new Session.Rested(0));
  }

  @Test
  @Tag("INV-J1")
  void aSessionThatWasUnderWayIsNotWaitedForByAStopOnceItIsInQuarantine() {
    lose(2);
    assertEquals(Set.of(ENTITY), session.world().underway.entities());
    TestProbe<Session.Recovered> asker = session.world().kit.createTestProbe();
    session.neighbour(KEY).tell(new Session.Recover(asker.ref())); // As after a restart by its supervisor.
    asker.expectMessage(new Session.Recovered(0, 0, 0));
    assertEquals(Set.of(), session.world().underway.entities());
  }

  @Test
  void aSessionThatMustLeaveWhileItsDamagedHistoryIsReadLeaves() {
    lose(2);
    var again = session.neighbour(KEY);
    again.tell(new Session.Leave());
    session.world().kit.createTestProbe().expectTerminated(again);
  }

  @Test
  @Tag("INV-J1")
  void aSessionInQuarantineRefusesEveryCommandAndWritesNothing() {
    lose(2);
    assertEquals(new Session.Recovered(0, 0, 0), session.crash(true));
    var before = session.world().journal.stats().events();
    TestProbe<Object> nobody = session.world().kit.createTestProbe();
    for (int i = 0; i < refused(nobody.ref()).count(); i++) {
      int nth = i;
      Object answer = session.world().<Session.Command, Object>ask(
          session.session(), replyTo -> refused(replyTo).skip(nth).findFirst().orElseThrow());
      assertEquals(REFUSED, answer);
    }
    assertEquals(before, session.world().journal.stats().events());
  }

  @Test
  @Tag("INV-J1")
  void aDamagedSessionIsNotedToldOnceAndShownWithoutAnActiveRun() {
    lose(2);
    assertTrue(session.row().getFirst().hasActiveRun());
    session.crash(true);
    session.submit("r-3", List.of());

    assertEquals(List.of("session." + ENTITY), raised());
    session.world().journal.barrier().toCompletableFuture().join();
    var note = session.index("quarantine", ENTITY).getFirst();
    assertTrue(note.contains("\"seq\":2") && note.contains("missing") && note.contains("\"at\":\"2026"), note);
    assertEquals("quarantined", row().status());
    assertFalse(row().hasActiveRun() || row().abortable());
    assertEquals(List.of(), row().activeRunIds());
    assertEquals(List.of(0, 0, 2), List.of(row().queued(), row().interrupted(), row().parked()));
    assertEquals(row().accepted(), row().terminal() + row().parked());
  }

  @Test
  @Tag("INV-J1")
  void aDamagedSessionIsReadOnceInALife() {
    var mend = lose(2);
    session.crash(true);
    mend.run();
    assertEquals(REFUSED, session.submit("r-3", List.of()));
    assertEquals(REFUSED, session.world().<Session.Command, Object>ask(
        session.neighbour(KEY), replyTo -> new Session.Abort("r-1", "me", replyTo.narrow())));
  }

  @Test
  @Tag("INV-J1")
  void othersWorkWhileOneIsInQuarantine() {
    lose(2);
    session.crash(true);
    var other = session.neighbour("agent:main:other");
    assertInstanceOf(Receipt.Accepted.class, session.world().<Session.Command, Receipt>ask(other, replyTo ->
        new Session.Submit("r-9", "agent:main:other", "me", "hello", List.of(), Input.NONE, List.of(), Gate.State.OPEN, replyTo, "", false)));
  }

  @Test
  @Tag("INV-J1")
  void aBootWithTheDamageStillThereKeepsTheSessionInQuarantineWithoutWakingIt() {
    lose(2);
    session.crash(true);
    session.world().kit.stop(session.session());
    session.world().journal.barrier().toCompletableFuture().join(); // The note was on its way to the disk.
    var found = SessionIndex.read(session.world().journal, session.world().clock);
    assertEquals(2, found.damaged().get(ENTITY).seq());
    assertEquals(List.of(), found.open());
    assertEquals(List.of("quarantined"), found.rows().stream().map(SessionRow::status).toList());
    session.crash(true);
    assertEquals(REFUSED, session.submit("r-3", List.of()));
    assertEquals("quarantined", row().status());
  }

  @Test
  @Tag("INV-J1")
  void aBootThatFindsTheHistorySoundAgainLetsTheSessionWork() {
    var mend = lose(2);
    session.crash(true);
    session.world().journal.barrier().toCompletableFuture().join(); // The note was on its way to the disk.
    mend.run();
    var recovered = session.crash(true);
    assertEquals(2, recovered.open());
    assertTrue(session.world().alerts.resolved.contains("session." + ENTITY));
    assertEquals(List.of(), session.index("quarantine", ENTITY));
    assertInstanceOf(Receipt.Accepted.class, session.submit("r-3", List.of()));
    assertTrue(row().hasActiveRun(), row()::toString);
  }

  @Test
  @Tag("INV-J1")
  void aDamagedSessionWhoseRowIsLostTooIsShownByTheKeyThatItsRunsStillName() {
    lose(2);
    session.world().journal.index(List.of(
        new IndexEntry.Remove("row", KEY), new IndexEntry.Remove("open", KEY))).toCompletableFuture().join();
    session.crash(true);
    assertTrue(session.world().await(() -> !session.row().isEmpty()));
    assertEquals("quarantined", row().status());
    assertEquals("main", row().agent());
  }

  @Test
  void theLogNamesTheSessionAndTheEvent() {
    lose(2);
    var logger = (ch.qos.logback.classic.Logger) LoggerFactory.getLogger(Quarantine.class);
    var lines = new ch.qos.logback.core.read.ListAppender<ch.qos.logback.classic.spi.ILoggingEvent>();
    lines.start();
    logger.addAppender(lines);
    try {
      session.crash(true);
    } finally {
      logger.detachAppender(lines);
    }
    assertEquals(1, lines.list.size(), lines.list::toString);
    var line = lines.list.getFirst().getFormattedMessage();
    assertTrue(line.startsWith("session.quarantined session=" + ENTITY + " seq=2 cause="), line);
  }
}
