package dev.portcullis.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "harnesses", mixinStandardHelpOptions = true,
    description = "Lists the declared harnesses: state, version, and how an interrupted run goes on.")
final class HarnessesCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private GatewayOptions gateway = new GatewayOptions();

  @Option(names = "--json", description = "Prints the gateway's own answer.")
  private boolean json;

  HarnessesCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    var answer = gateway.connect(console).get("/api/v1/harnesses");
    if (json) {
      console.line(answer.toString());
    } else {
      table(answer.path("data")).print(console);
    }
    return 0;
  }

  static Table table(JsonNode harnesses) {
    var table = new Table("HARNESS", "KIND", "STATE", "VERSION", "RECOVERY", "CAUSE");
    harnesses.forEach(harness -> table.row(
        harness.path("name").asText("-"),
        harness.path("kind").asText("-"),
        harness.path("state").asText("-"),
        dash(harness.path("version").asText("")),
        dash(harness.path("recovery").asText("")),
        dash(harness.path("cause").asText(""))));
    return table;
  }

  private static String dash(String text) {
    return text.isEmpty() || text.equals("null") ? "-" : text;
  }
}
