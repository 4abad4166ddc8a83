package dev.portcullis.harness.process;

import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.ProcessIdentity;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One running agent with its pipes. Its standard input stays open as long as we live, so that it sees the end
 * of it when we die. No method blocks; the pipes are served by virtual threads.
 */
public final class HarnessProcess {
  /** Longest line read. Agents send whole files and images in one. */
  static final int LINE_BYTES_MAX = 16 * 1024 * 1024;
  /** Lines that may wait to be written to a process that does not read. */
  private static final int WAITING_LINES_MAX = 1_000;
  private static final int TAIL_BYTES = 8 * 1024;
  /**
   * What is left in the pipe of a dead process is read this long; a daemon of its may hold the pipe open for
   * ever.
   */
  private static final Duration LAST_WORDS = Duration.ofMillis(500);
  private static final Logger log = LoggerFactory.getLogger(HarnessProcess.class);

  private final String harness;
  private final Process process;
  private final ProcessIdentity identity;
  private final HardStop hardStop;
  private final ProcessListener listener;
  private final BlockingQueue<Input> input = new LinkedBlockingQueue<>(WAITING_LINES_MAX);
  private final Tail errors = new Tail(TAIL_BYTES);
  private final AtomicBoolean ended = new AtomicBoolean();
  private final AtomicReference<CompletableFuture<Void>> stop = new AtomicReference<>();

  private sealed interface Input {}

  private record Line(String text) implements Input {}

  private record EndOfInput() implements Input {}

  HarnessProcess(String harness, Process process, Marker marker, ProcessListener listener) {
    this.harness = harness;
    this.process = process;
    this.identity = ProcessTable.identity(process.pid());
    this.hardStop = new HardStop(identity, marker);
    this.listener = listener;
  }

  /**
   * Begins to serve the pipes; apart from the constructor, so that the listener may use the process from the
   * start.
   */
  void begin() {
    Thread.ofVirtual().name("out-" + process.pid()).start(this::readOutput);
    Thread.ofVirtual().name("err-" + process.pid()).start(this::readErrors);
    Thread.ofVirtual().name("in-" + process.pid()).start(this::writeInput);
    process.onExit().thenRunAsync(this::exited, task -> Thread.ofVirtual().start(task));
  }

  public ProcessIdentity identity() {
    return identity;
  }

  /** Whether the program runs, by the kernel's word, which comes before ours; it may be deaf all the same. */
  public boolean alive() {
    return process.isAlive() && (identity.startTime() == 0 || ProcessTable.alive(identity));
  }

  /** The last of what it wrote to standard error, for logs only: it may hold what users said. */
  public String errorTail() {
    return errors.text();
  }

  /**
   * Sends one line. A process that has ended, or does not read, is reported through the listener, not here.
   */
  public void send(String line) {
    if (!input.offer(new Line(line))) {
      end(HarnessFault.of(Code.LOST, "the process does not read its input"));
    }
  }

  /**
   * Ends the process and everything it started: end of input, SIGTERM to its group after half of {@code
   * grace}, hard stop after all of it. Completes when nothing is left. Repeatable: the first call decides.
   */
  public CompletionStage<Void> stop(Duration grace) {
    var mine = new CompletableFuture<Void>();
    if (!stop.compareAndSet(null, mine)) {
      return stop.get();
    }
    Thread.ofVirtual().name("stop-" + process.pid()).start(() -> {
      try {
        stopNow(grace);
        mine.complete(null);
      } catch (InterruptedException | RuntimeException e) {
        mine.completeExceptionally(e);
      }
    });
    return mine;
  }

  private void stopNow(Duration grace) throws InterruptedException {
    var half = grace.dividedBy(2);
    hardStop.look();
    if (grace.isPositive()) {
      if (!input.offer(new EndOfInput())) {
        input.clear();
        input.add(new EndOfInput());
      }
      if (!exits(half)) {
        hardStop.look();
        hardStop.signal(Signals.TERM);
        exits(half);
      }
    }
    hardStop.run();
    end(HarnessFault.of(Code.LOST, "the process was stopped"));
  }

  private boolean exits(Duration time) throws InterruptedException {
    return process.waitFor(time.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void readOutput() {
    try (var out = process.getInputStream()) {
      new LineReader(out, LINE_BYTES_MAX).forEach(line -> {
        if (!ended.get()) {
          listener.line(line);
        }
      });
      end(HarnessFault.of(Code.LOST, "the process closed its output"));
    } catch (IOException e) {
      end(HarnessFault.of(Code.LOST, "the output of the process can't be read"));
    } catch (HarnessFault fault) {
      end(fault);
    } finally { // A bug in a listener must not leave a turn waiting for ever.
      end(HarnessFault.of(Code.LOST, "what the process said could not be handled"));
    }
  }

  private void readErrors() {
    var chunk = new byte[TAIL_BYTES];
    var lines = new StderrLog(harness, process.pid());
    try (var err = process.getErrorStream()) {
      for (int length = err.read(chunk); length >= 0; length = err.read(chunk)) {
        errors.add(chunk, length);
        lines.add(chunk, length);
      }
    } catch (IOException e) {
      log.debug("harness.stderr_broken name={} pid={}", harness, process.pid());
    }
  }

  private void writeInput() {
    try (OutputStream in = process.getOutputStream()) {
      while (input.take() instanceof Line(var text)) {
        in.write((text + "\n").getBytes(StandardCharsets.UTF_8));
        in.flush();
      }
    } catch (IOException e) {
      log.debug("harness.stdin_broken name={} pid={}", harness, process.pid()); // Its end says the rest.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void exited() {
    try {
      Thread.sleep(LAST_WORDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    input.offer(new EndOfInput());
    end(HarnessFault.of(Code.LOST, "the process ended with exit code " + process.exitValue()));
  }

  private void end(HarnessFault fault) {
    if (ended.compareAndSet(false, true)) {
      listener.ended(fault);
    }
  }
}
