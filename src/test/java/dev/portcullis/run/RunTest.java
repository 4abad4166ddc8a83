package dev.portcullis.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.alert.Alerts;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.HarnessActor;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.Harnesses;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.LogCapturingExtension;
import org.apache.pekko.actor.testkit.typed.javadsl.LoggingTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.ManualTime;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LogCapturingExtension.class)
class RunTest {
  private static final ActorTestKit kit = ActorTestKit.create(ManualTime.config());
  private static final ManualTime time = ManualTime.get(kit.system());
  private static final GatewayConfig.Run LIMITS = new GatewayConfig.Run(
      Duration.ofHours(1), Duration.ofMinutes(10), Duration.ofMinutes(2), 3, List.of(Duration.ZERO),
      Duration.ofMillis(200), Duration.ofSeconds(10), 100_000);
  private static final AttemptSpec SPEC = new AttemptSpec(
      "conversation", "r-1", 1, Path.of("/"), "hello", List.of(), "", new AttemptSpec.Interruption.None());
  private static final HarnessUpdate ATTACHED = new HarnessUpdate.Attached("n-1", List.of());
  private static final HarnessUpdate END = new HarnessUpdate.Completed("end_turn");

  private final TestProbe<Run.Report> owner = kit.createTestProbe();
  private final TestProbe<HarnessActor.Command> harness = kit.createTestProbe();
  private final TestProbe<String> asked = kit.createTestProbe();
  private final Harnesses registry = new Harnesses();
  private final CompletableFuture<Void> stopped = new CompletableFuture<>();

  @AfterAll
  static void close() {
    kit.shutdownTestKit();
  }

  private final Harness.Attempt attempt = new Harness.Attempt() {
    @Override
    public void abort(Duration grace) {
      asked.ref().tell("abort " + grace.toSeconds());
    }

    @Override
    public void decide(String approvalId, String digest, boolean allow) {
      asked.ref().tell("decide " + approvalId + " " + allow);
    }

    @Override
    public CompletionStage<Void> stop(Duration grace) {
      asked.ref().tell("stop");
      return stopped;
    }
  };

  private static Alerts alerts() {
    return new Alerts() {
      @Override
      public String raise(String topic, String text) {
        return "ref-7";
      }

      @Override
      public void resolve(String topic, String text) {}
    };
  }

  private ActorRef<Run.Command> spawn(CompletionStage<AttemptSpec> spec) {
    registry.put(new Harnesses.Entry("echo", "echo", new Harnesses.State.Registering(""), harness.ref()));
    var assignment = new Run.Assignment("agent:main:main", "r-1", 7, "echo", () -> spec);
    return kit.spawn(Run.create(new Run.Parts(LIMITS, registry, alerts()), assignment, owner.ref()));
  }

  private HarnessActor.Dispatch dispatched() {
    return harness.expectMessageClass(HarnessActor.Dispatch.class);
  }

  /** A run whose attempt is under way. */
  private HarnessActor.Dispatch live(ActorRef<Run.Command> run) {
    var dispatch = dispatched();
    dispatch.replyTo().tell(new HarnessActor.Started(attempt));
    dispatch.updates().accept(new HarnessUpdate.StepStarted("s", "ls", "tool", "")); // Urgent: proves that it is live.
    owner.receiveMessage();
    run.tell(new Run.Persisted());
    return dispatch;
  }

  private static List<Run.News> news(HarnessUpdate... updates) {
    return java.util.stream.Stream.of(updates).<Run.News>map(Run.Happened::new).toList();
  }

  @Test
  void aQuickAnswerIsOneReportThatNamesItsAttempt() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    var dispatch = dispatched();
    assertEquals(SPEC, dispatch.spec());
    dispatch.updates().accept(ATTACHED);
    dispatch.updates().accept(new HarnessUpdate.Text("hi"));
    dispatch.updates().accept(END);
    assertEquals(
        new Run.Report("r-1", 7, news(ATTACHED, new HarnessUpdate.Text("hi"), END), run), owner.receiveMessage());
  }

  @Test
  @Tag("INV-R2")
  void afterTheEndNothingIsReported() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    var dispatch = live(run);
    dispatch.updates().accept(END);
    assertEquals(news(END), owner.receiveMessage().news());
    run.tell(new Run.Persisted());
    dispatch.updates().accept(new HarnessUpdate.Text("late"));
    dispatch.updates().accept(new HarnessUpdate.Aborted());
    time.expectNoMessageFor(Duration.ofMinutes(30), owner);
  }

  @Test
  void aConversationThatCannotBeReadFailsTheRun() {
    spawn(CompletableFuture.failedStage(new IllegalStateException("hole")));
    assertTrue(owner.receiveMessage().news().getFirst() instanceof Run.Failed(var code, _, _)
        && code.equals("internal_error"));
  }

  @Test
  @Tag("INV-B6")
  void aHarnessThatIsNotThereIsWaitedForAndThenTheRunFailsWithTheOperatorsReference() {
    LoggingTestKit.error("[gateway] CRITICAL: declared harness \"echo\" missing from registry on dispatch "
        + "session=agent:main:main run=r-1").expect(kit.system(), () -> {
      spawn(CompletableFuture.completedStage(SPEC));
      dispatched().replyTo().tell(new HarnessActor.Unavailable("gone"));
      return harness.expectMessageClass(HarnessActor.AwaitReady.class);
    });
    time.timePasses(LIMITS.harnessWait());
    assertTrue(owner.receiveMessage().news().getFirst() instanceof Run.Failed(var code, var text, var reference)
        && code.equals("harness_unavailable") && text.contains("ref-7") && reference.equals("ref-7"));
  }

  @Test
  void aHarnessThatComesBackInTimeGetsTheAttempt() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    dispatched().replyTo().tell(new HarnessActor.Unavailable("gone"));
    harness.expectMessageClass(HarnessActor.AwaitReady.class).replyTo().tell(new HarnessActor.Ready("echo"));
    live(run);
    time.expectNoMessageFor(LIMITS.harnessWait(), owner);
  }

  @Test
  void silenceEndsTheAttemptAndStopsTheHarness() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    var dispatch = live(run);
    dispatch.updates().accept(ATTACHED);
    dispatch.updates().accept(new HarnessUpdate.StepStarted("s-1", "ls", "execute", ""));
    owner.receiveMessage();
    run.tell(new Run.Persisted());
    time.timePasses(LIMITS.idleDeadline());
    assertTrue(owner.receiveMessage().news().getFirst() instanceof Run.Failed(var code, _, _)
        && code.equals("harness_timeout"));
    asked.expectMessage("stop");
  }

  @Test
  @Tag("SEC-44")
  void anAgentThatSaysMoreThanIsStoredIsStoppedAndItsRunSaysWhy() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    var dispatch = live(run);
    var most = "x".repeat(LIMITS.outputChars() - 1_000);
    dispatch.updates().accept(new HarnessUpdate.Text(most));
    time.timePasses(LIMITS.textInterval());
    assertEquals(news(new HarnessUpdate.Text(most)), owner.receiveMessage().news());
    run.tell(new Run.Persisted());
    dispatch.updates().accept(new HarnessUpdate.Text("x".repeat(1_000)));
    var failed = (Run.Failed) owner.receiveMessage().news().getFirst();
    assertEquals("output_limit", failed.code());
    assertTrue(failed.message().contains("100000 characters"), failed.message());
    asked.expectMessage("stop");
  }

  @Test
  @Tag("SEC-44")
  void stepsWithoutEndAreTooMuchAsWell() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    var dispatch = live(run);
    for (int i = 0; i < LIMITS.outputChars() / 100; i++) {
      dispatch.updates().accept(new HarnessUpdate.StepStarted("s" + i, "", "", ""));
    }
    asked.expectMessage("stop");
  }

  @Test
  void waitingForAnAgentIsNotItsSilence() {
    live(spawn(CompletableFuture.completedStage(SPEC)));
    time.expectNoMessageFor(LIMITS.idleDeadline().multipliedBy(2), owner);
  }

  @Test
  void whileAPersonIsAskedSilenceIsNotMeasured() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    var dispatch = live(run);
    dispatch.updates().accept(ATTACHED);
    dispatch.updates().accept(new HarnessUpdate.ApprovalRequested("a-1", "execute", "rm", "rm x", "d"));
    dispatch.updates().accept(new HarnessUpdate.ApprovalRequested("a-1", "execute", "rm", "rm x", "d"));
    owner.receiveMessage();
    run.tell(new Run.Persisted());
    owner.receiveMessage();
    run.tell(new Run.Persisted());
    time.expectNoMessageFor(LIMITS.idleDeadline().multipliedBy(2), owner);
    run.tell(new Run.Decide("a-1", "d", true));
    asked.expectMessage("decide a-1 true");
    time.timePasses(LIMITS.idleDeadline());
    assertTrue(owner.receiveMessage().news().getFirst() instanceof Run.Failed);
  }

  @Test
  @Tag("INV-R10")
  void aHarnessThatTalksOnAfterAnAbortIsStoppedAllTheSame() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    var dispatch = live(run);
    run.tell(new Run.Abort());
    asked.expectMessage("abort 10");
    for (int i = 0; i < 3; i++) {
      time.timePasses(Duration.ofSeconds(4));
      dispatch.updates().accept(new HarnessUpdate.StepFinished("s", true));
      owner.receiveMessage();
      run.tell(new Run.Persisted());
      run.tell(new Run.Abort()); // As the session does after each report.
    }
    time.timePasses(Duration.ofSeconds(3));
    asked.expectMessage("stop");
    assertEquals(news(new HarnessUpdate.Aborted()), owner.receiveMessage().news());
  }

  @Test
  void anAbortBeforeTheHarnessWasAskedNeverReachesIt() {
    var spec = new CompletableFuture<AttemptSpec>();
    var run = spawn(spec);
    run.tell(new Run.Abort());
    spec.complete(SPEC);
    assertEquals(news(new HarnessUpdate.Aborted()), owner.receiveMessage().news());
    harness.expectNoMessage();
  }

  @Test
  void anAbortWhileTheHarnessStartsIsToldToItOnceItHas() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    var dispatch = dispatched();
    run.tell(new Run.Abort());
    asked.expectNoMessage();
    dispatch.replyTo().tell(new HarnessActor.Started(attempt));
    asked.expectMessage("abort 10");
  }

  @Test
  @Tag("INV-D3")
  void aStopIsReportedWhenNothingOfTheAttemptIsLeft() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    live(run);
    run.tell(new Run.Stop(Duration.ofSeconds(5)));
    asked.expectMessage("stop");
    owner.expectNoMessage();
    stopped.complete(null);
    assertEquals(List.of(new Run.Rested()), owner.receiveMessage().news());
  }

  @Test
  @Tag("INV-M3")
  void anAttemptThatIsDiscardedWhileTheHarnessStartsItIsMetAndStopped() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    var dispatch = dispatched();
    run.tell(new Run.Discard());
    asked.expectNoMessage();
    dispatch.replyTo().tell(new HarnessActor.Started(attempt));
    asked.expectMessage("stop");
    owner.expectTerminated(run);
    owner.expectNoMessage();
  }

  @Test
  @Tag("INV-R10")
  void anAttemptThatIsDiscardedOrDiesStopsItsHarness() {
    var discarded = spawn(CompletableFuture.completedStage(SPEC));
    live(discarded);
    discarded.tell(new Run.Discard());
    asked.expectMessage("stop");
    var dead = spawn(CompletableFuture.completedStage(SPEC));
    live(dead);
    kit.stop(dead);
    asked.expectMessage("stop");
  }

  @Test
  void anAttemptThatIsDiscardedBeforeItAskedIsGoneAtOnce() {
    var run = spawn(new CompletableFuture<>());
    run.tell(new Run.Discard());
    owner.expectTerminated(run);
  }
}
