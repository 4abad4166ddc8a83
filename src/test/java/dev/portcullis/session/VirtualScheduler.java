package dev.portcullis.session;

import com.typesafe.config.Config;
import java.time.Duration;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.AbstractScheduler;
import org.apache.pekko.actor.Cancellable;
import org.apache.pekko.event.LoggingAdapter;
import scala.concurrent.ExecutionContext;
import scala.concurrent.duration.FiniteDuration;

/**
 * Timers that fire when a test says so. What Pekko's ManualTime does, without its pause of a tenth of a second on each
 * step, which thousands of steps cannot afford: whoever uses this waits for conditions instead.
 */
public final class VirtualScheduler extends AbstractScheduler {
  private final class Timer implements Cancellable {
    final long number = made++;
    final Runnable task;
    final ExecutionContext executor;
    final long everyNanos;
    long at;
    boolean cancelled;

    Timer(Runnable task, ExecutionContext executor, long at, long everyNanos) {
      this.task = task;
      this.executor = executor;
      this.at = at;
      this.everyNanos = everyNanos;
    }

    @Override
    public boolean cancel() {
      synchronized (VirtualScheduler.this) {
        boolean first = !cancelled;
        cancelled = true;
        timers.remove(this);
        return first;
      }
    }

    @Override
    public boolean isCancelled() {
      synchronized (VirtualScheduler.this) {
        return cancelled;
      }
    }
  }

  private final PriorityQueue<Timer> timers =
      new PriorityQueue<>(Comparator.<Timer>comparingLong(timer -> timer.at).thenComparing(timer -> timer.number));
  private long now;
  private long made;

  /** Made by Pekko, which asks for these three. */
  public VirtualScheduler(Config config, LoggingAdapter log, ThreadFactory threads) {}

  /** Fires what is due within {@code time}, in order. What is armed meanwhile counts from the end of it. */
  public void advance(Duration time) {
    long until;
    synchronized (this) {
      now += time.toNanos();
      until = now;
    }
    for (var timer = next(until); timer != null; timer = next(until)) {
      timer.executor.execute(timer.task);
    }
  }

  private synchronized Timer next(long until) {
    var timer = timers.peek();
    if (timer == null || timer.at > until) {
      return null;
    }
    timers.poll();
    if (timer.everyNanos > 0) {
      timer.at += timer.everyNanos;
      timers.add(timer);
    } else {
      timer.cancelled = true;
    }
    return timer;
  }

  private synchronized Timer add(Runnable task, ExecutionContext executor, long delay, long every) {
    var timer = new Timer(task, executor, now + delay, every);
    timers.add(timer);
    return timer;
  }

  @Override
  @SuppressWarnings("deprecation") // The base class leaves no other to implement.
  public Cancellable schedule(
      FiniteDuration initialDelay, FiniteDuration interval, Runnable task, ExecutionContext executor) {
    return add(task, executor, initialDelay.toNanos(), interval.toNanos());
  }

  @Override
  public Cancellable scheduleOnce(FiniteDuration delay, Runnable task, ExecutionContext executor) {
    return add(task, executor, delay.toNanos(), 0);
  }

  @Override
  public double maxFrequency() {
    return 1.0 / TimeUnit.MILLISECONDS.toSeconds(1_000);
  }
}
