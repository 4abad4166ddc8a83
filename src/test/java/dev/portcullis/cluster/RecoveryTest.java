package dev.portcullis.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import dev.portcullis.session.Session;
import dev.portcullis.session.SessionKey;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class RecoveryTest {
  private static final ActorTestKit kit = ActorTestKit.create(
      ConfigFactory.parseResources("system.conf").withFallback(ConfigFactory.load()));
  private static final SessionKey A = new SessionKey("agent:main:a");
  private static final SessionKey B = new SessionKey("agent:main:b");
  private static final Session.Recovered FOUND = new Session.Recovered(1, 0, 1);

  private final ConcurrentLinkedQueue<List<SessionKey>> woken = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<SessionKey> unreadable = new ConcurrentLinkedQueue<>();
  private final TestProbe<Recovery.Decided> asker = kit.createTestProbe();

  @AfterAll
  static void close() {
    kit.shutdownTestKit();
  }

  private interface Wake {
    CompletionStage<Session.Recovered> apply(List<SessionKey> open, Consumer<SessionKey> silent);
  }

  private ActorRef<Recovery.Command> spawn(List<SessionKey> open, Wake wake) {
    return kit.spawn(Recovery.create(new Recovery.Parts(
        (keys, silent) -> {
          woken.add(keys);
          return wake.apply(keys, silent);
        },
        () -> open, _ -> {}, unreadable::add, Runnable::run)));
  }

  @Test
  void whoAsksIsAnsweredOnceEveryOpenSessionIsDecidedAbout() {
    var deciding = new CompletableFuture<Session.Recovered>();
    var recovery = spawn(List.of(A, B), (_, _) -> deciding);
    recovery.tell(new Recovery.AwaitDecided(asker.ref()));
    asker.expectNoMessage();
    deciding.complete(FOUND);
    asker.expectMessage(new Recovery.Decided(FOUND));
    recovery.tell(new Recovery.AwaitDecided(asker.ref()));
    asker.expectMessage(new Recovery.Decided(FOUND));
    assertEquals(List.of(List.of(A, B)), List.copyOf(woken));
    kit.stop(recovery);
  }

  @Test
  void aSessionThatStaysSilentIsToldOfAndHoldsNobodyUp() {
    var recovery = spawn(List.of(A, B), (_, silent) -> {
      silent.accept(B);
      return CompletableFuture.completedFuture(FOUND);
    });
    recovery.tell(new Recovery.AwaitDecided(asker.ref()));
    asker.receiveMessage(Duration.ofSeconds(20));
    assertEquals(List.of(B), List.copyOf(unreadable));
    assertEquals(3, woken.size());
    kit.stop(recovery);
  }

  @Test
  void anIndexThatCannotBeReadNowIsReadAgain() {
    var tries = new AtomicInteger();
    var recovery = spawn(List.of(A), (_, _) -> tries.incrementAndGet() == 1
        ? CompletableFuture.failedFuture(new IllegalStateException("not now"))
        : CompletableFuture.completedFuture(FOUND));
    recovery.tell(new Recovery.AwaitDecided(asker.ref()));
    asker.receiveMessage(Duration.ofSeconds(20));
    assertTrue(tries.get() > 1);
    kit.stop(recovery);
  }

  @Test
  void whatIsAskedOfAnotherNodeCrossesTheNetwork() {
    for (var message : List.of(new Recovery.AwaitDecided(asker.ref()), new Recovery.Decided(FOUND))) {
      assertEquals(message, kit.serializationTestKit().verifySerialization(message, true));
    }
  }
}
