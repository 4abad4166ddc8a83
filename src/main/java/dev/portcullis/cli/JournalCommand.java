package dev.portcullis.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.journal.JournalFault;
import dev.portcullis.journal.JournalFinding;
import dev.portcullis.journal.JournalReader;
import dev.portcullis.journal.JournalVerdict;
import java.util.List;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "journal", mixinStandardHelpOptions = true,
    description = "Proves, mends, exports or measures the journal of a data directory, or of a database.",
    footer = {"", "Exit code: 0 sound, 74 damaged, 75 a gateway uses the files, or the database is away."})
final class JournalCommand implements Runnable {
  static final int DAMAGED = 74;

  private final Console console;

  @Spec private CommandSpec spec;

  JournalCommand(Console console) {
    this.console = console;
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "Say what to do: verify, repair, export, stats or schema.");
  }

  @Command(name = "verify", mixinStandardHelpOptions = true,
      description = "Reads every byte of a stopped gateway's files, or every record in the database, and "
          + "changes none; one line for each thing that is not as it was written.")
  int verify(
      @Mixin JournalOptions options,
      @Option(names = "--json", description = "Prints one JSON object for each finding, then a summary.")
          boolean json) {
    try (var journal = options.open(console)) {
      var verdict = JournalOptions.verify(journal, console);
      print(verdict, json);
      return verdict.sound() ? 0 : DAMAGED;
    }
  }

  private void print(JournalVerdict verdict, boolean json) {
    verdict.notes().forEach(console::note);
    verdict.findings().forEach(finding -> console.line(json ? json(finding).toString() : line(finding)));
    console.line(json
        ? JsonNodeFactory.instance.objectNode()
            .put("sessions", verdict.sessions())
            .put("events", verdict.events())
            .put("damagedSessions", verdict.damaged())
            .put("findings", verdict.findings().size())
            .put("sound", verdict.sound())
            .toString()
        : verdict.sessions() + " sessions, " + verdict.events() + " events, "
            + verdict.findings().size() + " findings");
  }

  static String line(JournalFinding finding) {
    return Table.printable(finding + "; " + finding.kind().advice());
  }

  private static ObjectNode json(JournalFinding finding) {
    return JsonNodeFactory.instance.objectNode()
        .put("kind", finding.kind().word())
        .put("where", finding.where())
        .put("what", finding.what())
        .put("advice", finding.kind().advice());
  }

  @Command(name = "export", mixinStandardHelpOptions = true,
      description = "Prints every event of a session as a line of JSON: seq, at, type, digest, event.")
  int export(
      @Mixin GatewayOptions gateway,
      @Option(names = "--all", description = "Every session.") boolean all,
      @Parameters(paramLabel = "KEY", arity = "0..1", defaultValue = "", description = "The session.")
          String key) {
    if (all != key.isEmpty()) {
      throw new ParameterException(
          spec.subcommands().get("export"), "Name one session, or say --all.");
    }
    if (!gateway.named()) {
      try (var journal = JournalOptions.open(gateway.config(console))) {
        return export(journal, all ? sessions(journal) : List.of(JournalOptions.persistenceId(key)));
      } catch (JournalFault fault) {
        requireRunning(fault);
      }
    }
    var client = gateway.connect(console);
    Consumer<String> one = session ->
        client.forEachLine("/api/v1/sessions/" + GatewayClient.segment(session) + "/export", console::line);
    if (all) {
      SessionsCommand.pages(
          client, "/api/v1/sessions?limit=200", row -> one.accept(row.path("key").asText()));
    } else {
      one.accept(key);
    }
    return 0;
  }

  private static List<String> sessions(JournalReader journal) {
    return journal.persistenceIds().stream().filter(JournalOptions::isSession).toList();
  }

  /** One history that is damaged does not keep the others back. */
  private int export(JournalReader journal, List<String> ids) {
    int exit = 0;
    if (!journal.persistenceIds().containsAll(ids)) {
      throw CliFault.of(CliFault.Code.REFUSED, "There is no such session in this journal.");
    }
    for (var id : ids) {
      try {
        journal.export(id, event -> console.line(event.toString()));
      } catch (JournalFault damaged) {
        if (damaged.code() != JournalFault.Code.CORRUPT) {
          throw damaged;
        }
        console.note(damaged.getMessage());
        exit = DAMAGED;
      }
    }
    return exit;
  }

  @Command(name = "stats", mixinStandardHelpOptions = true, description = "How much the journal holds.")
  int stats(@Mixin GatewayOptions gateway, @Option(names = "--json", description = "As JSON.") boolean json) {
    var figures = figures(gateway);
    if (json) {
      console.line(figures.toString());
    } else {
      figures.properties().forEach(field -> console.line(String.format("%-11s %s", field.getKey(),
          Table.printable(field.getValue().isValueNode() ? field.getValue().asText()
              : field.getValue().toString()))));
    }
    return 0;
  }

  private JsonNode figures(GatewayOptions gateway) {
    if (!gateway.named()) {
      try (var journal = JournalOptions.open(gateway.config(console))) {
        return journal.figures().json();
      } catch (JournalFault fault) {
        requireRunning(fault);
      }
    }
    return gateway.connect(console).get("/api/v1/journal");
  }

  /** A gateway that runs can be asked; any other fault is one. */
  private static void requireRunning(JournalFault fault) {
    if (fault.code() != JournalFault.Code.LOCKED) {
      throw fault;
    }
  }
}
