package dev.portcullis.config;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;

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
}
