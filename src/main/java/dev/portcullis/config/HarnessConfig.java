package dev.portcullis.config;

import java.lang.module.ModuleDescriptor.Version;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

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

    public Program withArgs(List<String> other) {
      return new Program(name, command, other, env, processes, idleClose, startDeadline);
    }

    /** The same program with {@code defaults} below what is configured for its environment. */
    Program withDefaults(Map<String, String> defaults) {
      var all = new HashMap<>(defaults);
      all.putAll(env);
      return new Program(name, command, args, all, processes, idleClose, startDeadline);
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

  /**
   * An Agent Client Protocol agent over stdio.
   *
   * @param authMethod the agent's id of the way to sign in; empty: it has signed in already
   * @param model the agent's name of the model, empty for its default
   * @param mode the agent's name of the permission preset, empty for its default
   * @param serveFiles whether the agent is offered to read and write files through us
   * @param serveTerminals whether the agent is offered to run commands through us
   */
  record Acp(
      Program program,
      String authMethod,
      String model,
      String mode,
      boolean serveFiles,
      boolean serveTerminals)
      implements OfProgram {
    /** With the defaults of everything that is not needed to start it. */
    public Acp(Program program) {
      this(program, "", "", "", false, false);
    }

    @Override
    public String kind() {
      return "acp";
    }
  }

  /** A model server, spoken with over HTTP. */
  sealed interface OfModel extends HarnessConfig {
    ModelServer server();

    @Override
    default String name() {
      return server().name();
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
    /** The oldest that was tried. */
    public static final String OLDEST_VERSION = "0.169.0";

    private static final Pattern SAID =
        Pattern.compile("(?:\\bcodex-cli |^[^ /]+/)(\\d+\\.\\d+\\.\\d+(?:-[0-9A-Za-z.]+)?)(?= |$)");

    /** The version in what {@code --version} prints, or in the user agent; empty when that is not Codex's. */
    public static Optional<String> versionIn(String said) {
      return SAID.matcher(said).results().map(match -> match.group(1)).findFirst();
    }

    /** Whether it is not older than the oldest that is registered. */
    public static boolean recentEnough(String version) {
      return Version.parse(version).compareTo(Version.parse(OLDEST_VERSION)) >= 0;
    }

    @Override
    public String kind() {
      return "codex";
    }
  }

  /**
   * Where a model is, and how it is asked.
   *
   * @param name of the harness
   * @param baseUrl http or https, without a slash at the end
   * @param instructions what the model is told before every conversation; may be empty
   * @param maxOutputTokens longest answer
   * @param contextTokens most that is sent; of a longer conversation the oldest messages are left out
   * @param limits how much at once, and how long
   */
  record ModelServer(
      String name,
      URI baseUrl,
      String apiKey,
      String model,
      String instructions,
      int maxOutputTokens,
      int contextTokens,
      ModelLimits limits) {
    /** Without the key, and without the instructions: they may be long, and are nobody else's business. */
    @Override
    public String toString() {
      return "ModelServer[name=" + name + ", baseUrl=" + baseUrl + ", model=" + model + "]";
    }
  }

  /**
   * How much is asked of a model server at once, and how long that may take.
   *
   * @param calls most calls at the same time; further attempts wait in order
   * @param connectDeadline longest time until a connection stands
   * @param silence longest time without a byte, from the request on
   * @param deadline longest time of one attempt, its retries included
   * @param retries how often a call is repeated that failed before a word of its answer came
   */
  record ModelLimits(
      int calls, Duration connectDeadline, Duration silence, Duration deadline, int retries) {}

  /** A server that speaks OpenAI's Chat Completions or Responses. */
  record OpenAi(ModelServer server, Api api) implements OfModel {
    public enum Api { CHAT, RESPONSES }

    @Override
    public String kind() {
      return "openai";
    }
  }

  /** A server that speaks Anthropic's Messages. */
  record Anthropic(ModelServer server) implements OfModel {
    @Override
    public String kind() {
      return "anthropic";
    }
  }

  /**
   * Claude Code over stdio.
   *
   * @param model name or alias; empty for the one that Claude Code chooses
   * @param permissionMode what it does without asking; empty for its default, which asks for most
   * @param systemPrompt put behind its own; empty for none
   * @param settingSources whose settings and hooks it obeys: user, project, local
   * @param minimumVersion oldest that is registered
   */
  record ClaudeCode(
      Program program,
      String model,
      String permissionMode,
      String systemPrompt,
      List<String> settingSources,
      String minimumVersion) implements OfProgram {
    /** The oldest that does not run a workspace's hooks before anybody trusted it. */
    public static final String OLDEST_VERSION = "2.1.129";

    private static final Pattern SAID =
        Pattern.compile("(?:^|\\s)(\\d+\\.\\d+\\.\\d+\\S*) \\(Claude Code\\)");

    public ClaudeCode {
      settingSources = List.copyOf(settingSources);
    }

    /** The version in what {@code --version} prints; empty when that is not Claude Code's. */
    public static Optional<String> versionIn(String output) {
      return SAID.matcher(output).results().map(said -> said.group(1)).findFirst();
    }

    /** Whether it is not older than the oldest that is registered. */
    public boolean recentEnough(String version) {
      return Version.parse(version).compareTo(Version.parse(minimumVersion)) >= 0;
    }

    @Override
    public String kind() {
      return "claude-code";
    }
  }
}
