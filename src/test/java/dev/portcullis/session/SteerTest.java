package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.RunView;
import dev.portcullis.protocol.Usage;
import dev.portcullis.session.Word.Kind;
import java.util.List;
import java.util.Set;
import org.apache.pekko.actor.testkit.typed.javadsl.LogCapturingExtension;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Turns that come while one is active: {@code chatty} offers them to the running turn. */
@ExtendWith(LogCapturingExtension.class)
class SteerTest {
  private final Scene scene = Scene.of("chatty");

  @AfterEach
  void close() {
    scene.close();
  }

  private void running(String run) {
    scene.submit(run);
    scene.hear(run, 1, Kind.ATTACHED);
  }

  private void awaitOffers(String run, String... messages) {
    scene.await(() -> scene.attempt(run, 1).offers().keySet().equals(Set.of(messages)), "offers " + List.of(messages));
  }

  private void answer(String run, String message, boolean taken) {
    awaitOffers(run, message);
    scene.attempt(run, 1).offers().get(message).complete(taken);
  }

  @Test
  void aTurnThatTheHarnessTakesEndsAndNamesTheRunThatAnswersIt() {
    running("r-1");
    scene.submit("r-2");
    answer("r-1", "message of r-2", true);
    scene.awaitStatus("r-2", RunStatus.COMPLETED);
    assertEquals(new RunView.Outcome.Steered("r-1"), scene.view("r-2").outcome());
    assertEquals("steered", scene.view("r-2").stopReason());
    assertEquals(List.of(new RunEvent.Completed("steered", Usage.NONE, "r-1")), scene.shown("r-2"));
    scene.hear("r-1", 1, Kind.TEXT, Kind.COMPLETED);
    assertEquals(0, scene.session.state().open().size());
    assertEquals(1, scene.session.world().harness.played.size());
  }

  @Test
  void aTurnThatTheHarnessRefusesRunsOnItsOwnWhenItsTimeHasCome() {
    running("r-1");
    scene.submit("r-2");
    answer("r-1", "message of r-2", false);
    scene.hear("r-1", 1, Kind.TEXT, Kind.COMPLETED);
    assertEquals("message of r-2", scene.attempt("r-2", 1).spec().message());
  }

  @Test
  void aTurnWhoseOfferIsNotAnsweredBeforeTheEndRunsOnItsOwn() {
    running("r-1");
    scene.submit("r-2");
    awaitOffers("r-1", "message of r-2");
    scene.hear("r-1", 1, Kind.TEXT, Kind.COMPLETED);
    scene.attempt("r-2", 1);
    scene.attempt("r-1", 1).offers().get("message of r-2").complete(true);
    scene.hear("r-2", 1, Kind.ATTACHED, Kind.COMPLETED);
    assertEquals("end_turn", scene.view("r-2").stopReason());
  }

  @Test
  void aTurnThatCameBeforeTheHarnessWasThereIsOfferedOnceItIs() {
    scene.submit("r-1", "r-2");
    assertEquals(Set.of(), scene.attempt("r-1", 1).offers().keySet());
    scene.hear("r-1", 1, Kind.ATTACHED);
    awaitOffers("r-1", "message of r-2");
  }

  @Test
  @Tag("INV-R3")
  void onlyTheTurnThatWaitsFirstIsOffered() {
    running("r-1");
    scene.submit("r-2", "r-3");
    answer("r-1", "message of r-2", true);
    awaitOffers("r-1", "message of r-2", "message of r-3");
    scene.attempt("r-1", 1).offers().get("message of r-3").complete(false);
    scene.submit("r-4");
    scene.hear("r-1", 1, Kind.TEXT, Kind.COMPLETED);
    assertEquals(Set.of("message of r-2", "message of r-3"), scene.attempt("r-1", 1).offers().keySet());
    scene.attempt("r-3", 1);
  }

  @Test
  void whatWentIntoARunIsToldToItsNextAttempt() {
    running("r-1");
    scene.submit("r-2");
    answer("r-1", "message of r-2", true);
    scene.awaitStatus("r-2", RunStatus.COMPLETED);
    scene.session.crash(true);
    var second = scene.attempt("r-1", 2).spec();
    assertEquals("message of r-1\n\nmessage of r-2", second.message());
    assertEquals(List.of(), second.transcript());
  }

  @Test
  void theTranscriptHasTheTurnBeforeTheAnswerThatItWentInto() {
    running("r-1");
    scene.submit("r-2");
    answer("r-1", "message of r-2", true);
    scene.awaitStatus("r-2", RunStatus.COMPLETED);
    scene.hear("r-1", 1, Kind.TEXT, Kind.COMPLETED);
    scene.submit("r-3");
    assertEquals(
        List.of("message of r-1", "message of r-2", "text 1 "),
        scene.attempt("r-3", 1).spec().transcript().stream().map(Message::text).toList());
  }

  @Test
  void aKillBeforeTheAnswerIsWrittenLeavesATurnOfItsOwn() {
    running("r-1");
    scene.submit("r-2");
    awaitOffers("r-1", "message of r-2");
    scene.session.crash(true);
    assertEquals("message of r-1", scene.attempt("r-1", 2).spec().message());
    scene.hear("r-1", 2, Kind.ATTACHED);
    scene.await(() -> scene.attempt("r-1", 2).offers().containsKey("message of r-2"), "it is offered again");
  }

  @Test
  @Tag("INV-R7")
  void aTurnThatWasAbortedMeanwhileStaysAborted() {
    running("r-1");
    scene.submit("r-2");
    awaitOffers("r-1", "message of r-2");
    assertEquals(new ControlReply.Done(RunStatus.ABORTED), scene.session.abort("r-2"));
    answer("r-1", "message of r-2", true);
    scene.hear("r-1", 1, Kind.TEXT, Kind.COMPLETED);
    assertEquals(RunStatus.ABORTED, scene.view("r-2").status());
  }

  @Test
  void aTurnIsNotGivenToAnAttemptThatIsAboutToBeStopped() {
    running("r-1");
    scene.session.noteStop();
    scene.submit("r-2");
    scene.hear("r-1", 1, Kind.TEXT, Kind.COMPLETED);
    assertEquals(Set.of(), scene.attempt("r-1", 1).offers().keySet());
  }

  @Test
  void aTurnThatBringsMessagesOfItsOwnIsNotOffered() {
    running("r-1");
    scene.session.world().<Session.Command, Receipt>ask(scene.session.session(), replyTo -> new Session.Submit(
        "r-2", "agent:chatty:main", "me", "hello", List.of(new Message("user", "before")), Input.NONE, List.of(),
        Gate.State.OPEN, replyTo, "", false));
    scene.hear("r-1", 1, Kind.TEXT, Kind.COMPLETED);
    assertEquals(Set.of(), scene.attempt("r-1", 1).offers().keySet());
    assertEquals("hello", scene.attempt("r-2", 1).spec().message());
  }

  @Test
  void anotherAgentsTurnsWaitUnoffered() {
    try (var main = Scene.of("main")) {
      main.submit("r-1");
      main.hear("r-1", 1, Kind.ATTACHED);
      main.submit("r-2");
      main.hear("r-1", 1, Kind.TEXT, Kind.COMPLETED);
      assertTrue(main.attempt("r-1", 1).offers().isEmpty());
      main.attempt("r-2", 1);
    }
  }
}
