package dev.portcullis.harness.process;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.jsonrpc.JsonRpcPeer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Stands in for a gateway whose agent floods it: shakes hands, lets the agent loose, waits for its next good
 * message, and prints how the connection ended and by how many KiB its resident memory grew at most.
 */
final class FloodedGateway {
  private FloodedGateway() {}

  /** @param args instance, and the shell command that floods */
  public static void main(String[] args) throws Exception {
    var first = new CompletableFuture<String>();
    var last = new CompletableFuture<String>();
    var timer = Executors.newSingleThreadScheduledExecutor(Thread.ofPlatform().daemon().factory());
    var peer = new JsonRpcPeer("flood", _ -> { }, new JsonRpcPeer.Handler() {
      @Override
      public void notified(String method, JsonNode params) {
        (method.equals("hello") ? first : last).complete(method);
      }

      @Override
      public boolean asked(JsonNode id, String method, JsonNode params) {
        return false;
      }
    }, timer);
    var listener = new ProcessListener() {
      @Override
      public void line(String line) {
        peer.receive(line);
      }

      @Override
      public void ended(HarnessFault fault) {
        last.complete(fault.code().toString());
      }
    };
    var script = "echo '{\"method\":\"hello\"}'; read go; " + args[1]
        + "; echo; echo '{\"method\":\"survived\"}'; read end";
    var process = ProcessLauncher.create(args[0], 1)
        .launch(new ProcessSpec("sh", Path.of("/bin/sh"), List.of("-c", script), Map.of(), Path.of("/")), listener)
        .toCompletableFuture().get();
    first.get(20, TimeUnit.SECONDS);
    var before = kib("VmRSS");
    process.send("go");
    var end = last.get(5, TimeUnit.MINUTES);
    System.out.println("grown " + end + " " + (kib("VmHWM") - before));
    process.stop(Duration.ZERO).toCompletableFuture().get(20, TimeUnit.SECONDS);
  }

  private static long kib(String field) throws java.io.IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith(field + ":"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).findFirst().orElseThrow();
  }
}
