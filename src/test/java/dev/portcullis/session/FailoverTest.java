package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.Harnesses;
import dev.portcullis.protocol.Image;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.Need;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.session.Word.Kind;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.apache.pekko.actor.testkit.typed.javadsl.LogCapturingExtension;
import org.apache.pekko.actor.testkit.typed.javadsl.LoggingTestKit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The agent {@code chatty} is on {@code echo} and may fall back to {@code spare}. */
@ExtendWith(LogCapturingExtension.class)
class FailoverTest {
  private final Scene scene = Scene.of("chatty");

  @AfterEach
  void close() {
    scene.close();
  }

  private void fail(String run, int attempt, HarnessFault.Code code) {
    scene.attempt(run, attempt).updates().accept(
        new HarnessUpdate.Failed(HarnessFault.of(code, "The model has no capacity.")));
  }

  @Test
  void theNextHarnessTakesATurnThatItsOwnFails() {
    LoggingTestKit.info("run.failover runId=r-1 from=echo to=spare code=overloaded")
        .expect(scene.session.world().kit.system(), () -> {
          scene.submit("r-1");
          fail("r-1", 1, HarnessFault.Code.OVERLOADED);
          return scene.attempt("r-1", 2);
        });
    assertEquals("spare", scene.attempt("r-1", 2).harness());
    assertEquals(new AttemptSpec.Interruption.None(), scene.attempt("r-1", 2).spec().interruption());
    scene.hear("r-1", 2, Kind.ATTACHED, Kind.TEXT, Kind.COMPLETED);
    assertEquals(
        List.of(
            new RunEvent.Started(1, "echo"),
            new RunEvent.Interrupted(1, "failover", "overloaded", List.of()),
            new RunEvent.Resumed(2, "spare", "failover")),
        scene.shown("r-1").subList(0, 3));
    assertEquals("spare", scene.view("r-1").harness());
    assertEquals(RunStatus.COMPLETED, scene.view("r-1").status());
  }

  @Test
  void aTurnGoesToTheFirstOfTheAgentsHarnessesThatCanTakeIt() {
    var able = new Abilities() {
      @Override
      public boolean resumes(String harness) {
        return true;
      }

      @Override
      public boolean takes(String harness, Set<Need> needs) {
        return needs.isEmpty() || harness.equals("spare");
      }
    };
    var image = Input.of(List.of(new Image("image/png", 8, "iVBORw0KGgo=")));
    var looking = new SessionEvent.TurnAccepted("r-1", "agent:chatty:main", "chatty", "me", "look", List.of(),
        List.of(), Facts.AT, Facts.AT, image, "");
    var fallbacks = new Fallbacks(Settings.CONFIG.agents(), able);
    assertEquals("spare", fallbacks.harness(OpenRun.of(looking, 1)));
    assertEquals("echo", fallbacks.harness(OpenRun.of(new SessionEvent.TurnAccepted("r-1", "agent:chatty:main", "chatty",
        "me", "hi", List.of(), List.of(), Facts.AT, Facts.AT), 1)));
  }

  @Test
  void whatTheFailedHarnessSaidIsReplacedByTheAnswer() {
    scene.submit("r-1");
    scene.hear("r-1", 1, Kind.ATTACHED, Kind.TEXT, Kind.TEXT, Kind.FAILED);
    scene.hear("r-1", 2, Kind.ATTACHED, Kind.TEXT, Kind.COMPLETED);
    assertEquals("text 1 ", scene.view("r-1").text());
  }

  @Test
  void afterAStepNobodyTakesOver() {
    scene.submit("r-1");
    scene.hear("r-1", 1, Kind.ATTACHED, Kind.STEP_STARTED, Kind.STEP_FINISHED, Kind.FAILED);
    assertEquals(RunStatus.FAILED, scene.view("r-1").status());
    assertEquals(1, scene.view("r-1").attempts());
  }

  @Test
  void aFailureThatEveryHarnessWouldHaveIsTheEnd() {
    scene.submit("r-1");
    scene.hear("r-1", 1, Kind.ATTACHED, Kind.DECLINED);
    assertEquals("content_refused", scene.view("r-1").error().orElseThrow().code());
    assertEquals(1, scene.view("r-1").attempts());
  }

  @Test
  void whenTheLastHarnessFailsTheRunSaysWhatWasTried() {
    scene.submit("r-1");
    fail("r-1", 1, HarnessFault.Code.OVERLOADED);
    fail("r-1", 2, HarnessFault.Code.RATE_LIMITED);
    scene.awaitStatus("r-1", RunStatus.FAILED);
    var error = scene.view("r-1").error().orElseThrow();
    assertEquals("rate_limited", error.code());
    assertEquals("spare: The model has no capacity; tried before: echo (overloaded)", error.message());
  }

  @Test
  void anAbortIsNotTakenOver() {
    scene.submit("r-1");
    scene.hear("r-1", 1, Kind.ATTACHED);
    scene.session.abort("r-1");
    scene.hear("r-1", 1, Kind.FAILED);
    assertEquals(RunStatus.ABORTED, scene.view("r-1").status());
    assertEquals(1, scene.view("r-1").attempts());
  }

  @Test
  @Tag("INV-M3")
  void aSilentHarnessIsStoppedBeforeTheNextBegins() {
    scene.submit("r-1");
    scene.hear("r-1", 1, Kind.ATTACHED);
    scene.session.world().jump(Settings.SILENCE);
    assertEquals("spare", scene.attempt("r-1", 2).harness());
    assertTrue(scene.attempt("r-1", 1).asked().contains("stop"));
    assertEquals("harness_timeout", scene.open("r-1").attempt().cut().tried().getFirst().code());
  }

  @Test
  void aHarnessThatIsGoneIsNotWaitedFor() {
    var world = scene.session.world();
    var echo = world.registry.snapshot().get("echo");
    world.registry.put(new Harnesses.Entry("echo", "echo",
        new Harnesses.State.Unavailable("its program is gone", HarnessFault.Code.NOT_FOUND), echo.actor()));
    LoggingTestKit.error("[gateway] CRITICAL: declared harness \"echo\" missing from registry on dispatch")
        .expect(world.kit.system(), () -> {
          scene.submit("r-1");
          return scene.attempt("r-1", 2);
        });
    assertEquals("spare", scene.attempt("r-1", 2).harness());
    assertEquals("harness_unavailable", scene.open("r-1").attempt().cut().tried().getFirst().code());
    assertEquals(List.of(), world.alerts.raised);
  }

  @Test
  @Tag("INV-M2")
  void aCrashDuringTheSecondHarnessIsResumedThereAndCountsOnce() {
    scene.submit("r-1");
    scene.hear("r-1", 1, Kind.ATTACHED, Kind.FAILED);
    scene.hear("r-1", 2, Kind.ATTACHED, Kind.TEXT);
    scene.session.crash(true);
    var third = scene.attempt("r-1", 3);
    assertEquals("spare", third.harness());
    assertEquals(new AttemptSpec.Interruption.Cut("crash", List.of(), List.of()), third.spec().interruption());
    assertEquals("native-1", third.spec().nativeSession());
    assertEquals(1, scene.open("r-1").attempt().resumes());
  }

  @Test
  void theNextTurnBeginsOnTheAgentsOwnHarnessWithWhatTheOtherSaid() {
    scene.submit("r-1");
    scene.hear("r-1", 1, Kind.ATTACHED, Kind.COMPLETED);
    scene.submit("r-2");
    assertEquals("native-1", scene.attempt("r-2", 1).spec().nativeSession());
    scene.hear("r-2", 1, Kind.ATTACHED, Kind.FAILED);
    assertEquals("", scene.attempt("r-2", 2).spec().nativeSession());
    scene.hear("r-2", 2, Kind.ATTACHED, Kind.TEXT, Kind.COMPLETED);
    scene.submit("r-3");
    var third = scene.attempt("r-3", 1);
    assertEquals("echo", third.harness());
    assertEquals("", third.spec().nativeSession(), "its own session has missed an answer");
    assertEquals(
        List.of("message of r-1", "message of r-2", "text 1 "),
        third.spec().transcript().stream().map(Message::text).toList());
  }

  @Test
  @Tag("INV-D2")
  void aHarnessThatFailsDuringADrainIsReplacedAfterIt() {
    scene.submit("r-1");
    scene.hear("r-1", 1, Kind.ATTACHED);
    scene.session.gate(Gate.State.DRAINING);
    assertEquals(1, scene.session.noteStop());
    scene.hear("r-1", 1, Kind.FAILED);
    scene.awaitStatus("r-1", RunStatus.INTERRUPTED);
    scene.session.crash(true);
    assertEquals("spare", scene.attempt("r-1", 2).harness());
    scene.session.world().jump(Duration.ofSeconds(1));
    assertEquals(0, scene.open("r-1").attempt().resumes());
  }
}
