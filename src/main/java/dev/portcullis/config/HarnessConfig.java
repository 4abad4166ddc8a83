package dev.portcullis.config;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/** One declared way to run turns, by kind. */
public sealed interface HarnessConfig {
  /** The key below {@code portcullis.harnesses}. */
  String name();

  /** The word in {@code kind}. */
  String kind();

  /** The built-in harness that needs no model. */
  record Echo(String name) implements HarnessConfig {
    @Override
    public String kind() {
      return "echo";
    }
  }

  /**
   * An Agent Client Protocol agent over stdio.
   *
   * @param command program, looked up on PATH when it has no slash
   * @param env everything the process gets besides PATH, HOME, LANG and TERM
   * @param processes most processes at the same time; further attempts wait in order
   * @param idleClose an unused process is ended after this time; the registration stays
   * @param startDeadline longest time from spawn to the answer of {@code initialize}
   */
  record Acp(
      String name,
      String command,
      List<String> args,
      Map<String, String> env,
      int processes,
      Duration idleClose,
      Duration startDeadline)
      implements HarnessConfig {
    public Acp {
      args = List.copyOf(args);
      env = Map.copyOf(env);
    }

    @Override
    public String kind() {
      return "acp";
    }

    /** Without the environment's values and without arguments: either may hold a key. */
    @Override
    public String toString() {
      return "Acp[name=" + name + ", command=" + command + ", env=" + env.keySet() + "]";
    }
  }
}
