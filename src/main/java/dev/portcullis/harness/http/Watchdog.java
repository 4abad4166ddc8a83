package dev.portcullis.harness.http;

import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Cuts off a server that is silent for too long while we listen, and whatever takes too long in all. It looks
 * once per silence instead of arming a timer at each piece: a server may send thousands in a second.
 */
final class Watchdog implements AutoCloseable {
  private final ScheduledExecutorService timer;
  private final Duration silence;
  private final Duration deadline;
  private final Runnable cut;
  private final long begunAt = System.nanoTime();
  private boolean listening;
  private long listeningSince;
  private Future<?> next = CompletableFuture.completedFuture(null);
  private boolean closed;
  private Optional<HarnessFault> fault = Optional.empty();

  private Watchdog(ScheduledExecutorService timer, Duration silence, Duration deadline, Runnable cut) {
    this.timer = timer;
    this.silence = silence;
    this.deadline = deadline;
    this.cut = cut;
  }

  /** @param cut called once at most, on the timer's thread */
  static Watchdog start(ScheduledExecutorService timer, Duration silence, Duration deadline, Runnable cut) {
    var watchdog = new Watchdog(timer, silence, deadline, cut);
    watchdog.again(Math.min(silence.toNanos(), deadline.toNanos()));
    return watchdog;
  }

  /** From here on the server has the word. */
  synchronized void listen() {
    listening = true;
    listeningSince = System.nanoTime();
  }

  /** It said something. */
  synchronized void heard() {
    listening = false;
  }

  /** Why it was cut off, if it was. */
  synchronized Optional<HarnessFault> fault() {
    return fault;
  }

  @Override
  public synchronized void close() {
    closed = true;
    next.cancel(false);
  }

  private synchronized void again(long nanos) {
    next = timer.schedule(this::look, nanos, TimeUnit.NANOSECONDS);
  }

  private void look() {
    if (expired()) {
      cut.run();
    }
  }

  private synchronized boolean expired() {
    long now = System.nanoTime();
    long left = deadline.toNanos() - (now - begunAt);
    long patience = listening ? silence.toNanos() - (now - listeningSince) : silence.toNanos();
    if (closed) {
      return false;
    }
    if (left <= 0) {
      fault = Optional.of(HarnessFault.of(
          Code.TIMEOUT, "the model server was not done within " + words(deadline)));
    } else if (patience <= 0) {
      fault = Optional.of(HarnessFault.of(Code.TIMEOUT, "the model server was silent for " + words(silence)));
    } else {
      again(Math.min(left, patience));
    }
    return fault.isPresent();
  }

  private static String words(Duration time) {
    return time.toMillis() % 1_000 == 0 ? time.toSeconds() + " s" : time.toMillis() + " ms";
  }

  /** {@code in}, with the time of each read under watch. */
  InputStream over(InputStream in) {
    return new FilterInputStream(in) {
      @Override
      public int read(byte[] bytes, int from, int length) throws IOException {
        listen();
        try {
          return super.read(bytes, from, length);
        } finally {
          heard();
        }
      }
    };
  }
}
