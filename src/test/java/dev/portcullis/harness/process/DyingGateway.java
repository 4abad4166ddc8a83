package dev.portcullis.harness.process;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Stands in for a gateway that will be killed: starts a child that cares neither for its input nor for
 * SIGTERM.
 */
final class DyingGateway {
  private DyingGateway() {}

  public static void main(String[] args) throws Exception {
    var process = ProcessLauncher.create(args[0], 1)
        .launch(new ProcessSpec("sh", Path.of("/bin/sh"), List.of("-c", "trap '' TERM HUP; exec sleep 1000"),
            Map.of(), Path.of("/")), new Recorder())
        .toCompletableFuture().get();
    // The wrappers exec in place: only once the last of them is gone has the signal been asked for.
    dev.portcullis.harness.Eventually.isTrue("the child is itself", () ->
        ProcessHandle.of(process.identity().pid()).flatMap(handle -> handle.info().command())
            .filter(command -> command.endsWith("sleep") || command.endsWith("coreutils")).isPresent());
    System.out.println("child " + process.identity().pid());
    Thread.currentThread().join();
  }
}
