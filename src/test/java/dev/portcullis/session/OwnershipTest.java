package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.MemoryDisk.Fault;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.session.Word.Kind;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.pekko.actor.testkit.typed.javadsl.LogCapturingExtension;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.Terminated;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A session that must give way to itself on another node. */
@ExtendWith(LogCapturingExtension.class)
class OwnershipTest {
  private static final String RUN = "r-1";

  private final ActorSubject session = new ActorSubject("agent:main:main");
  private final AtomicBoolean gone = new AtomicBoolean();

  @BeforeEach
  void startARun() {
    session.world().kit.spawn(watcher());
    assertInstanceOf(Receipt.Accepted.class, session.submit(RUN, List.of()));
    assertTrue(session.world().await(() -> session.world().harness.attempt(RUN, 1).isPresent()));
    session.hear(RUN, 1, Word.of(Kind.ATTACHED));
  }

  private Behavior<Void> watcher() {
    return Behaviors.setup(context -> {
      context.watch(session.session());
      return Behaviors.receive(Void.class)
          .onSignal(Terminated.class, _ -> {
            gone.set(true);
            return Behaviors.stopped();
          })
          .build();
    });
  }

  @AfterEach
  void close() {
    session.close();
  }

  private boolean attemptIsStopped() {
    return session.world().harness.attempt(RUN, 1).orElseThrow().asked().contains("stop");
  }

  @Test
  @Tag("INV-C1")
  @Tag("INV-C5")
  void aSessionWhoseHistoryAnotherProcessHasClaimedEndsItsAttemptAndStaysDown() {
    var before = session.journal();
    session.failNextWrite(Fault.CLAIMED);
    session.world().harness.attempt(RUN, 1).orElseThrow().updates().accept(Word.of(Kind.STEP_STARTED).update(RUN, 1));
    assertTrue(session.world().await(gone::get), "it started again and took the history back");
    assertTrue(attemptIsStopped());
    assertEquals(before, session.journal());
    assertFalse(session.world().fenced.isDone(), "one lost history is no fault of the journal");
  }

  @Test
  @Tag("M6")
  void aSessionThatIsToldToLeaveNotesItBringsItsAttemptToRestAndGoes() {
    session.gate(Gate.State.DRAINING);
    session.session().tell(new Session.Leave());
    assertTrue(session.world().await(gone::get));
    assertTrue(attemptIsStopped());
    var run = session.state().open().get(RUN);
    assertEquals(RunStatus.INTERRUPTED, run.status());
    assertEquals("handover", run.attempt().cut().cause());
    assertTrue(run.attempt().cut().planned(), "a move is no crash of the run");
  }

  @Test
  void aSessionWithNothingUnderWayLeavesAtOnce() {
    session.hear(RUN, 1, Word.of(Kind.COMPLETED));
    var before = session.journal();
    session.session().tell(new Session.Leave());
    assertTrue(session.world().await(gone::get));
    assertEquals(before, session.journal());
  }

  private Receipt submitThrough(Gate.State asked) {
    return session.world().ask(session.session(), replyTo -> new Session.Submit(
        "r-2", "agent:main:main", "me", "hello", List.of(), Input.NONE, List.of(), asked, replyTo, "", false));
  }

  @Test
  void aTurnThatAnotherNodeTakesWaitsHereForTheNextOwnerWhileThisNodeStops() {
    session.gate(Gate.State.DRAINING);
    assertInstanceOf(Receipt.Accepted.class, submitThrough(Gate.State.OPEN));
    session.hear(RUN, 1, Word.of(Kind.COMPLETED));
    assertEquals(RunStatus.QUEUED, session.state().statusOf("r-2").orElseThrow());
  }

  @Test
  @Tag("INV-D1")
  void aNodeThatStopsTakesNoTurnForASessionOfAnotherEither() {
    assertEquals(new Receipt.Closed(Gate.State.DRAINING), submitThrough(Gate.State.DRAINING));
  }

  @Test
  @Tag("INV-J3")
  void aNodeThatIsFencedTakesNothingForAnybody() {
    session.gate(Gate.State.FENCED);
    assertEquals(new Receipt.Closed(Gate.State.FENCED), submitThrough(Gate.State.OPEN));
  }
}
