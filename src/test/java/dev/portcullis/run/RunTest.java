package dev.portcullis.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.alert.Alerts;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.HarnessActor;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.Harnesses;
import dev.portcullis.protocol.Image;
import dev.portcullis.protocol.Input;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
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
  private final CompletableFuture<Boolean> steered = new CompletableFuture<>();

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
    public CompletionStage<Boolean> steer(String message) {
      asked.ref().tell("steer " + message);
      return steered;
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
    return spawn(spec, false);
  }

  private ActorRef<Run.Command> spawn(CompletionStage<AttemptSpec> spec, boolean replaceable) {
    registry.put(new Harnesses.Entry("echo", "echo", new Harnesses.State.Registering(""), harness.ref()));
    var assignment = new Run.Assignment("agent:main:main", "r-1", 7, "echo", replaceable, () -> spec);
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
  void aHarnessThatTurnsOutToTakeLessThanTheTurnBringsIsNotAskedForIt() {
    var input = Input.of(List.of(new Image("image/png", 8, "iVBORw0KGgo=")));
    var run = spawn(new CompletableFuture<AttemptSpec>());
    registry.put(new Harnesses.Entry("echo", "echo",
        new Harnesses.State.Ready(new Harness.Registration("1", Harness.Recovery.REPLAY)), harness.ref()));
    run.tell(new Run.SpecLoaded(new AttemptSpec("conversation", "r-1", 1, Path.of("/"), "look", List.of(), "",
        new AttemptSpec.Interruption.None(), input)));
    var failed = assertInstanceOf(Run.Failed.class, owner.receiveMessage().news().getLast());
    assertEquals("input_not_supported", failed.code());
    harness.expectNoMessage(Duration.ZERO);
  }

  @Test
  void aQuickAnswerIsOneReportThatNamesItsAttempt() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    var dispatch = dispatched();
    assertEquals(SPEC, dispatch.spec());
    dispatch.updates().acceptAll(List.of(ATTACHED, new HarnessUpdate.Text("hi"), END));
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
  @Tag("INV-M3")
  void silenceIsReportedWhenNothingOfTheSilentAttemptIsLeft() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    var dispatch = live(run);
    dispatch.updates().accept(ATTACHED);
    dispatch.updates().accept(new HarnessUpdate.StepStarted("s-1", "ls", "execute", ""));
    owner.receiveMessage();
    run.tell(new Run.Persisted());
    time.timePasses(LIMITS.idleDeadline());
    asked.expectMessage("stop");
    owner.expectNoMessage();
    stopped.complete(null);
    assertTrue(owner.receiveMessage().news().getFirst() instanceof Run.Failed(var code, _, _)
        && code.equals("harness_timeout"));
  }

  @Test
  void aHarnessThatIsNotThereIsNotWaitedForWhenAnotherTakesOver() {
    LoggingTestKit.error("[gateway] CRITICAL: declared harness \"echo\" missing from registry on dispatch "
        + "session=agent:main:main run=r-1").expect(kit.system(), () -> {
      spawn(CompletableFuture.completedStage(SPEC), true);
      dispatched().replyTo().tell(new HarnessActor.Unavailable("gone"));
      return null;
    });
    assertEquals(
        List.of(new Run.Failed("harness_unavailable", "The harness is not available: gone", "")),
        owner.receiveMessage().news());
    harness.expectNoMessage();
  }

  @Test
  void aTurnThatTheHarnessTakesIsReportedBeforeTheEndThatFollows() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    var dispatch = live(run);
    run.tell(new Run.Steer("r-2", "and this"));
    asked.expectMessage("steer and this");
    steered.complete(true);
    dispatch.updates().accept(END);
    var reported = new ArrayList<>(owner.receiveMessage().news());
    run.tell(new Run.Persisted());
    if (reported.size() == 1) { // One report or two: that is a matter of time.
      reported.addAll(owner.receiveMessage().news());
    }
    assertEquals(List.of(new Run.Steered("r-2"), new Run.Happened(END)), reported);
  }

  @Test
  void aTurnThatTheHarnessHasTakenIsReportedWhenItsAttemptIsStopped() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    live(run);
    run.tell(new Run.Steer("r-2", "and this"));
    asked.expectMessage("steer and this");
    run.tell(new Run.Stop(Duration.ofSeconds(1)));
    asked.expectMessage("stop");
    steered.complete(true);
    assertEquals(List.of(new Run.Steered("r-2")), owner.receiveMessage().news());
    run.tell(new Run.Persisted());
    stopped.complete(null);
    assertEquals(List.of(new Run.Rested()), owner.receiveMessage().news());
  }

  @Test
  void aTurnThatTheHarnessRefusesOrFailsToTakeIsNotReported() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    live(run);
    LoggingTestKit.info("run.steer runId=r-1 turn=r-2 taken=false").expect(kit.system(), () -> {
      run.tell(new Run.Steer("r-2", "and this"));
      asked.expectMessage("steer and this");
      steered.completeExceptionally(new IllegalStateException("the connection broke"));
      return null;
    });
    owner.expectNoMessage();
  }

  @Test
  @Tag("INV-R9")
  void whatComesAfterTheEndIsCounted() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    var dispatch = live(run);
    dispatch.updates().accept(END);
    owner.receiveMessage();
    dispatch.updates().accept(new HarnessUpdate.Text("late"));
    dispatch.updates().accept(END);
    LoggingTestKit.info("run.late_output runId=r-1 fence=7 dropped=2").expect(kit.system(), () -> {
      run.tell(new Run.Discard());
      return null;
    });
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
    asked.expectMessage("stop");
    owner.expectNoMessage(); // The next attempt may be on another harness: it begins when this one is gone.
    stopped.complete(null);
    var failed = (Run.Failed) owner.receiveMessage().news().getFirst();
    assertEquals("output_limit", failed.code());
    assertTrue(failed.message().contains("100000 characters"), failed.message());
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
  @Tag("SEC-44")
  void tooMuchFromAnAttemptThatIsNotHereYetEndsItAllTheSame() {
    spawn(CompletableFuture.completedStage(SPEC));
    var dispatch = dispatched();
    dispatch.updates().accept(new HarnessUpdate.Text("x".repeat(LIMITS.outputChars() + 1)));
    dispatch.updates().accept(END);
    dispatch.replyTo().tell(new HarnessActor.Started(attempt));
    asked.expectMessage("stop");
    assertEquals("output_limit", ((Run.Failed) owner.receiveMessage().news().getFirst()).code());
  }

  @Test
  @Tag("SEC-44")
  void whoReadsNothingButCountsOfTokensNeverWaitsForRoom() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    var dispatch = live(run);
    for (int i = 0; i < 10_000; i++) {
      dispatch.updates().accept(new HarnessUpdate.Usage(i, i, 0, 0));
    }
    assertTimeoutPreemptively(Duration.ofSeconds(20), dispatch.updates()::awaitRoom);
  }

  @Test
  void anAnswerThatComesBeforeTheAttemptIsToldToItOnceItIsThere() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    var dispatch = dispatched();
    dispatch.updates().accept(new HarnessUpdate.ApprovalRequested("a-1", "execute", "rm", "rm x", "d"));
    owner.receiveMessage();
    run.tell(new Run.Decide("a-1", "d", true));
    dispatch.replyTo().tell(new HarnessActor.Started(attempt));
    asked.expectMessage("decide a-1 true");
  }

  @Test
  @Tag("INV-M3")
  void silenceIsMeasuredWhenTheAgentHasSpokenBeforeItsAttemptWasThere() {
    var run = spawn(CompletableFuture.completedStage(SPEC));
    var dispatch = dispatched();
    dispatch.updates().accept(ATTACHED);
    dispatch.updates().accept(new HarnessUpdate.StepStarted("s-1", "ls", "execute", ""));
    owner.receiveMessage();
    dispatch.replyTo().tell(new HarnessActor.Started(attempt));
    run.tell(new Run.Decide("a-1", "d", true)); // Its answer shows that the attempt is there.
    asked.expectMessage("decide a-1 true");
    time.timePasses(LIMITS.idleDeadline());
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
    stopped.complete(null);
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
