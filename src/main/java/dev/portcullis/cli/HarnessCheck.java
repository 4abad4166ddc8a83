package dev.portcullis.cli;

import dev.portcullis.config.HarnessConfig;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Finds a harness's program and asks for its version. */
final class HarnessCheck {
  private static final int ANSWER_SECONDS = 15;

  private HarnessCheck() {}

  static Finding of(HarnessConfig harness, Map<String, String> env) {
    var check = "harness " + harness.name();
    return switch (harness) {
      case HarnessConfig.Echo _ -> Finding.sound(check, "built in");
      case HarnessConfig.OfModel model -> ModelCheck.of(check, model);
      case HarnessConfig.OfProgram peer -> find(peer.program().command(), env.getOrDefault("PATH", ""))
          .map(program -> recent(peer, version(check, program, arguments(peer))))
          .orElseGet(() -> Finding.broken(check, "\"" + peer.program().command()
              + "\" is not on PATH; install it, or give its whole path in portcullis.harnesses." + peer.name()
              + ".command"));
    };
  }

  /** Some kinds have a version below which they are not registered. */
  private static Finding recent(HarnessConfig.OfProgram harness, Finding found) {
    return switch (harness) {
      case HarnessConfig.Acp _ -> found;
      case HarnessConfig.ClaudeCode claude -> recent(found, "Claude Code " + claude.minimumVersion(),
          HarnessConfig.ClaudeCode.versionIn(found.detail()).filter(claude::recentEnough));
      case HarnessConfig.Codex _ -> recent(found, "Codex " + HarnessConfig.Codex.OLDEST_VERSION,
          HarnessConfig.Codex.versionIn(found.detail()).filter(HarnessConfig.Codex::recentEnough));
    };
  }

  private static Finding recent(Finding found, String least, Optional<String> version) {
    return found.sound() && version.isEmpty()
        ? Finding.broken(found.check(), found.detail() + " is not " + least + " or newer; update it")
        : found;
  }

  private static Optional<Path> find(String command, String path) {
    if (command.contains("/")) {
      return Optional.of(Path.of(command)).filter(Files::isExecutable);
    }
    return Arrays.stream(path.split(File.pathSeparator))
        .filter(directory -> !directory.isEmpty())
        .map(directory -> Path.of(directory, command))
        .filter(program -> Files.isExecutable(program) && !Files.isDirectory(program))
        .findFirst();
  }

  /** The program may be one that runs another, which they name; an agent over ACP would begin to speak. */
  private static List<String> arguments(HarnessConfig.OfProgram harness) {
    return switch (harness) {
      case HarnessConfig.Acp _ -> List.of();
      case HarnessConfig.ClaudeCode claude -> claude.program().args();
      case HarnessConfig.Codex codex -> codex.program().args();
    };
  }

  private static Finding version(String check, Path program, List<String> args) {
    try {
      var command = new ArrayList<>(List.of(program.toString()));
      command.addAll(args);
      command.add("--version");
      var process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      if (!process.waitFor(ANSWER_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return Finding.broken(check, program + " --version gives no answer; try it by hand");
      }
      var line = process.inputReader().readLine() instanceof String first ? first : "(no version)";
      return process.exitValue() == 0
          ? Finding.sound(check, program + " " + line)
          : Finding.broken(check, program + " --version fails with " + process.exitValue()
              + "; try it by hand");
    } catch (IOException e) {
      return Finding.broken(check, program + " cannot be run: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Finding.broken(check, "interrupted before " + program + " answered");
    }
  }
}
