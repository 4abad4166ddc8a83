package dev.portcullis.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "sessions", mixinStandardHelpOptions = true,
    description = "Lists the sessions, or manages one.")
final class SessionsCommand implements Callable<Integer> {
  private static final int PAGE = 200;

  private final Console console;

  @Mixin private GatewayOptions gateway = new GatewayOptions();

  @Option(names = "--json", description = "Prints one JSON object per session.")
  private boolean json;

  @Option(names = "--active", description = "Only those with an active run.")
  private boolean active;

  @Option(names = "--agent", paramLabel = "AGENT", description = "Only those of one agent.")
  private String agent = "";

  SessionsCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    var client = gateway.connect(console);
    var filter = "?limit=" + PAGE + (active ? "&active=true" : "")
        + (agent.isEmpty() ? "" : "&agent=" + GatewayClient.segment(agent));
    var table = new Table("SESSION", "AGENT", "STATUS", "QUEUED", "UPDATED", "TITLE");
    pages(client, "/api/v1/sessions" + filter, row -> {
      if (json) {
        console.line(row.toString());
      }
      table.row(row.path("key").asText(), row.path("agent").asText("-"), row.path("status").asText("-"),
          row.path("queued").asText("0"), Times.ago(row.path("updatedAt").asText(""), console.clock()),
          row.path("title").asText(""));
    });
    if (!json) {
      table.print(console);
    }
    return 0;
  }

  @Command(name = "show", mixinStandardHelpOptions = true,
      description = "Shows one session and its transcript.")
  int show(
      @Mixin GatewayOptions to,
      @Option(names = "--json",
          description = "Prints the session, then one JSON object per message.") boolean asJson,
      @Parameters(paramLabel = "KEY", description = "The session.") String key) {
    var client = to.connect(console);
    var row = client.get(path(key));
    if (asJson) {
      console.line(row.toString());
    } else {
      console.line("session   " + Table.printable(row.path("key").asText(key)));
      console.line("agent     " + row.path("agent").asText("-"));
      console.line("status    " + row.path("status").asText("-") + ", queued " + row.path("queued").asLong());
      console.line("last run  " + row.path("lastRunId").asText("-"));
      console.line("updated   " + Times.ago(row.path("updatedAt").asText(""), console.clock()));
    }
    pages(client, path(key) + "/history?limit=" + PAGE, entry -> console.line(asJson ? entry.toString()
        : "\n" + entry.path("role").asText() + " (" + Times.ago(entry.path("at").asText(""), console.clock())
            + "):\n"
            + entry.path("text").asText()));
    return 0;
  }

  @Command(name = "reset", mixinStandardHelpOptions = true,
      description =
          "Begins a new conversation under the same key; the old transcript is kept in the journal.")
  int reset(@Mixin GatewayOptions to,
      @Parameters(paramLabel = "KEY", description = "The session.") String key) {
    to.connect(console).post(path(key) + "/reset", JsonNodeFactory.instance.objectNode());
    console.line("session " + key + " begins anew");
    return 0;
  }

  @Command(name = "delete", mixinStandardHelpOptions = true,
      description = "Erases a session and its transcript.")
  int delete(@Mixin GatewayOptions to,
      @Parameters(paramLabel = "KEY", description = "The session.") String key) {
    to.connect(console).delete(path(key));
    console.line("session " + key + " is deleted");
    return 0;
  }

  static void pages(GatewayClient client, String path, Consumer<JsonNode> item) {
    var cursor = "";
    do {
      var page = client.get(path + (cursor.isEmpty() ? "" : "&cursor=" + GatewayClient.segment(cursor)));
      page.path("data").forEach(item);
      cursor = page.path("nextCursor").isNull() ? "" : page.path("nextCursor").asText("");
    } while (!cursor.isEmpty());
  }

  private static String path(String key) {
    return "/api/v1/sessions/" + GatewayClient.segment(key);
  }
}
