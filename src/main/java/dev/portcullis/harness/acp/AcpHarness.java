package dev.portcullis.harness.acp;

import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.UpdateSink;
import dev.portcullis.harness.process.ProcessLauncher;
import dev.portcullis.harness.process.Program;
import java.nio.file.Path;
import java.time.Clock;
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

/**
 * Any agent that speaks the Agent Client Protocol. The process that proves it stays on standby for the next
 * conversation; its death, or the disappearance of the program, is the loss of what was proven.
 */
public final class AcpHarness implements Harness {
  private static final Duration LOOK = Duration.ofSeconds(1);

  private final HarnessConfig.Acp config;
  private final ProcessLauncher launcher;
  private final ScheduledExecutorService timer;
  private final AcpPool pool;
  private final AcpSessionAges ages;
  private final List<Consumer<HarnessFault>> listeners = new CopyOnWriteArrayList<>();
  private final AtomicBoolean proven = new AtomicBoolean();

  /**
   * @param directory where the process that proves the harness works: the workspace of an agent, best; exists
   */
  public static AcpHarness create(
      HarnessConfig.Acp config, ProcessLauncher launcher, Path directory, Clock clock) {
    var timer = new ScheduledThreadPoolExecutor(
        1, Thread.ofPlatform().daemon().name("acp-" + config.name()).factory());
    timer.setRemoveOnCancelPolicy(true);
    timer.setRejectedExecutionHandler((_, _) -> { }); // Closed: what was to happen later no longer matters.
    var harness = new AcpHarness(config, launcher, directory, clock, timer);
    timer.scheduleWithFixedDelay(harness::look, LOOK.toMillis(), LOOK.toMillis(), TimeUnit.MILLISECONDS);
    return harness;
  }

  private AcpHarness(HarnessConfig.Acp config, ProcessLauncher launcher, Path directory, Clock clock,
      ScheduledExecutorService timer) {
    this.config = config;
    this.launcher = launcher;
    this.timer = timer;
    this.pool = new AcpPool(new AcpConnection.Parts(config, launcher, timer), directory, this::lost);
    this.ages = new AcpSessionAges(clock);
  }

  @Override
  public CompletionStage<Registration> probe() {
    try {
      Program.find(config.program().command(), launcher.path());
    } catch (HarnessFault fault) {
      return CompletableFuture.failedStage(fault);
    }
    return pool.prove().thenApply(agent -> {
      proven.set(true);
      return new Registration(agent.version(), agent.recovery());
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
      Program.find(config.program().command(), launcher.path());
    } catch (HarnessFault fault) {
      lost(fault);
    }
  }

  @Override
  public Attempt start(AttemptSpec spec, UpdateSink updates) {
    var attempt = new AcpAttempt(new AcpAttempt.Parts(pool, ages, timer), spec, updates);
    attempt.begin();
    return attempt;
  }

  @Override
  public CompletionStage<Void> close(Duration grace) {
    return pool.close(grace).whenComplete((_, _) -> timer.shutdownNow());
  }
}
