package dev.portcullis.harness.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.Harness.Recovery;
import dev.portcullis.harness.Harness.Registration;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.protocol.Image;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AgentPoolTest {
  private static final Path DIRECTORY = Path.of("/workspace");

  private final ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1);
  private final List<FakeAgent> agents = new ArrayList<>();

  @AfterEach
  void close() {
    timer.shutdownNow();
  }

  /** A process that is ready at once, and gone when the test says so. */
  private static final class FakeAgent implements AgentConnection {
    private final CompletableFuture<Void> gone = new CompletableFuture<>();
    private boolean stopped;

    @Override
    public CompletionStage<Registration> ready() {
      return CompletableFuture.completedStage(new Registration("1", Recovery.NATIVE));
    }

    @Override
    public CompletionStage<HarnessFault> ended() {
      return new CompletableFuture<>();
    }

    @Override
    public boolean alive() {
      return !stopped;
    }

    @Override
    public AgentProcess process() {
      throw new IllegalStateException("there is no process");
    }

    @Override
    public CompletionStage<Opened> open(String wanted) {
      return CompletableFuture.completedStage(new Opened("s", true));
    }

    @Override
    public CompletionStage<List<HarnessUpdate>> prompt(String text, List<Image> images, Turn turn) {
      return new CompletableFuture<>();
    }

    @Override
    public void turnOver() {}

    @Override
    public void cancel() {}

    @Override
    public CompletionStage<Void> stop(Duration grace) {
      stopped = true;
      return gone;
    }
  }

  private AgentPool pool(int processes) {
    var program = new HarnessConfig.Program("fake", "fake", List.of(), Map.of(), processes,
        Duration.ofMinutes(5), Duration.ofSeconds(5));
    return new AgentPool(new AgentPool.Parts(program, (_, _) -> {
      agents.add(new FakeAgent());
      return agents.getLast();
    }, timer), DIRECTORY, _ -> { });
  }

  private static CompletableFuture<AgentConnection> acquire(AgentPool pool, String conversation) {
    return pool.acquire(conversation, DIRECTORY, "", () -> true).toCompletableFuture();
  }

  private long stopped() {
    return agents.stream().filter(agent -> agent.stopped).count();
  }

  @Test
  void whoNeedsRoomEndsOneIdleProcessHoweverOftenThePoolLooks() {
    var pool = pool(2);
    pool.release(acquire(pool, "a").join());
    pool.release(acquire(pool, "b").join());
    var third = acquire(pool, "c");
    pool.release(agents.getLast()); // Is in nobody's use, so all it does is look.
    assertFalse(third.isDone());
    assertEquals(1, stopped());
    agents.getFirst().gone.complete(null);
    assertEquals(agents.get(2), third.join());
  }

  @Test
  void asManyIdleProcessesEndAsConversationsWait() {
    var pool = pool(3);
    List.of("a", "b", "c").forEach(name -> acquire(pool, name));
    agents.subList(0, 2).forEach(pool::release);
    assertEquals(List.of(false, false),
        List.of(acquire(pool, "d"), acquire(pool, "e")).stream().map(CompletableFuture::isDone).toList());
    assertEquals(2, stopped());
  }

  @Test
  void aPoolOfOneGivesItsStandbyUpForAnotherWorkspace() {
    var pool = pool(1);
    pool.prove();
    var place = pool.acquire("a", Path.of("/elsewhere"), "", () -> true).toCompletableFuture();
    assertTrue(agents.getFirst().stopped);
    agents.getFirst().gone.complete(null);
    assertEquals(agents.get(1), place.join());
  }
}
