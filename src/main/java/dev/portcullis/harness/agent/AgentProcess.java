package dev.portcullis.harness.agent;

import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.ProcessIdentity;
import dev.portcullis.harness.process.HarnessProcess;
import dev.portcullis.harness.process.ProcessLauncher;
import dev.portcullis.harness.process.ProcessListener;
import dev.portcullis.harness.process.ProcessSpec;
import dev.portcullis.harness.process.Program;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** The process behind a connection, from before it runs until nothing of it is left. Thread-safe. */
public final class AgentProcess {
  private final CompletableFuture<HarnessProcess> process = new CompletableFuture<>();
  private final CompletableFuture<HarnessFault> ended = new CompletableFuture<>();

  /**
   * Starts the program; completes when it runs, fails with a {@link HarnessFault}. {@code listener} hears its
   * lines and its end, unless it never ran.
   */
  public CompletionStage<Void> start(
      ProcessLauncher launcher, HarnessConfig.Program program, Path directory, ProcessListener listener) {
    try {
      var file = Program.find(program.command(), launcher.path());
      var spec = new ProcessSpec(program.name(), file, program.args(), program.env(), directory);
      launcher.launch(spec, listener).whenComplete((running, failure) -> {
        if (failure == null) {
          process.complete(running);
        } else {
          neverRan(HarnessFault.in(failure));
        }
      });
    } catch (HarnessFault fault) {
      neverRan(fault);
    }
    return process.thenApply(_ -> null);
  }

  /** It won't be started; for who decides so before {@link #start}. */
  public void neverRan(HarnessFault fault) {
    process.completeExceptionally(fault);
    ended.complete(fault);
  }

  /** Its listener was told that it is over. */
  public void over(HarnessFault fault) {
    ended.complete(fault);
  }

  /** See {@link AgentConnection#ended}. */
  public CompletionStage<HarnessFault> ended() {
    return ended;
  }

  /** Sends one line, once the process runs. */
  public void send(String line) {
    process.thenAccept(running -> running.send(line));
  }

  /** See {@link AgentConnection#alive}. */
  public boolean alive() {
    return ran() && process.join().alive();
  }

  /** Asked for only once it runs. */
  public ProcessIdentity identity() {
    return process.join().identity();
  }

  /** Ends the process and all it started. */
  public CompletionStage<Void> stop(Duration grace) {
    return process.handle((running, failure) -> failure == null
        ? running.stop(grace)
        : CompletableFuture.<Void>completedStage(null)).thenCompose(stopped -> stopped);
  }

  /** See {@link AgentConnection#errorTail}. */
  public String errorTail() {
    return ran() ? process.join().errorTail().strip().replace("\n", " | ") : "";
  }

  private boolean ran() {
    return process.isDone() && !process.isCompletedExceptionally();
  }
}
