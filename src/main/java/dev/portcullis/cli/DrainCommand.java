package dev.portcullis.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "drain", mixinStandardHelpOptions = true,
    description = "Takes no new messages, lets active runs come to rest, then stops the gateway.")
final class DrainCommand implements Callable<Integer> {
  private final Console console;
  private final Patience patience;

  @Mixin private GatewayOptions gateway = new GatewayOptions();

  @Option(names = "--wait", description = "Returns once the gateway has stopped.")
  private boolean wait;

  @Option(names = "--timeout", paramLabel = "SECONDS", defaultValue = "600",
      description = "Longest wait; must exceed drain.deadline and drain.grace. Default: ${DEFAULT-VALUE}.")
  private long timeoutSeconds;

  DrainCommand(Console console, Patience patience) {
    this.console = console;
    this.patience = patience;
  }

  @Override
  public Integer call() {
    var client = gateway.connect(console);
    var before = client.get("/api/v1/status").path("incarnation").asLong();
    client.post("/api/v1/drain", JsonNodeFactory.instance.objectNode());
    console.line("draining");
    if (wait) {
      awaitEnd(client, before);
      console.line("stopped");
    }
    return 0;
  }

  /** Stopped means that nobody answers, or that a later incarnation does. */
  private void awaitEnd(GatewayClient client, long incarnation) {
    var deadline = console.clock().instant().plus(Duration.ofSeconds(timeoutSeconds));
    while (isRunning(client, incarnation)) {
      if (console.clock().instant().isAfter(deadline)) {
        throw CliFault.of(CliFault.Code.UNAVAILABLE, "The gateway still drains after " + timeoutSeconds
            + " seconds; look at `portcullis status`, or wait longer with --timeout.");
      }
      LockSupport.parkNanos(patience.pause().toNanos());
    }
  }

  private static boolean isRunning(GatewayClient client, long incarnation) {
    try {
      return client.get("/api/v1/status").path("incarnation").asLong() == incarnation;
    } catch (CliFault fault) {
      return switch (fault.code()) {
        case ABSENT -> false;
        case UNAVAILABLE, BUSY -> true;
        case REFUSED, FORBIDDEN, UNINTELLIGIBLE -> throw fault;
      };
    }
  }
}
