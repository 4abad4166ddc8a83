package dev.portcullis.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "status", mixinStandardHelpOptions = true, description = "Shows how the gateway stands.")
final class StatusCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private GatewayOptions gateway = new GatewayOptions();

  @Option(names = "--json", description = "Prints the gateway's own answer.")
  private boolean json;

  StatusCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    var status = gateway.connect(console).get("/api/v1/status");
    if (json) {
      console.line(status.toString());
    } else {
      print(status);
    }
    return 0;
  }

  private void print(JsonNode status) {
    var ready = status.path("ready").asBoolean() ? "ready" : "NOT READY";
    console.line(ready + "  state " + status.path("state").asText("?") + "  version "
        + status.path("version").asText("?") + "  incarnation " + status.path("incarnation").asLong()
        + "  up " + Times.length(Duration.ofSeconds(status.path("uptimeSeconds").asLong())));
    status.path("unmet").forEach(unmet -> console.line(
        "unmet: " + unmet.path("condition").asText() + ": "
            + Table.printable(unmet.path("detail").asText())));
    var counts = status.path("counts");
    var open = counts.path("open").asLong();
    var parked = counts.path("parked").asLong();
    console.line("runs: " + counts.path("accepted").asLong() + " accepted = "
        + counts.path("terminal").asLong()
        + " ended + " + open + " open + " + parked + " parked  (active " + counts.path("active").asLong()
        + ", queued " + counts.path("queued").asLong() + ", interrupted "
            + counts.path("interrupted").asLong() + ")");
    var quarantined = counts.path("quarantined").asLong();
    if (quarantined > 0) {
      console.line("quarantined: " + quarantined
          + " sessions have a damaged history; stop the gateway and run `portcullis journal repair`");
    }
    var drain = status.path("drain");
    console.line(drain.path("draining").asBoolean()
        ? "draining, " + drain.path("remaining").asLong() + " runs active"
        : "not draining");
    HarnessesCommand.table(status.path("harnesses")).print(console);
  }
}
