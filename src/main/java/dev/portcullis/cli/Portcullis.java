package dev.portcullis.cli;

import dev.portcullis.config.ConfigFault;
import dev.portcullis.journal.JournalFault;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The root command. */
@Command(name = "portcullis", mixinStandardHelpOptions = true, scope = ScopeType.LOCAL,
    description = "A crash-safe gateway in front of AI agents.",
    footer = {"", "Start with `portcullis serve`, then `portcullis send \"hello\"`."})
public final class Portcullis implements Runnable {
  private static final int BUG = 70;
  private static final int CONFIGURATION = 78;

  @Spec private CommandSpec spec;

  @Option(names = "--debug", scope = ScopeType.INHERIT, description = "Shows the stack trace of a fault.")
  private boolean debug;

  private Portcullis() {}

  /**
   * Runs one command of this process.
   *
   * @return the exit code; {@code serve} returns once the gateway has stopped
   */
  public static int run(Server server, String... arguments) {
    return run(server, Console.ofProcess(), Patience.STANDARD, Interrupts::ofProcess, arguments);
  }

  static int run(
      Server server,
      Console console,
      Patience patience,
      Supplier<Interrupts> interrupts,
      String... arguments) {
    var root = new Portcullis();
    var line = new CommandLine(root)
        .addSubcommand(new ServeCommand(console, server))
        .addSubcommand(new SendCommand(console, patience, interrupts))
        .addSubcommand(new StatusCommand(console))
        .addSubcommand(new RunsCommand(console, patience))
        .addSubcommand(new ApprovalsCommand(console))
        .addSubcommand(new SessionsCommand(console))
        .addSubcommand(new HarnessesCommand(console))
        .addSubcommand(new CommandLine(new JournalCommand(console))
            .addSubcommand(new JournalRepairCommand(console))
            .addSubcommand(new JournalSchemaCommand(console)))
        .addSubcommand(new DrainCommand(console, patience))
        .addSubcommand(new DoctorCommand(console))
        .addSubcommand(new TokenCommand(console))
        .addSubcommand(new ConfigCommand(console))
        .addSubcommand(new TrainCommand(console))
        .addSubcommand(new VersionCommand(console));
    return line
        .setOut(console.out())
        .setErr(console.err())
        .setParameterExceptionHandler((fault, _) -> usage(console, fault))
        .setExecutionExceptionHandler((fault, _, _) -> root.failed(console, fault))
        .execute(arguments);
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Say what to do.");
  }

  private static int usage(Console console, ParameterException fault) {
    var command = fault.getCommandLine().getCommandSpec();
    console.note(fault.getMessage().replaceAll("[.\\s]+$", "") + "; see `" + command.qualifiedName()
        + " --help`.");
    return command.exitCodeOnInvalidInput();
  }

  private static int exit(JournalFault fault) {
    return switch (fault.code()) {
      case LOCKED, LOW_SPACE, LOST, UNREACHABLE -> CliFault.Code.UNAVAILABLE.exit();
      case PERMISSION -> CliFault.Code.FORBIDDEN.exit();
      case CANNOT_CREATE -> CliFault.Code.REFUSED.exit();
      case REFUSED, FORMAT -> CONFIGURATION;
      case IO, CORRUPT, RETIRED, CLOSED -> JournalCommand.DAMAGED;
    };
  }

  /** What a person can act on is one sentence; anything else is a bug, and its trace is what helps. */
  private int failed(Console console, Exception fault) {
    if (debug) {
      fault.printStackTrace(console.err());
    }
    return switch (fault) {
      case CliFault known -> {
        console.note(known.getMessage());
        yield known.code().exit();
      }
      case JournalFault journal -> {
        console.note(journal.getMessage());
        yield exit(journal);
      }
      case ConfigFault settings -> {
        console.note(settings.getMessage());
        yield CONFIGURATION;
      }
      default -> {
        console.note("This is a bug: " + fault + "; run again with --debug and report what it shows.");
        yield BUG;
      }
    };
  }
}
