package dev.portcullis.harness.process;

import dev.portcullis.harness.Eventually;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Stands in for a gateway that will be killed: starts a child that runs a script and cares neither for its input
 * nor for SIGTERM, repeats its lines, and waits.
 */
final class DyingGateway {
  private DyingGateway() {}

  /** @param args instance, and what the child does before it sleeps */
  public static void main(String[] args) throws Exception {
    var recorder = new Recorder();
    var process = ProcessLauncher.create(args[0], 1)
        .launch(new ProcessSpec("sh", Path.of("/bin/sh"),
            List.of("-c", args[1] + "; trap '' TERM HUP; exec sleep 1000"), Map.of("KEY", "value"), Path.of("/")),
            recorder)
        .toCompletableFuture().get();
    // The wrappers exec in place: only once the last of them is gone has the signal been asked for.
    Eventually.isTrue("the child is itself", () ->
        ProcessHandle.of(process.identity().pid()).flatMap(handle -> handle.info().command())
            .filter(command -> command.endsWith("sleep") || command.endsWith("coreutils")).isPresent());
    recorder.lines.forEach(line -> System.out.println("said " + line));
    System.out.println("child " + process.identity().pid());
    Thread.currentThread().join();
  }
}
