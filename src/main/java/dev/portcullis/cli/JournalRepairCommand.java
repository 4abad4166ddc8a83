package dev.portcullis.cli;

import dev.portcullis.journal.JournalReader;
import dev.portcullis.journal.JournalRepair;
import dev.portcullis.journal.StoppedJournal;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(name = "repair", mixinStandardHelpOptions = true,
    description = "Says what is damaged in a stopped gateway's journal, or builds a new one out of what is "
        + "sound. The damaged one is kept beside it.",
    footer = {"", "Say what (--restore, --cut or --discard) and for which (--session, --id or --all).",
        "A journal in PostgreSQL is refused: restore a backup of the database.",
        "Exit code: 0 done, or nothing is damaged; 1 refused, 74 something is damaged still."})
final class JournalRepairCommand implements Callable<Integer> {
  private final Console console;

  @Spec private CommandSpec spec;

  @Mixin private JournalOptions options = new JournalOptions();

  @Option(names = "--restore", paramLabel = "FROM",
      description = "Takes histories that are damaged or missing here from another data directory.")
  private String restore = "";

  @Option(names = "--cut", description = "Ends damaged histories with their last sound event.")
  private boolean cut;

  @Option(names = "--discard", description = "Removes damaged histories.")
  private boolean discard;

  @Option(names = "--session", paramLabel = "KEY", description = "This session. Repeatable.")
  private List<String> sessions = List.of();

  @Option(names = "--id", paramLabel = "PID",
      description = "This history, by the id that verify prints. Repeatable.")
  private List<String> ids = List.of();

  @Option(names = "--all", description = "Every history that is damaged or missing.")
  private boolean all;

  @Option(names = "--dry-run", description = "Only says what would be done.")
  private boolean dry;

  JournalRepairCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    var chosen = new LinkedHashSet<>(ids);
    sessions.forEach(key -> chosen.add(JournalOptions.persistenceId(key)));
    var ways = Stream.concat(
            restore.isEmpty() ? Stream.empty() : Stream.of(new JournalRepair.Way.Restore(Path.of(restore))),
            Stream.concat(
                cut ? Stream.of(new JournalRepair.Way.Cut()) : Stream.empty(),
                discard ? Stream.of(new JournalRepair.Way.Discard()) : Stream.empty()))
        .toList();
    boolean asks = ways.isEmpty() && chosen.isEmpty() && !all;
    if (!asks && (ways.size() != 1 || all == !chosen.isEmpty())) {
      throw new ParameterException(spec.commandLine(),
          "Say one of --restore, --cut, --discard, and either --all or histories");
    }
    try (var journal = options.openFiles(console)) {
      return asks ? list(journal) : repair(journal, ways.getFirst(), chosen);
    }
  }

  private int list(JournalReader journal) {
    var verdict = JournalOptions.verify(journal, console);
    verdict.findings().forEach(finding -> console.line(JournalCommand.line(finding)));
    console.line(verdict.sound()
        ? "nothing is damaged"
        : verdict.damaged() + " of " + verdict.sessions() + " sessions are damaged. Stop here and copy the "
            + "data directory first; then --restore FROM takes them from a backup, --cut ends them with "
            + "their last sound event, --discard removes them; --dry-run shows what would be lost");
    return verdict.sound() ? 0 : JournalCommand.DAMAGED;
  }

  private int repair(StoppedJournal journal, JournalRepair.Way way, Set<String> chosen) {
    var outcome = journal.repair().run(way, chosen, dry);
    outcome.changes().forEach(line -> console.line((dry ? "would be: " : "") + Table.printable(line)));
    new HashSet<>(outcome.refused()).forEach(line -> console.note("not changed: " + Table.printable(line)));
    outcome.original().forEach(path -> console.line("the damaged journal is kept in " + path));
    if (dry) {
      return outcome.refused().isEmpty() ? 0 : CliFault.Code.REFUSED.exit();
    }
    if (outcome.original().isEmpty()) {
      console.line(outcome.refused().isEmpty() ? "nothing is damaged" : "nothing was changed");
      return outcome.refused().isEmpty() ? 0 : CliFault.Code.REFUSED.exit();
    }
    var left = JournalOptions.verify(journal, console);
    left.findings().forEach(finding -> console.line(JournalCommand.line(finding)));
    console.line(left.sessions() + " sessions, " + left.events() + " events, " + left.findings().size()
        + " findings left");
    return left.sound() ? 0 : JournalCommand.DAMAGED;
  }
}
