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
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One running agent with its pipes. Its standard input stays open as long as we live, so that it sees the end
 * of it when we die. No method blocks.
 *
 * <p>The pipes are served by platform threads: a virtual one that waits in a pipe holds its carrier, and the
 * JDK does not always start another in its stead. On two cores one silent agent could so stop every virtual
 * thread, the one that was to kill it among them.
 */
public final class HarnessProcess {
  /** Longest line read. Agents send whole files and images in one. */
  static final int LINE_BYTES_MAX = 16 * 1024 * 1024;
  /** Lines that may wait to be written to a process that does not read. */
  private static final int WAITING_LINES_MAX = 1_000;
  /** Characters of them, past which nothing is taken. Files that an agent asked us for may be among them. */
  private static final long WAITING_CHARS_MAX = 64L * 1024 * 1024;
  private static final int TAIL_BYTES = 8 * 1024;
  /**
   * What is left in the pipe of a dead process is awaited this long; somebody else may hold the pipe open for
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
  private final AtomicLong waitingChars = new AtomicLong();
  private final Tail errors = new Tail(TAIL_BYTES);
  private final AtomicBoolean ended = new AtomicBoolean();
  /** Counted up before and after each line that is handed over: odd while the listener has one. */
  private final AtomicLong handed = new AtomicLong();
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
    start("out", this::readOutput);
    start("err", this::readErrors);
    start("in", this::writeInput);
    process.onExit().thenRunAsync(this::exited, task -> start("exit", task));
  }

  private void start(String part, Runnable task) {
    Thread.ofPlatform().daemon().name(part + "-" + process.pid()).start(task);
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
   *
   * @param line without its end; one with a line break inside would be two, the second of its author's choice
   */
  public void send(String line) {
    if (line.indexOf('\n') >= 0) {
      throw new IllegalStateException("a line with a line break inside");
    }
    if (waitingChars.getAndAdd(line.length()) > WAITING_CHARS_MAX || !input.offer(new Line(line))) {
      end(HarnessFault.of(Code.LOST, "the process does not read its input"));
    }
  }

  /**
   * Ends the process and everything it started: end of input, SIGTERM to its group after half of {@code
   * grace}, hard stop after all of it. Completes when nothing is left. Repeatable: the first call decides.
   */
  public CompletionStage<Void> stop(Duration grace) {
    return clear(grace).thenRun(() -> end(HarnessFault.of(Code.LOST, "the process was stopped")));
  }

  private CompletionStage<Void> clear(Duration grace) {
    var mine = new CompletableFuture<Void>();
    if (!stop.compareAndSet(null, mine)) {
      return stop.get();
    }
    start("stop", () -> {
      try {
        clearNow(grace);
        mine.complete(null);
      } catch (InterruptedException | RuntimeException e) {
        mine.completeExceptionally(e);
      }
    });
    return mine;
  }

  private void clearNow(Duration grace) throws InterruptedException {
    var half = grace.dividedBy(2);
    hardStop.look();
    if (grace.isPositive()) {
      endInput();
      if (!exits(half)) {
        hardStop.look();
        hardStop.signal(Signals.TERM);
        exits(half);
      }
    }
    hardStop.run();
  }

  private void endInput() {
    if (!input.offer(new EndOfInput())) {
      input.clear();
      input.add(new EndOfInput());
    }
  }

  private boolean exits(Duration time) throws InterruptedException {
    return process.waitFor(time.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void readOutput() {
    var noise = new Noise(harness, process.pid());
    try (var out = process.getInputStream()) {
      new LineReader(out, LINE_BYTES_MAX, noise).forEach(this::hand);
      end(exits(LAST_WORDS) ? exit() : HarnessFault.of(Code.LOST, "the process closed its output"));
    } catch (IOException e) {
      end(HarnessFault.of(Code.LOST, "the output of the process can't be read"));
    } catch (HarnessFault fault) {
      end(fault);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally { // A bug in a listener must not leave a turn waiting for ever.
      end(HarnessFault.of(Code.LOST, "what the process said could not be handled"));
      noise.sum();
    }
  }

  private void hand(String line) {
    if (!ended.get()) {
      handed.incrementAndGet();
      listener.line(line);
      handed.incrementAndGet();
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
        waitingChars.addAndGet(-text.length());
      }
    } catch (IOException e) {
      log.debug("harness.stdin_broken name={} pid={}", harness, process.pid()); // Its end says the rest.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** What outlives it would work on with nobody to hear it, and could fill its pipe for ever. */
  private void exited() {
    clear(Duration.ZERO);
    try {
      long heard;
      do { // As long as the listener takes its time with what was said, it is heard out.
        heard = handed.get();
        Thread.sleep(LAST_WORDS);
      } while (!ended.get() && (heard != handed.get() || heard % 2 == 1));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    endInput();
    end(exit());
  }

  private HarnessFault exit() {
    return HarnessFault.of(Code.LOST, "the process ended with exit code " + process.exitValue());
  }

  private void end(HarnessFault fault) {
    if (ended.compareAndSet(false, true)) {
      listener.ended(fault);
    }
  }
}
