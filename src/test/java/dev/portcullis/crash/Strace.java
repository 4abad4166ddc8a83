package dev.portcullis.crash;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Makes the kernel refuse to write a process's data down: {@code strace} answers in its place. */
final class Strace {
  private static final String CALLS = "msync,fsync,fdatasync";

  private final Path output;

  Strace(Path output) {
    this.output = output;
  }

  /** Why it cannot be used here; empty when it can. */
  static Optional<String> missing() {
    try {
      var process = new ProcessBuilder("strace", "-D", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=msync",
          "true").redirectErrorStream(true).start();
      var said = new String(process.getInputStream().readAllBytes());
      return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0 && said.isEmpty()
          ? Optional.empty()
          : Optional.of("strace may not trace here: " + said.strip());
    } catch (IOException e) {
      return Optional.of("there is no strace here (" + e.getMessage() + ")");
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
      return Optional.of("interrupted");
    }
  }

  /** Fails the n-th sync of each thread; the command after it keeps its own pid and exit code. */
  List<String> failingSync(int nth) {
    return List.of("strace", "-D", "-f", "--seccomp-bpf", "-qq", "-ttt", "-o", output.toString(),
        "-e", "trace=" + CALLS, "-e", "signal=none", "-e", "inject=" + CALLS + ":error=EIO:when=" + nth);
  }

  /** When the first sync failed. */
  Optional<Instant> firstFailure() {
    return lines().stream().filter(line -> line.contains("EIO")).findFirst().map(line -> {
      var at = line.split(" +")[1].split("\\.");
      return Instant.ofEpochSecond(Long.parseLong(at[0]), Long.parseLong(at[1]) * 1_000);
    });
  }

  /** How many syncs there were. */
  int syncs() {
    return lines().size();
  }

  private List<String> lines() {
    try {
      return new ArrayList<>(Files.readAllLines(output));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
