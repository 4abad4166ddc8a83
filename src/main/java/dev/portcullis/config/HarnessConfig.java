package dev.portcullis.config;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** One declared way to run turns, by kind. */
public sealed interface HarnessConfig {
  /** The key below {@code portcullis.harnesses}. */
  String name();

  /** The word in {@code kind}. */
  String kind();

  /** A program of the agent's, spoken with over its standard input and output. */
  sealed interface OfProgram extends HarnessConfig {
    Program program();

    @Override
    default String name() {
      return program().name();
    }
  }

  /**
   * How the processes of one harness are started and kept.
   *
   * @param name of the harness
   * @param command program, looked up on PATH when it has no slash
   * @param env everything the process gets besides PATH, HOME, LANG and TERM
   * @param processes most processes at the same time; further attempts wait in order
   * @param idleClose an unused process is ended after this time; the registration stays
   * @param startDeadline longest time from spawn to the end of the handshake
   */
  record Program(
      String name,
      String command,
      List<String> args,
      Map<String, String> env,
      int processes,
      Duration idleClose,
      Duration startDeadline) {
    public Program {
      args = List.copyOf(args);
      env = Map.copyOf(env);
    }

    /** The same with one more argument behind the others. */
    public Program with(String argument) {
      var all = Stream.concat(args.stream(), Stream.of(argument)).toList();
      return new Program(name, command, all, env, processes, idleClose, startDeadline);
    }

    /** Without the environment's values and without arguments: either may hold a key. */
    @Override
    public String toString() {
      return "Program[name=" + name + ", command=" + command + ", env=" + env.keySet() + "]";
    }
  }

  /** The built-in harness that needs no model. */
  record Echo(String name) implements HarnessConfig {
    @Override
    public String kind() {
      return "echo";
    }
  }

  /** An Agent Client Protocol agent over stdio. */
  record Acp(Program program) implements OfProgram {
    @Override
    public String kind() {
      return "acp";
    }
  }

  /**
   * Codex, through its app-server.
   *
   * @param model empty: the one that Codex is set to
   * @param sandbox what its commands may touch: read-only, workspace-write or danger-full-access
   * @param approvalPolicy when it asks: untrusted, on-request or never
   * @param instructions for the model, besides those that Codex gives it; may be empty
   */
  record Codex(Program program, String model, String sandbox, String approvalPolicy, String instructions)
      implements OfProgram {
    @Override
    public String kind() {
      return "codex";
    }
  }
}
