package dev.portcullis.harness.claude;

import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.process.ProcessLauncher;
import dev.portcullis.harness.process.ProcessSpec;
import dev.portcullis.harness.process.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Which Claude Code is installed, and that it is not one of those that obey a workspace before anybody
 * trusted it. Asked once per file: a program that was replaced is asked again. Thread-safe.
 */
final class ClaudeVersion {
  private static final int OUTPUT_BYTES = 4 * 1024;

  private record Installed(Path file, FileTime changed) {}

  private final HarnessConfig.ClaudeCode config;
  private final ProcessLauncher launcher;
  private final Map<Installed, CompletableFuture<String>> known = new HashMap<>();

  ClaudeVersion(HarnessConfig.ClaudeCode config, ProcessLauncher launcher) {
    this.config = config;
    this.launcher = launcher;
  }

  /**
   * The version; fails with {@code WRONG_VERSION} when it is too old or the program is not Claude Code.
   *
   * @param directory where the program is asked
   */
  synchronized CompletionStage<String> check(Path directory) {
    try {
      var program = config.program();
      var file = Program.find(program.command(), launcher.path());
      var installed = new Installed(file.toRealPath(), Files.getLastModifiedTime(file));
      var before = known.get(installed);
      if (before == null || before.isCompletedExceptionally()) {
        known.clear();
        known.put(installed, ask(file, directory).toCompletableFuture());
      }
      return known.get(installed);
    } catch (HarnessFault fault) {
      return CompletableFuture.failedStage(fault);
    } catch (IOException gone) {
      return CompletableFuture.failedStage(HarnessFault.of(Code.NOT_FOUND,
          "command " + config.program().command() + " can't be read: " + gone.getMessage()));
    }
  }

  private CompletionStage<String> ask(Path file, Path directory) {
    var program = config.program();
    var args = new ArrayList<>(program.args());
    args.add("--version");
    var limit = program.startDeadline();
    var spec = new ProcessSpec(program.name(), file, args, program.env(), directory);
    return launcher.terminal(spec, OUTPUT_BYTES).thenCompose(terminal -> terminal.exited()
        .toCompletableFuture()
        .orTimeout(limit.toMillis(), TimeUnit.MILLISECONDS)
        .handle((exit, failure) -> {
          if (failure instanceof TimeoutException) {
            throw HarnessFault.of(Code.TIMEOUT,
                file + " --version gave no answer within " + limit.toMillis() + " ms");
          }
          return accept(file, exit, terminal.output());
        })
        .whenComplete((_, _) -> terminal.kill()));
  }

  private String accept(Path file, int exit, String output) {
    var said = HarnessConfig.ClaudeCode.versionIn(output);
    if (exit != 0 || said.isEmpty()) {
      throw HarnessFault.of(Code.WRONG_VERSION, file + " --version does not answer as Claude Code does"
          + " (exit code " + exit + "): correct `command`");
    }
    if (!config.recentEnough(said.get())) {
      throw HarnessFault.of(Code.WRONG_VERSION, "Claude Code is " + said.get() + " and has to be at least "
          + config.minimumVersion() + ": update it");
    }
    return said.get();
  }
}
