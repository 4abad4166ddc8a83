package dev.portcullis.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "send", mixinStandardHelpOptions = true,
    description = "Sends one message and prints the answer as it comes.",
    footer = {"",
        "Ctrl-C once leaves the run alone and goes; twice aborts it. Exit code: 0 when the run completed,",
        "1 when it failed, was aborted or waits for you, 130 when you left it."})
final class SendCommand implements Callable<Integer> {
  private static final int DETACHED = 130;

  private final Console console;
  private final Patience patience;
  private final Supplier<Interrupts> interrupts;

  @Mixin private GatewayOptions gateway = new GatewayOptions();

  @Option(names = "--agent", paramLabel = "AGENT",
      description = "Who answers. Default: the gateway's default agent.")
  private String agent = "";

  @Option(names = "--session", paramLabel = "KEY",
      description = "The conversation. Default: agent:AGENT:main.")
  private String session = "";

  @Option(names = "--key", paramLabel = "KEY",
      description =
          "Idempotency key: the same key is the same run, however often it is sent. Default: a new one.")
  private String key = "";

  @Option(names = "--json", description = "Prints the run's events, one JSON object per line.")
  private boolean json;

  @Parameters(paramLabel = "MESSAGE", description = "What to say; - reads it from standard input.")
  private String message = "";

  SendCommand(Console console, Patience patience, Supplier<Interrupts> interrupts) {
    this.console = console;
    this.patience = patience;
    this.interrupts = interrupts;
  }

  @Override
  public Integer call() throws IOException {
    var client = gateway.connect(console);
    var text = message.equals("-") ? new String(console.in().readAllBytes(), StandardCharsets.UTF_8)
        : message;
    var receipt = submit(client, text);
    var runId = receipt.path("runId").asText();
    if (receipt.path("position").asLong() > 0) {
      console.note("[queued at position " + receipt.path("position").asLong() + "]");
    }
    Consumer<SseFrames.Frame> printer =
        json ? frame -> console.line(frame.data().toString()) : new AnswerPrinter(console, runId);
    var tail = new RunTail(client, console, patience, printer);
    return followUntilInterrupted(client, runId, () -> tail.follow(runId, 0, true));
  }

  /** Repeats with the same key until the gateway has answered: however often it arrives, it is one run. */
  private JsonNode submit(GatewayClient client, String text) {
    var path = "/api/v1/sessions/" + GatewayClient.segment(session.isEmpty() ? mainSession(client) : session)
        + "/runs";
    var body = JsonNodeFactory.instance.objectNode()
        .put("message", text)
        .put("idempotencyKey", key.isEmpty() ? freshKey() : key);
    if (!agent.isEmpty()) {
      body.put("agent", agent);
    }
    var deadline = console.clock().instant().plus(patience.total());
    var begun = false;
    while (true) {
      try {
        return client.post(path, body);
      } catch (CliFault fault) {
        var passing = fault.code() == CliFault.Code.UNAVAILABLE
            || begun && fault.code() == CliFault.Code.ABSENT;
        var wait = fault.retryAfter().compareTo(patience.pause()) > 0 ? fault.retryAfter() : patience.pause();
        if (!passing || console.clock().instant().plus(wait).isAfter(deadline)) {
          throw fault;
        }
        if (!begun) {
          console.note("[the gateway does not take messages now; trying again]");
        }
        begun = true;
        LockSupport.parkNanos(wait.toNanos());
      }
    }
  }

  private String mainSession(GatewayClient client) {
    var name = agent.isEmpty() ? client.get("/api/v1/status").path("defaultAgent").asText("main") : agent;
    return "agent:" + name + ":main";
  }

  private String freshKey() {
    var bytes = new byte[16];
    console.random().nextBytes(bytes);
    return "cli-" + HexFormat.of().formatHex(bytes);
  }

  private int followUntilInterrupted(GatewayClient client, String runId, Supplier<Integer> tail) {
    var ended = new CompletableFuture<Integer>();
    var pressed = interrupts.get();
    var reader = Thread.ofVirtual().start(() -> settle(ended, tail));
    var watcher = Thread.ofVirtual().start(() -> settle(ended, () -> watch(client, runId, pressed, ended)));
    try {
      return ended.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof CliFault fault ? fault : e;
    } finally {
      reader.interrupt();
      watcher.interrupt();
    }
  }

  /**
   * First Ctrl-C: say how to come back. A second one soon after: abort, and let the run's end be told as any
   * other.
   */
  private int watch(GatewayClient client, String runId, Interrupts pressed,
      CompletableFuture<Integer> ended) {
    try {
      pressed.await();
    } catch (InterruptedException over) {
      return 0;
    }
    console.note("");
    console.note("Left the run; it goes on. Come back with `portcullis runs tail " + runId
        + "`. Ctrl-C again aborts it.");
    if (!pressed.await(patience.second())) {
      return DETACHED;
    }
    client.post("/api/v1/runs/" + GatewayClient.segment(runId) + "/abort",
        JsonNodeFactory.instance.objectNode());
    console.note("[aborting]");
    return ended.join();
  }

  private static void settle(CompletableFuture<Integer> ended, Supplier<Integer> work) {
    try {
      ended.complete(work.get());
    } catch (CliFault fault) {
      ended.completeExceptionally(fault);
    }
  }
}
