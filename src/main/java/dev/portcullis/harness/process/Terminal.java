package dev.portcullis.harness.process;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One command that we run for an agent, with nothing to read and the last of what it prints. It carries a
 * marker of its own, so that it can be ended alone, with all it started. Its pipe is read by a platform
 * thread, for the reason that {@link HarnessProcess} gives.
 */
public final class Terminal {
  private static final int CHUNK = 8 * 1024;
  /** What the command left behind may hold the pipe open for ever. */
  private static final Duration LAST_WORDS = Duration.ofMillis(500);
  private static final Logger log = LoggerFactory.getLogger(Terminal.class);

  private final Process process;
  private final Tail output;
  private final HardStop hardStop;
  private final CompletableFuture<Void> heard = new CompletableFuture<>();
  private final CompletableFuture<Integer> exited;
  private final AtomicReference<CompletableFuture<Void>> killed = new AtomicReference<>();

  Terminal(Process process, Marker marker, int outputBytes) {
    this.process = process;
    this.output = new Tail(outputBytes);
    this.hardStop = new HardStop(ProcessTable.identity(process.pid()), marker);
    this.exited = process.onExit().thenCompose(_ -> heard.copy()
        .completeOnTimeout(null, LAST_WORDS.toMillis(), TimeUnit.MILLISECONDS)
        .thenApply(_ -> process.exitValue()));
  }

  void begin() {
    Thread.ofPlatform().daemon().name("terminal-" + process.pid()).start(this::readOutput);
  }

  private void readOutput() {
    var chunk = new byte[CHUNK];
    try (var out = process.getInputStream()) {
      for (int length = out.read(chunk); length >= 0; length = out.read(chunk)) {
        output.add(chunk, length);
      }
    } catch (IOException e) {
      log.debug("harness.terminal_broken pid={}", process.pid()); // It was killed; what it said is kept.
    }
    heard.complete(null);
  }

  /** The last of what it printed, on standard output and standard error alike. */
  public String output() {
    return output.text();
  }

  /** Whether it printed more than is kept. */
  public boolean truncated() {
    return output.truncated();
  }

  /**
   * Completes with the exit code, once what it printed until then can be read; above 128 after a signal.
   */
  public CompletionStage<Integer> exited() {
    return exited.copy();
  }

  /** Ends it and all it started; completes when nothing is left. Repeatable. */
  public CompletionStage<Void> kill() {
    var mine = new CompletableFuture<Void>();
    if (!killed.compareAndSet(null, mine)) {
      return killed.get();
    }
    Thread.ofPlatform().daemon().name("kill-" + process.pid()).start(() -> {
      try {
        hardStop.run();
        mine.complete(null);
      } catch (InterruptedException | RuntimeException e) {
        mine.completeExceptionally(e);
      }
    });
    return mine;
  }
}
