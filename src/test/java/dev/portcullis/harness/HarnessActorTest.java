package dev.portcullis.harness;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.alert.Alerts;
import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.Harness.Registration;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.Harnesses.State;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.LoggingTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.ManualTime;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class HarnessActorTest {
  private static final ActorTestKit kit = ActorTestKit.create(ManualTime.config());
  private static final ManualTime time = ManualTime.get(kit.system());

  private final List<String> alerts = new CopyOnWriteArrayList<>();
  private final Harnesses registry = new Harnesses();
  private final ScriptedHarness harness = new ScriptedHarness();
  private final TestProbe<String> changes = kit.createTestProbe();

  @AfterAll
  static void close() {
    kit.shutdownTestKit();
  }

  private ActorRef<HarnessActor.Command> spawn() {
    registry.subscribe(() -> changes.ref().tell(shown()));
    return kit.spawn(HarnessActor.create(
        new HarnessConfig.Echo("claude"), harness, registry, recorder(), Clock.systemUTC()));
  }

  private Alerts recorder() {
    return new Alerts() {
      @Override
      public String raise(String topic, String text) {
        alerts.add("raise " + topic);
        return "ref-1";
      }

      @Override
      public void resolve(String topic, String text) {
        alerts.add("resolve " + topic);
      }
    };
  }

  private String shown() {
    return switch (registry.snapshot().get("claude").state()) {
      case State.Registering(var cause) -> "registering " + cause;
      case State.Ready(var registration) -> "ready " + registration.version();
      case State.Unavailable(var cause, var code) -> "unavailable " + code + " " + cause;
    };
  }

  private static AttemptSpec spec(int attempt) {
    return new AttemptSpec("conversation", "run", attempt, Path.of("/"), "hello", List.of(), "",
        new AttemptSpec.Interruption.None());
  }

  private static HarnessActor.Dispatched dispatch(ActorRef<HarnessActor.Command> actor, int attempt) {
    TestProbe<HarnessActor.Dispatched> asker = kit.createTestProbe();
    actor.tell(new HarnessActor.Dispatch(spec(attempt), _ -> { }, asker.ref()));
    return asker.receiveMessage();
  }

  @Test
  void isInTheRegistryFromTheFirstMomentAndReadyOnlyAfterAProbe() {
    var answer = new CompletableFuture<Registration>();
    harness.then(answer);
    LoggingTestKit.info("harness.registered name=claude version=1.0 recovery=NATIVE")
        .expect(kit.system(), () -> {
      spawn();
      changes.expectMessage("registering ");
      assertEquals(List.of("claude"), registry.missing());
      answer.complete(ScriptedHarness.REGISTRATION);
      return changes.expectMessage("ready 1.0");
    });
    assertEquals(List.of("claude"), registry.ready());
  }

  @Test
  @Tag("INV-B5")
  void dispatchBeforeReadyIsAnsweredAtOnceWithTheCause() {
    harness.thenHangs();
    var actor = spawn();
    assertInstanceOf(HarnessActor.Unavailable.class, dispatch(actor, 1));
    assertTrue(harness.played.isEmpty());
  }

  @Test
  void whoAwaitsReadinessIsToldWhenItComes() {
    var answer = new CompletableFuture<Registration>();
    harness.then(answer);
    TestProbe<HarnessActor.Ready> asker = kit.createTestProbe();
    var actor = spawn();
    actor.tell(new HarnessActor.AwaitReady(asker.ref()));
    asker.expectNoMessage();
    answer.complete(ScriptedHarness.REGISTRATION);
    asker.expectMessage(new HarnessActor.Ready("claude"));
    actor.tell(new HarnessActor.AwaitReady(asker.ref()));
    asker.expectMessage(new HarnessActor.Ready("claude"));
  }

  @Test
  void aBootThatIsNotInTimeIsProbedAgainWithLongerAndLongerPauses() {
    harness.thenFails(Code.TIMEOUT).thenFails(Code.TIMEOUT);
    spawn();
    changes.expectMessage("registering ");
    changes.expectMessage("registering scripted TIMEOUT");
    time.timePasses(Duration.ofMillis(250));
    changes.expectMessage("registering scripted TIMEOUT");
    time.timePasses(Duration.ofMillis(499));
    assertEquals(2, harness.probed.get());
    time.timePasses(Duration.ofMillis(1));
    changes.expectMessage("ready 1.0");
    assertTrue(alerts.stream().noneMatch(alert -> alert.startsWith("raise")));
  }

  @Test
  void aStructuralFaultAtBootIsVisibleAtOnce() {
    harness.thenFails(Code.NOT_FOUND);
    spawn();
    changes.expectMessage("registering ");
    changes.expectMessage("unavailable NOT_FOUND scripted NOT_FOUND");
    time.timePasses(Duration.ofMillis(250));
    changes.expectMessage("ready 1.0"); // It goes on probing: somebody may have installed the program.
  }

  @Test
  @Tag("IL-3")
  void aLossThatAProbeRefutesIsNeverSeenByADispatch() {
    var second = new CompletableFuture<Registration>();
    harness.thenReady().then(second);
    var actor = spawn();
    changes.expectMessage("registering ");
    changes.expectMessage("ready 1.0");
    harness.lose();
    assertInstanceOf(HarnessActor.Started.class, dispatch(actor, 1));
    second.complete(ScriptedHarness.REGISTRATION);
    changes.expectMessage("ready 1.0");
  }

  @Test
  @Tag("IL-4")
  void threeFailedProbesAfterALossMakeItUnavailableAndTellTheOperatorWithinFiveSeconds() {
    harness.thenReady().thenFails(Code.LOST).thenFails(Code.LOST).thenFails(Code.LOST).thenHangs();
    var actor = spawn();
    changes.expectMessage("registering ");
    changes.expectMessage("ready 1.0");
    harness.lose();
    changes.expectMessage("registering scripted LOST");
    time.timePasses(Duration.ofMillis(250));
    changes.expectMessage("registering scripted LOST");
    LoggingTestKit.error("harness.unavailable name=claude cause=scripted LOST").expect(kit.system(), () -> {
      time.timePasses(Duration.ofMillis(500));
      return changes.expectMessage("unavailable LOST scripted LOST");
    });
    assertTrue(alerts.contains("raise harness.claude"));
    assertEquals(new HarnessActor.Unavailable("scripted LOST"), dispatch(actor, 1));
  }

  @Test
  void aProbeThatHangsAfterALossEndsReadinessInTwoSecondsAndAlertsWithinFive() {
    harness.thenReady().thenHangs();
    spawn();
    changes.expectMessage("registering ");
    changes.expectMessage("ready 1.0");
    LoggingTestKit.warn("harness.lost name=claude").expect(kit.system(), () -> {
      harness.lose();
      return null;
    });
    time.timePasses(HarnessActor.DOUBT);
    changes.expectMessage("registering scripted loss");
    time.timePasses(HarnessActor.LOSS_DEADLINE.minus(HarnessActor.DOUBT));
    changes.expectMessage("unavailable LOST scripted loss");
    assertTrue(alerts.contains("raise harness.claude"));
  }

  @Test
  void aProbeThatSucceedsAgainResolvesTheAlert() {
    harness.thenReady().thenFails(Code.NOT_FOUND);
    spawn();
    changes.expectMessage("registering ");
    changes.expectMessage("ready 1.0");
    harness.lose();
    changes.expectMessage("unavailable NOT_FOUND scripted NOT_FOUND");
    alerts.clear();
    time.timePasses(Duration.ofMillis(250));
    changes.expectMessage("ready 1.0");
    changes.awaitAssert(() -> {
      assertEquals(List.of("resolve harness.claude"), alerts);
      return null;
    });
  }

  @Test
  @Tag("INV-M3")
  void aSecondAttemptOfAConversationStartsOnlyAfterTheFirstHasStopped() {
    var actor = spawn();
    changes.expectMessage("registering ");
    changes.expectMessage("ready 1.0");
    assertInstanceOf(HarnessActor.Started.class, dispatch(actor, 1));
    TestProbe<HarnessActor.Dispatched> asker = kit.createTestProbe();
    actor.tell(new HarnessActor.Dispatch(spec(2), _ -> { }, asker.ref()));
    asker.expectNoMessage();
    assertEquals(List.of("stop"), harness.played.getFirst().asked);
    assertEquals(1, harness.played.size());
    // The stop has not completed.
    harness.played.getFirst().updates.accept(new HarnessUpdate.Completed("end_turn"));
    asker.expectNoMessage();
    harness.played.getFirst().stopped.complete(null);
    assertInstanceOf(HarnessActor.Started.class, asker.receiveMessage());
    assertEquals(2, harness.played.size());
  }

  @Test
  void anAttemptThatEndedLeavesItsConversationFree() {
    var actor = spawn();
    changes.expectMessage("registering ");
    changes.expectMessage("ready 1.0");
    dispatch(actor, 1);
    harness.played.getFirst().updates.accept(new HarnessUpdate.Completed("end_turn"));
    assertInstanceOf(HarnessActor.Started.class, dispatch(actor, 2));
    assertTrue(harness.played.getFirst().asked.isEmpty());
  }

  @Test
  void stoppingRefusesDispatchesAndAnswersWhenTheHarnessIsClosed() {
    var actor = spawn();
    changes.expectMessage("registering ");
    changes.expectMessage("ready 1.0");
    TestProbe<HarnessActor.Stopped> asker = kit.createTestProbe();
    actor.tell(new HarnessActor.Stop(Duration.ofSeconds(1), asker.ref()));
    changes.expectMessage("unavailable LOST the gateway is stopping");
    assertEquals(new HarnessActor.Unavailable("the gateway is stopping"), dispatch(actor, 1));
    harness.closed.complete(null);
    asker.expectMessage(new HarnessActor.Stopped("claude"));
    asker.expectTerminated(actor);
  }

  @Test
  @Tag("INV-B4")
  void whatIsDeclaredIsMissingFromTheFirstMomentAndADeclarationChangesNothingLater() {
    harness.thenHangs();
    var behavior = HarnessActor.create(
        new HarnessConfig.Echo("claude"), harness, registry, recorder(), Clock.systemUTC());
    var actor = kit.spawn(behavior);
    registry.declare("claude", "echo", actor);
    assertEquals(List.of("claude"), registry.missing());
    registry.put(new Harnesses.Entry("other", "echo", new State.Ready(ScriptedHarness.REGISTRATION), actor));
    registry.declare("other", "echo", actor);
    assertEquals(List.of("other"), registry.ready());
  }

  @Test
  void aSubscriberHearsOfChangesUntilItEndsTheSubscription() {
    var heard = new AtomicInteger();
    var subscription = registry.subscribe(heard::incrementAndGet);
    var entry = new Harnesses.Entry("x", "echo", new State.Registering(""), kit.system().ignoreRef());
    registry.put(entry);
    subscription.close();
    registry.put(entry);
    assertEquals(1, heard.get());
  }

  @Test
  @Tag("INV-M3")
  void aConversationThatMovesToAnotherHarnessStartsThereWhenNothingIsLeftOfItHere() {
    var spare = new ScriptedHarness();
    var first = spawn();
    var second = kit.spawn(HarnessActor.create(
        new HarnessConfig.Echo("spare"), spare, registry, recorder(), Clock.systemUTC()));
    Eventually.isTrue("both are ready", () -> registry.ready().size() == 2);
    dispatch(first, 1);
    TestProbe<HarnessActor.Dispatched> asker = kit.createTestProbe();
    second.tell(new HarnessActor.Dispatch(spec(2), _ -> { }, asker.ref()));
    Eventually.isTrue("the first is stopped", () -> harness.played.getFirst().asked.contains("stop"));
    asker.expectNoMessage(Duration.ofMillis(100));
    assertTrue(spare.played.isEmpty());
    harness.played.getFirst().stopped.complete(null);
    assertInstanceOf(HarnessActor.Started.class, asker.receiveMessage());
    assertEquals(1, spare.played.size());
  }
}
