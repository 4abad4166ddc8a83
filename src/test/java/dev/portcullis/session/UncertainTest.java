package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.InputDigest;
import dev.portcullis.protocol.OpenStep;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.RunView;
import dev.portcullis.session.Word.Kind;
import java.time.Instant;
import java.util.List;
import org.apache.pekko.actor.testkit.typed.javadsl.LogCapturingExtension;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Steps that began and did not end: {@code chatty} is told, {@code pushy} asks, {@code careful} parks. */
@ExtendWith(LogCapturingExtension.class)
class UncertainTest {
  private static final String DIGEST = InputDigest.of("kubectl apply");
  private static final OpenStep DEPLOY = new OpenStep("s-9", "deploy", "execute", DIGEST);
  private static final String QUESTION = "resume-r-1-1";

  /** A run in the middle of a step. */
  private static Scene deploying(String agent) {
    var scene = Scene.of(agent);
    scene.submit("r-1");
    scene.hear("r-1", 1, Kind.ATTACHED);
    scene.attempt("r-1", 1).updates().accept(new HarnessUpdate.StepStarted("s-9", "deploy", "execute", DIGEST));
    scene.await(() -> !scene.open("r-1").openSteps().isEmpty(), "the step has begun");
    return scene;
  }

  private static AttemptSpec.Interruption told(Scene scene) {
    return scene.attempt("r-1", 2).spec().interruption();
  }

  private static AttemptSpec.Interruption.Cut cut(String cause) {
    return new AttemptSpec.Interruption.Cut(
        cause, List.of(), List.of("deploy (input " + DIGEST.substring(0, 12) + ")"));
  }

  @Test
  @Tag("INV-M4")
  void anOpenStepIsRecordedWholeShownAndToldToTheNextAttempt() {
    try (var scene = deploying("chatty")) {
      scene.session.crash(true);
      assertEquals(cut("crash"), told(scene));
      assertTrue(scene.shown("r-1").contains(new RunEvent.Interrupted(1, "crash", "", List.of(DEPLOY))));
      assertEquals(
          List.of(new RunView.Step("s-9", "deploy", "execute", "uncertain", DIGEST)), scene.view("r-1").steps());
    }
  }

  @Test
  @Tag("INV-M4")
  void aStepOfTheNextAttemptWithTheSameIdLeavesTheOldOneUncertain() {
    try (var scene = deploying("chatty")) {
      scene.session.crash(true);
      scene.hear("r-1", 2, Kind.ATTACHED);
      scene.attempt("r-1", 2).updates().accept(new HarnessUpdate.StepStarted("s-9", "deploy", "execute", ""));
      scene.attempt("r-1", 2).updates().accept(new HarnessUpdate.StepFinished("s-9", true));
      scene.await(() -> scene.view("r-1").steps().stream().map(RunView.Step::state).toList()
          .equals(List.of("uncertain", "succeeded")), "one step is uncertain, one is over");
    }
  }

  @Test
  @Tag("INV-M4")
  void whereAPersonIsToBeAskedTheRunIsParkedWithAQuestionThatNamesTheSteps() {
    try (var scene = deploying("pushy")) {
      scene.session.crash(true);
      assertEquals(RunStatus.PARKED, scene.open("r-1").status());
      var input = "deploy (execute, input " + DIGEST + ")";
      var title = "deploy may or may not have happened. Go on?";
      var asked = new RunEvent.ApprovalRequested(QUESTION, "resume", title, input, "",
          InputDigest.of(String.join("\0", "resume", title, input)), Instant.parse("9999-12-31T00:00:00Z"));
      var shown = scene.shown("r-1");
      assertEquals(List.of(asked, new RunEvent.Parked("uncertain_step", "")),
          shown.subList(shown.size() - 2, shown.size()));
    }
  }

  @Test
  @Tag("N4")
  void theQuestionOutlivesAnotherCrashAndAYesResumesTheRun() {
    try (var scene = deploying("pushy")) {
      scene.session.crash(true);
      scene.session.crash(true);
      assertEquals(List.of(QUESTION), List.copyOf(scene.open("r-1").questions().keySet()));
      assertEquals(
          new DecisionReply.Taken(RunStatus.INTERRUPTED, false), scene.session.decide("r-1", QUESTION, "", true));
      assertEquals(cut("crash"), told(scene));
      assertEquals(
          new DecisionReply.NotOpen(), scene.session.decide("r-1", QUESTION, "", false), "it is answered once");
      assertTrue(scene.session.world().alerts.resolved.contains("run.parked.r-1"));
    }
  }

  @Test
  void aNoEndsTheRunAsAbortedByWhoSaidIt() {
    try (var scene = deploying("pushy")) {
      scene.session.crash(true);
      assertEquals(
          new DecisionReply.Taken(RunStatus.ABORTED, false), scene.session.decide("r-1", QUESTION, "", false));
      assertEquals(new RunEvent.Aborted("me"), scene.shown("r-1").getLast());
    }
  }

  @Test
  void whoResumesTheRunHasAnsweredItsQuestion() {
    try (var scene = deploying("pushy")) {
      scene.session.crash(true);
      assertEquals(new ControlReply.Done(RunStatus.INTERRUPTED), scene.session.resume("r-1"));
      assertEquals(cut("crash"), told(scene));
      assertTrue(scene.shown("r-1").contains(new RunEvent.ApprovalDecided(QUESTION, true, "me", "", false)));
    }
  }

  @Test
  @Tag("INV-M5")
  void aRunThatWaitsForAnAnswerIsInNobodysWay() {
    try (var scene = deploying("pushy")) {
      scene.session.crash(true);
      scene.submit("r-2");
      scene.hear("r-2", 1, Kind.ATTACHED, Kind.COMPLETED);
      assertEquals(RunStatus.PARKED, scene.open("r-1").status());
    }
  }

  @Test
  void anAnswerToAnotherQuestionIsRefused() {
    try (var scene = deploying("pushy")) {
      scene.session.crash(true);
      assertEquals(new DecisionReply.NotOpen(), scene.session.decide("r-1", "resume-r-1-7", "", true));
    }
  }

  @Test
  void aTitleOfSeveralLinesIsOneLineOfTheQuestion() {
    var step = new OpenStep("s-1", "list\nrm (execute, input not told)", "execute", "");
    assertEquals("list rm (execute, input not told)", step.words());
  }

  @Test
  @Tag("INV-M4")
  void aPlannedStopLeavesAStepUncertainToo() {
    try (var scene = deploying("pushy")) {
      scene.session.noteStop();
      scene.session.rest();
      assertTrue(scene.shown("r-1").contains(new RunEvent.Interrupted(1, "restart", "", List.of(DEPLOY))));
      assertEquals(RunStatus.PARKED, scene.open("r-1").status());
      scene.session.decide("r-1", QUESTION, "", true);
      assertEquals(cut("restart"), told(scene));
    }
  }

  @Test
  void anAgentThatParksWaitsForAnOperatorAndAsksNothing() {
    try (var scene = deploying("careful")) {
      scene.session.crash(true);
      assertEquals(new RunEvent.Parked("uncertain_step", ""), scene.shown("r-1").getLast());
      assertEquals(List.of(), List.copyOf(scene.open("r-1").questions().keySet()));
      scene.session.resume("r-1");
      assertEquals(cut("crash"), told(scene));
    }
  }
}
