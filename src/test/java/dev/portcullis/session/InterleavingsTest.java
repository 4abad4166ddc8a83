package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.journal.MemoryDisk.Fault;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.session.Word.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.actor.PoisonPill;
import org.apache.pekko.actor.testkit.typed.javadsl.LogCapturingExtension;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Orders of events that have gone wrong in gateways before, one by one, on the real actors. */
@ExtendWith(LogCapturingExtension.class)
class InterleavingsTest {
  private static final List<Sessions.Key> NO_KEY = List.of();
  private static final String KEY = "agent:main:main";

  private ActorSubject session = new ActorSubject(KEY);

  @AfterEach
  void close() {
    session.close();
  }

  private static List<Sessions.Key> key(String body) {
    return List.of(new Sessions.Key("key", body));
  }

  private void submit(String... runs) {
    for (var run : runs) {
      assertInstanceOf(Receipt.Accepted.class, session.submit(run, NO_KEY));
    }
  }

  /** Each word is heard and in the journal before the next is said. */
  private void hear(String run, int attempt, Kind... kinds) {
    awaitAttempt(run, attempt);
    for (var kind : kinds) {
      int before = session.journal().size();
      session.hear(run, attempt, Word.of(kind));
      assertTrue(session.world().await(() -> session.journal().size() > before), kind + " was not heard");
    }
  }

  private void awaitAttempt(String run, int attempt) {
    assertTrue(
        session.world().await(() -> session.world().harness.attempt(run, attempt).isPresent()),
        () -> "attempt " + attempt + " of " + run + " in " + session.journal());
  }

  private RunStatus status(String run) {
    return session.state().statusOf(run).orElseThrow();
  }

  private long attempts(String run) {
    return session.journal().stream()
        .filter(event -> event instanceof SessionEvent.AttemptStarted start && start.runId().equals(run))
        .count();
  }

  private long ends(String run) {
    return session.journal().stream()
        .filter(event -> event instanceof SessionEvent.RunCompleted end && end.runId().equals(run)
            || event instanceof SessionEvent.RunFailed failed && failed.runId().equals(run)
            || event instanceof SessionEvent.RunAborted aborted && aborted.runId().equals(run))
        .count();
  }

  private AttemptSpec.Interruption.Cut told(String run, int attempt) {
    awaitAttempt(run, attempt);
    return (AttemptSpec.Interruption.Cut)
        session.world().harness.attempt(run, attempt).orElseThrow().spec().interruption();
  }

  // ---- abort and end
  @Test
  @Tag("IL-13")
  @Tag("INV-R7")
  void aCompletionAfterAPersistedAbortIsAnAbort() {
    submit("r-1");
    hear("r-1", 1, Kind.ATTACHED, Kind.TEXT);
    assertEquals(new ControlReply.Done(RunStatus.ABORTING), session.abort("r-1"));
    hear("r-1", 1, Kind.COMPLETED);
    assertEquals(RunStatus.ABORTED, status("r-1"));
    assertEquals(1, ends("r-1"));
  }

  @Test
  @Tag("IL-14")
  @Tag("INV-R8")
  void anAbortAfterAPersistedCompletionIsRefusedWithWhatIsTrue() {
    submit("r-1");
    hear("r-1", 1, Kind.ATTACHED, Kind.COMPLETED);
    assertEquals(new ControlReply.Refused(RunStatus.COMPLETED), session.abort("r-1"));
    assertEquals(RunStatus.COMPLETED, status("r-1"));
  }

  @Test
  @Tag("IL-15")
  @Tag("INV-M1")
  void aKillBetweenAnAbortAndItsEndLeavesAnAbortedRunAndRoomForTheNext() {
    submit("r-1", "r-2");
    session.abort("r-1");
    session.crash(true);
    assertEquals(RunStatus.ABORTED, status("r-1"));
    hear("r-2", 1, Kind.ATTACHED, Kind.COMPLETED);
    assertEquals(RunStatus.COMPLETED, status("r-2"));
    assertEquals(1, attempts("r-1"));
  }

  @Test
  @Tag("IL-16")
  void aSecondAbortChangesNothingAndAnUnknownRunIsUnknown() {
    submit("r-1");
    hear("r-1", 1, Kind.ATTACHED);
    session.abort("r-1");
    var before = session.journal();
    assertEquals(new ControlReply.Done(RunStatus.ABORTING), session.abort("r-1"));
    assertEquals(new ControlReply.Unknown(), session.abort("r-of-another"));
    assertEquals(before, session.journal());
  }

  @Test
  @Tag("IL-17")
  @Tag("INV-J7")
  void anEndIsAnEndAlsoWhenTheClockSaysThatItCameBeforeTheStart() {
    submit("r-1");
    hear("r-1", 1, Kind.ATTACHED);
    session.world().clock.advance(Duration.ofHours(-1));
    hear("r-1", 1, Kind.COMPLETED);
    assertEquals(RunStatus.COMPLETED, status("r-1"));
    session.crash(true);
    assertEquals(RunStatus.COMPLETED, status("r-1"));
  }

  @Test
  @Tag("IL-38")
  void aRunThatWasStoppedWhileItWaitedForItsResumeIsNeverResumed() {
    interruptedTwice();
    assertEquals(new ControlReply.Done(RunStatus.ABORTED), session.abort("r-1"));
    session.crash(true);
    session.world().jump(Duration.ofMinutes(30));
    submit("r-2");
    hear("r-2", 1, Kind.ATTACHED, Kind.COMPLETED);
    assertEquals(RunStatus.ABORTED, status("r-1"));
    assertEquals(2, attempts("r-1"));
  }

  /** The second resume waits 30 s, so the run rests in INTERRUPTED. */
  private void interruptedTwice() {
    submit("r-1");
    session.crash(true);
    awaitAttempt("r-1", 2);
    session.crash(true);
    assertEquals(RunStatus.INTERRUPTED, status("r-1"));
  }

  // ---- keys
  @Test
  @Tag("IL-18")
  @Tag("INV-I12")
  void fiftySimultaneousRequestsWithOneKeyAreOneRun() {
    TestProbe<Receipt> asker = session.world().kit.createTestProbe();
    for (int i = 0; i < 50; i++) {
      session.session().tell(
          new Session.Submit("r-" + i, KEY, "me", "hello", List.of(), Input.NONE, key("body"), Gate.State.OPEN, asker.ref(), "", false));
    }
    var receipts = asker.receiveSeveralMessages(50);
    assertEquals(
        List.of("r-0"),
        receipts.stream().map(receipt -> ((Receipt.Accepted) receipt).runId()).distinct().toList());
    assertEquals(List.of("r-0"), List.copyOf(session.state().open().keySet()));
  }

  @Test
  @Tag("IL-19")
  @Tag("INV-I5")
  void aKeyIsAnsweredWithItsRunAfterTheEndAndAfterARestart() {
    session.submit("r-1", key("body"));
    hear("r-1", 1, Kind.ATTACHED, Kind.COMPLETED);
    var stored = new Receipt.Accepted("r-1", KEY, RunStatus.COMPLETED, 0, true);
    assertEquals(stored, session.submit("r-2", key("body")));
    session.crash(true);
    assertEquals(stored, session.submit("r-3", key("body")));
    session.clear(true);
    assertEquals("r-1", ((Receipt.Accepted) session.submit("r-4", key("body"))).runId());
  }

  @Test
  @Tag("IL-20")
  @Tag("INV-I3")
  void aKeyWithAnotherBodyIsRefusedInEveryPhase() {
    session.submit("r-1", key("body"));
    var refused = new Receipt.KeyReused("r-1");
    assertEquals(refused, session.submit("r-2", key("other")));
    session.crash(true);
    assertEquals(refused, session.submit("r-3", key("other")));
    hear("r-1", 2, Kind.ATTACHED, Kind.COMPLETED);
    assertEquals(refused, session.submit("r-4", key("other")));
    assertEquals(1, session.state().accepted());
  }

  @Test
  @Tag("IL-22")
  void aKeyOfAParkedRunJoinsItAndStartsNothing() {
    session.submit("r-1", key("body"));
    session.crash(false);
    assertEquals(
        new Receipt.Accepted("r-1", KEY, RunStatus.PARKED, 0, true), session.submit("r-2", key("body")));
    assertEquals(1, attempts("r-1"));
  }

  @Test
  @Tag("INV-I10")
  void aKeyOutlivesItsRetentionWhileItsRunIsOpen() {
    session.submit("r-1", key("body"));
    session.world().clock.advance(Settings.RETENTION.plusSeconds(1));
    submit("r-2");
    assertEquals("r-1", ((Receipt.Accepted) session.submit("r-3", key("body"))).runId());
  }

  // ---- crash, drain, resume
  @Test
  @Tag("IL-23")
  void aTurnThatWasOnlyAcceptedStartsOnce() {
    submit("r-1", "r-2");
    session.crash(true);
    assertEquals(RunStatus.QUEUED, status("r-2"));
    hear("r-1", 2, Kind.ATTACHED, Kind.COMPLETED);
    hear("r-2", 1, Kind.ATTACHED, Kind.COMPLETED);
    assertEquals(1, attempts("r-2"));
    assertEquals(new AttemptSpec.Interruption.None(),
        session.world().harness.attempt("r-2", 1).orElseThrow().spec().interruption());
  }

  @Test
  @Tag("IL-24")
  @Tag("INV-M2")
  void aKillRightAfterTheStartIsASecondAttemptThatWasCutByACrash() {
    submit("r-1");
    session.crash(true);
    assertEquals(new AttemptSpec.Interruption.Cut("crash", List.of(), List.of()), told("r-1", 2));
    assertEquals(2, attempts("r-1"));
  }

  @Test
  @Tag("IL-25")
  @Tag("IL-26")
  void aRunThatWasKilledIsResumedOnceWithOrWithoutADrainAndHoweverOldItIs() {
    submit("r-1");
    hear("r-1", 1, Kind.ATTACHED);
    session.world().clock.advance(Duration.ofMinutes(59));
    session.gate(Gate.State.DRAINING);
    assertEquals(1, session.noteStop());
    session.crash(true);
    assertEquals("restart", told("r-1", 2).cause());
    session.crash(true);
    assertEquals("crash", told("r-1", 3).cause());
    hear("r-1", 3, Kind.ATTACHED, Kind.COMPLETED);
    assertEquals(1, ends("r-1"));
  }

  @Test
  @Tag("IL-30")
  void aDrainOfAnotherSessionLeavesAnInterruptedRunAsItIs() {
    interruptedTwice();
    var neighbour = session.neighbour("agent:main:other");
    session.world().<Session.Command, Receipt>ask(neighbour, replyTo ->
        new Session.Submit("y", "agent:main:other", "me", "hello", List.of(), Input.NONE, NO_KEY, Gate.State.OPEN, replyTo, "", false));
    awaitAttempt("y", 1);
    session.gate(Gate.State.DRAINING);
    for (var each : List.of(session.session(), neighbour)) {
      session.world().<Session.Command, Session.StopNoted>ask(each, to -> new Session.NoteStop("restart", to));
      session.world().<Session.Command, Session.Rested>ask(each, to -> new Session.Rest(Duration.ZERO, to));
    }
    assertEquals(RunStatus.INTERRUPTED, status("r-1"));
    assertEquals("crash", session.state().open().get("r-1").attempt().cut().cause());
    session.crash(true);
    session.world().jump(Duration.ofSeconds(31));
    assertEquals("crash", told("r-1", 3).cause());
  }

  @Test
  @Tag("IL-31")
  void aResumedRunThatEndsDuringADrainHasOneEndAndTwoAttempts() {
    submit("r-1");
    session.crash(true);
    hear("r-1", 2, Kind.ATTACHED);
    session.gate(Gate.State.DRAINING);
    assertEquals(1, session.noteStop());
    hear("r-1", 2, Kind.COMPLETED);
    assertEquals(RunStatus.COMPLETED, status("r-1"));
    assertEquals(1, ends("r-1"));
    assertEquals(2, attempts("r-1"));
  }

  @Test
  @Tag("IL-34")
  @Tag("INV-M5")
  void aRunThatDiesInEachResumeIsParkedAfterThreeAndTheSessionGoesOn() {
    submit("r-1", "r-2");
    for (int attempt = 1; attempt <= 4; attempt++) {
      awaitAttempt("r-1", attempt);
      session.crash(true);
      session.world().jump(Duration.ofSeconds(301));
    }
    assertEquals(RunStatus.PARKED, status("r-1"));
    assertEquals(4, attempts("r-1"));
    hear("r-2", 1, Kind.ATTACHED, Kind.COMPLETED);
    assertEquals(new ControlReply.Done(RunStatus.INTERRUPTED), session.resume("r-1"));
    hear("r-1", 5, Kind.ATTACHED, Kind.COMPLETED);
    assertEquals(RunStatus.COMPLETED, status("r-1"));
  }

  @Test
  @Tag("IL-36")
  @Tag("INV-M4")
  void aStepOfUnknownOutcomeIsToldAsSuchToEveryLaterAttempt() {
    submit("r-1");
    hear("r-1", 1, Kind.ATTACHED, Kind.STEP_STARTED);
    session.crash(true);
    assertEquals(List.of("step 1 (input d)"), told("r-1", 2).uncertain());
    session.crash(true);
    session.world().jump(Duration.ofSeconds(31));
    assertEquals(List.of("step 1 (input d)"), told("r-1", 3).uncertain());
  }

  @Test
  @Tag("IL-37")
  void aMessageForAnInterruptedSessionWaitsBehindTheResumedRun() {
    interruptedTwice();
    assertEquals(new Receipt.Accepted("r-2", KEY, RunStatus.QUEUED, 1, false), session.submit("r-2", NO_KEY));
    session.world().jump(Duration.ofSeconds(31));
    hear("r-1", 3, Kind.ATTACHED, Kind.COMPLETED);
    hear("r-2", 1, Kind.ATTACHED, Kind.COMPLETED);
  }

  @Test
  @Tag("IL-50")
  void twentyQueuedMessagesAreAllRunInOrderOnceAfterACrash() {
    session.close();
    session = new ActorSubject(KEY, Settings.withQueue(20));
    var order = new ArrayList<String>();
    for (int i = 1; i <= 20; i++) {
      order.add("r-" + i);
    }
    submit(order.toArray(String[]::new));
    session.crash(true);
    for (var run : order) {
      hear(run, run.equals("r-1") ? 2 : 1, Kind.ATTACHED, Kind.COMPLETED);
    }
    assertEquals(order, session.state().ended().stream().map(SessionState.EndedRun::runId).toList());
    assertEquals(
        order,
        session.world().harness.played.stream().map(played -> played.spec().runId()).distinct().toList());
  }

  // ---- what else must not happen
  @Test
  @Tag("INV-R9")
  void aLateWordOfAnOlderAttemptIsDropped() {
    submit("r-1");
    session.crash(true);
    hear("r-1", 2, Kind.ATTACHED);
    var before = session.journal();
    session.hear("r-1", 1, Word.of(Kind.COMPLETED));
    session.submit("r-2", NO_KEY); // Answered after the late word.
    assertEquals(RunStatus.RUNNING, status("r-1"));
    assertEquals(before, session.journal().subList(0, before.size()));
  }

  @Test
  @Tag("INV-R4")
  void anAttemptWhoseActorDiesIsACrashAndTheRunGoesOn() {
    submit("r-1");
    awaitAttempt("r-1", 1);
    var classic = session.world().kit.system().classicSystem();
    classic.actorSelection(session.session().path().child("attempt-2")).tell(PoisonPill.getInstance(), null);
    assertEquals("crash", told("r-1", 2).cause());
    hear("r-1", 2, Kind.ATTACHED, Kind.COMPLETED);
    assertEquals(1, ends("r-1"));
  }

  @Test
  @Tag("IL-44")
  @Tag("INV-J2")
  void whicheverWriteOfARunFailsWhatReplaysIsTrue() {
    var script = List.<Step>of(
        new Step.Submit(1, 0), new Step.Hear(Word.of(Kind.ATTACHED)), new Step.Hear(Word.of(Kind.STEP_STARTED)),
        new Step.Hear(Word.of(Kind.STEP_FINISHED)), new Step.Hear(Word.of(Kind.COMPLETED)), new Step.Submit(1, 0));
    for (int failing = 0; failing < script.size(); failing++) {
      for (var fault : List.of(Fault.LOST, Fault.WRITTEN)) {
        var steps = new ArrayList<>(script);
        steps.set(failing, new Step.Failing(fault, script.get(failing)));
        Play.through(new ActorSubject(KEY).untrimmed(), new Coverage(), "main", steps);
      }
    }
  }
}
