package dev.portcullis.harness.agent;

import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.UpdateSink;
import dev.portcullis.harness.process.Program;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A harness whose turns run in processes of a program. The process that proves it stays on standby for the
 * next conversation; its death, or the disappearance of the program, is the loss of what was proven.
 */
public final class AgentHarness implements Harness {
  /** Starts one process. */
  @FunctionalInterface
  public interface Opener {
    /** @param session the agent's own id of the session it will be asked for, empty for a new one */
    AgentConnection open(Path directory, String session);
  }

  private static final Duration LOOK = Duration.ofSeconds(1);

  private final HarnessConfig.Program program;
  private final String path;
  private final ScheduledExecutorService timer;
  private final AgentPool pool;
  private final List<Consumer<HarnessFault>> listeners = new CopyOnWriteArrayList<>();
  private final AtomicBoolean proven = new AtomicBoolean();

  /**
   * @param path directories in which the program is looked up
   * @param directory where the process that proves the harness works: the workspace of an agent, best; exists
   * @param opener given a timer that lives as long as the harness
   */
  public static AgentHarness create(HarnessConfig.Program program, String path, Path directory,
      Function<ScheduledExecutorService, Opener> opener) {
    var timer = new ScheduledThreadPoolExecutor(
        1, Thread.ofPlatform().daemon().name("agent-" + program.name()).factory());
    timer.setRemoveOnCancelPolicy(true);
    timer.setRejectedExecutionHandler((_, _) -> { }); // Closed: what was to happen later no longer matters.
    var harness = new AgentHarness(program, path, directory, opener.apply(timer), timer);
    timer.scheduleWithFixedDelay(harness::look, LOOK.toMillis(), LOOK.toMillis(), TimeUnit.MILLISECONDS);
    return harness;
  }

  private AgentHarness(HarnessConfig.Program program, String path, Path directory, Opener opener,
      ScheduledExecutorService timer) {
    this.program = program;
    this.path = path;
    this.timer = timer;
    this.pool = new AgentPool(new AgentPool.Parts(program, opener, timer), directory, this::lost);
  }

  @Override
  public CompletionStage<Registration> probe() {
    try {
      Program.find(program.command(), path);
    } catch (HarnessFault fault) {
      return CompletableFuture.failedStage(fault);
    }
    return pool.prove().thenApply(registration -> {
      proven.set(true);
      return registration;
    });
  }

  @Override
  public void onLost(Consumer<HarnessFault> lost) {
    listeners.add(lost);
  }

  private void lost(HarnessFault fault) {
    if (proven.compareAndSet(true, false)) {
      listeners.forEach(listener -> listener.accept(fault));
    }
  }

  private void look() {
    try {
      Program.find(program.command(), path);
    } catch (HarnessFault fault) {
      lost(fault);
    }
  }

  @Override
  public Attempt start(AttemptSpec spec, UpdateSink updates) {
    var attempt = new AgentAttempt(new AgentAttempt.Parts(program.name(), pool, timer), spec, updates);
    attempt.begin();
    return attempt;
  }

  @Override
  public CompletionStage<Void> close(Duration grace) {
    return pool.close(grace).whenComplete((_, _) -> timer.shutdownNow());
  }
}
