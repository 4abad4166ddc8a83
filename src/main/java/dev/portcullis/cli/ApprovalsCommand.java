package dev.portcullis.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "approvals", mixinStandardHelpOptions = true,
    description = "Lists what agents ask approval for, or answers it.",
    footer = {"", "An answer goes with the digest of what is printed: if that is no longer what is asked,",
        "the gateway refuses it. Nothing that is printed is shortened, but for titles in the list."})
final class ApprovalsCommand implements Runnable {
  private static final String PATH = "/api/v1/approvals";

  private final Console console;

  @Mixin private GatewayOptions gateway = new GatewayOptions();

  @Option(names = "--session", paramLabel = "KEY", description = "Only those of this session.")
  private String session = "";

  @Option(names = "--json", description = "Prints the gateway's own answer.")
  private boolean json;

  ApprovalsCommand(Console console) {
    this.console = console;
  }

  @Override
  public void run() {
    var filter = session.isEmpty() ? "" : "?session=" + GatewayClient.segment(session);
    var answer = gateway.connect(console).get(PATH + filter);
    if (json) {
      console.line(answer.toString());
      return;
    }
    var table = new Table("APPROVAL", "AGENT", "KIND", "ASKED", "EXPIRES", "TITLE");
    answer.path("data").forEach(asked -> table.row(
        asked.path("id").asText("-"),
        asked.path("agent").asText("-"),
        asked.path("kind").asText("-"),
        Times.ago(asked.path("requestedAt").asText(""), console.clock()),
        Times.ago(asked.path("expiresAt").asText(""), console.clock()),
        asked.path("title").asText("-")));
    table.print(console);
  }

  @Command(name = "show", mixinStandardHelpOptions = true,
      description = "Shows the whole action that approval is asked for, and what was decided.")
  int show(
      @Mixin GatewayOptions gateway,
      @Option(names = "--json", description = "Prints the gateway's own answer.") boolean json,
      @Parameters(paramLabel = "ID", description = "The approval.") String id) {
    var asked = gateway.connect(console).get(path(id));
    if (json) {
      console.line(asked.toString());
      return 0;
    }
    print(console, asked);
    var decision = asked.path("decision");
    console.line("  decided    " + (decision.isObject()
        ? Shown.line((decision.path("allowed").asBoolean() ? "allow" : "deny") + ", by "
            + decision.path("by").asText())
        : "not yet"));
    return 0;
  }

  @Command(name = "allow", mixinStandardHelpOptions = true,
      description = "Shows the whole action, and lets the agent do it this once.")
  int allow(
      @Mixin GatewayOptions gateway,
      @Parameters(paramLabel = "ID", description = "The approval.") String id) {
    return decide(console, gateway.connect(console), path(id), id, "allow");
  }

  @Command(name = "deny", mixinStandardHelpOptions = true,
      description = "Shows the whole action, and refuses it.")
  int deny(
      @Mixin GatewayOptions gateway,
      @Parameters(paramLabel = "ID", description = "The approval.") String id) {
    return decide(console, gateway.connect(console), path(id), id, "deny");
  }

  /** Shows what is decided about, and decides about exactly that. {@code route} takes the answer. */
  static int decide(Console console, GatewayClient client, String route, String id, String decision) {
    var asked = client.get(path(id));
    print(console, asked);
    var answer = client.post(route, JsonNodeFactory.instance.objectNode()
        .put("decision", decision)
        .put("digest", asked.path("digest").asText()));
    console.line(Shown.line(id + ": " + decision + ", " + answer.path("status").asText("decided")));
    return 0;
  }

  private static void print(Console console, JsonNode asked) {
    console.line("approval " + Shown.line(asked.path("id").asText() + " of run "
        + asked.path("runId").asText() + ", " + asked.path("sessionKey").asText()));
    Shown.approval(asked).forEach(console::line);
  }

  private static String path(String id) {
    return PATH + "/" + GatewayClient.segment(id);
  }
}
