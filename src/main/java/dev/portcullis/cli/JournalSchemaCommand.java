package dev.portcullis.cli;

import dev.portcullis.config.GatewayConfig;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.JournalSettings;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "schema", mixinStandardHelpOptions = true,
    description = "Prints or makes the tables of a journal in PostgreSQL.",
    footer = {"", "For a gateway whose user may not make tables (create-schema = false): let their owner run",
        "what --print prints, and grant that user what it needs to read and write them."})
final class JournalSchemaCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private SettingsOptions settings = new SettingsOptions();

  @ArgGroup(multiplicity = "1")
  private What what;

  private static final class What {
    @Option(names = "--print", required = true, description = "Prints the statements that make them.")
    private boolean print;

    @Option(names = "--create", required = true, description = "Makes them where they are missing.")
    private boolean create;
  }

  JournalSchemaCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    var config = settings.read(console);
    return switch (config.journal().store()) {
      case GatewayConfig.LevelDb _ -> throw CliFault.of(CliFault.Code.REFUSED,
          "The journal lies in files and has no tables; set portcullis.journal.store=postgresql.");
      case GatewayConfig.Postgresql store when what.print -> {
        console.line(Journal.ddl(store.schema()));
        yield 0;
      }
      case GatewayConfig.Postgresql store -> create(config, store);
    };
  }

  private int create(GatewayConfig config, GatewayConfig.Postgresql store) {
    Journal.createSchema(JournalSettings.Postgres.of(store, "schema", "schema", config.boot().deadline()));
    console.line("the journal's tables are in schema " + store.schema());
    return 0;
  }
}
