package dev.portcullis.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Part of {@code bin/portcullis aot}: a JVM whose cache was made while it served turns starts with what was
 * learned of them, and takes less CPU for each in its first minutes.
 */
@Command(name = "train", hidden = true, mixinStandardHelpOptions = true,
    description = "Keeps a gateway busy with turns that nobody needs, while its start-up cache is made.")
final class TrainCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private GatewayOptions gateway = new GatewayOptions();

  @Option(names = "--seconds", paramLabel = "SECONDS", defaultValue = "8",
      description = "For how long. Default: ${DEFAULT-VALUE}.")
  private long seconds;

  @Option(names = "--callers", paramLabel = "NUMBER", defaultValue = "4",
      description = "How many at a time. Default: ${DEFAULT-VALUE}.")
  private int callers;

  TrainCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    var client = gateway.connect(console);
    var until = console.clock().instant().plus(Duration.ofSeconds(seconds));
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < callers; i++) {
        var session = "agent:main:train-" + i;
        threads.submit(() -> {
          while (console.clock().instant().isBefore(until)) {
            turns(client, session);
          }
          return session;
        });
      }
    }
    return 0;
  }

  private static void turns(GatewayClient client, String session) {
    var completion = JsonNodeFactory.instance.objectNode().put("model", "main");
    completion.putArray("messages").add(message().put("role", "user"));
    client.post("/v1/chat/completions", completion);
    var run = client.post("/api/v1/sessions/" + GatewayClient.segment(session) + "/runs",
        JsonNodeFactory.instance.objectNode().put("message", "Say a few words.")).path("runId").asText();
    client.forEachLine("/api/v1/runs/" + GatewayClient.segment(run) + "/events", _ -> { });
  }

  private static ObjectNode message() {
    return JsonNodeFactory.instance.objectNode().put("content", "Say a few words.");
  }
}
