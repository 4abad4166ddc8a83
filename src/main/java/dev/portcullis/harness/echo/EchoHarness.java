package dev.portcullis.harness.echo;

import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.UpdateSink;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Answers {@code echo: <message>} word by word and obeys one {@link EchoDirective} in the message, so that
 * every behaviour of the gateway can be tried without a model. A step that an earlier try finished is not
 * repeated, and neither is one of unknown outcome.
 */
public final class EchoHarness implements Harness {
  /** Runs a task later; the result calls it off. */
  interface Timer {
    Runnable after(Duration delay, Runnable task);
  }

  private final Timer timer;
  private final Runnable atClose;
  private final Set<EchoAttempt> live = ConcurrentHashMap.newKeySet();

  /** An echo with one daemon thread of its own. */
  public static EchoHarness create() {
    var executor = new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().daemon().name("echo").factory());
    executor.setRemoveOnCancelPolicy(true);
    return new EchoHarness((delay, task) -> {
      var future = executor.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
      return () -> future.cancel(false);
    }, executor::shutdownNow);
  }

  EchoHarness(Timer timer, Runnable atClose) {
    this.timer = timer;
    this.atClose = atClose;
  }

  @Override
  public CompletionStage<Registration> probe() {
    return CompletableFuture.completedStage(new Registration("", Recovery.REPLAY, true));
  }

  @Override
  public void onLost(Consumer<HarnessFault> lost) {
    // What needs nothing can't be lost.
  }

  @Override
  public Attempt start(AttemptSpec spec, UpdateSink updates) {
    var attempt = new EchoAttempt(spec, timer, updates, live::remove);
    live.add(attempt);
    attempt.begin();
    return attempt;
  }

  @Override
  public CompletionStage<Void> close(Duration grace) {
    live.forEach(attempt -> attempt.stop(grace));
    atClose.run();
    return CompletableFuture.completedStage(null);
  }
}
