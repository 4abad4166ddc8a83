package dev.portcullis.harness.acp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.jsonrpc.Reply;
import dev.portcullis.harness.process.ProcessLauncher;
import dev.portcullis.harness.process.ProcessSpec;
import dev.portcullis.harness.process.Program;
import dev.portcullis.harness.process.Terminal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** The commands that we run for an agent during one attempt, in its workspace. They die with the attempt. */
final class AcpTerminals {
  private static final int TERMINALS_MAX = 16;
  private static final int OUTPUT_BYTES_MAX = 1024 * 1024;

  private final String harness;
  private final ProcessLauncher launcher;
  private final Path root;
  private final AcpWorkspace workspace;
  private final Map<String, CompletionStage<Terminal>> open = new HashMap<>();
  private int created;
  private boolean closed;

  AcpTerminals(String harness, ProcessLauncher launcher, Path root) {
    this.harness = harness;
    this.launcher = launcher;
    this.root = root;
    this.workspace = new AcpWorkspace(root);
  }

  /** @param method what follows {@code terminal/} */
  CompletionStage<Reply> serve(String method, JsonNode params) {
    if (method.equals("create")) {
      return create(params);
    }
    var id = params.path("terminalId").asText("");
    CompletionStage<Terminal> terminal;
    synchronized (this) {
      terminal = open.get(id);
    }
    if (terminal == null) {
      return done(AcpWorkspace.refusal(AcpWorkspace.INVALID_PARAMS, "no such terminal"));
    }
    return terminal.thenCompose(running -> switch (method) {
      case "output" -> done(new Reply.Result(output(running)));
      case "wait_for_exit" -> running.exited().thenApply(code -> new Reply.Result(exit(code)));
      case "kill" -> running.kill().thenApply(_ -> new Reply.Result(object()));
      case "release" -> running.kill().thenApply(_ -> released(id));
      default -> done(AcpWorkspace.refusal(AcpWorkspace.INVALID_PARAMS, "no such method of a terminal"));
    });
  }

  private synchronized Reply released(String id) {
    open.remove(id);
    return new Reply.Result(object());
  }

  private CompletionStage<Reply> create(JsonNode params) {
    var args = new ArrayList<String>();
    params.path("args").forEach(argument -> args.add(argument.asText()));
    var env = new HashMap<String, String>();
    params.path("env").forEach(entry -> env.put(entry.path("name").asText(), entry.path("value").asText()));
    Path program;
    try {
      program = Program.find(params.path("command").asText(""), launcher.path());
    } catch (HarnessFault fault) {
      return done(AcpWorkspace.refusal(AcpWorkspace.INVALID_PARAMS, fault.getMessage()));
    }
    var kept = Math.clamp(params.path("outputByteLimit").asInt(OUTPUT_BYTES_MAX), 1, OUTPUT_BYTES_MAX);
    return switch (workspace.find(params.path("cwd").asText(root.toString()))) {
      case AcpWorkspace.Refused(var error) -> done(error);
      case AcpWorkspace.Inside(var directory) when !Files.isDirectory(directory) ->
          done(AcpWorkspace.refusal(AcpWorkspace.INVALID_PARAMS, "cwd is not a directory"));
      case AcpWorkspace.Inside(var directory) ->
          start(new ProcessSpec(harness, program, args, env, directory), kept);
    };
  }

  private synchronized CompletionStage<Reply> start(ProcessSpec spec, int outputBytes) {
    if (closed || open.size() >= TERMINALS_MAX) {
      return done(AcpWorkspace.refusal(AcpWorkspace.INVALID_PARAMS,
          closed ? "the turn is over" : "at most " + TERMINALS_MAX + " terminals at a time"));
    }
    var id = "terminal-" + ++created;
    var terminal = launcher.terminal(spec, outputBytes);
    open.put(id, terminal);
    return terminal.handle((_, failure) -> {
      if (failure == null) {
        return new Reply.Result(object().put("terminalId", id));
      }
      released(id);
      return AcpWorkspace.refusal(AcpWorkspace.INVALID_PARAMS, "the command cannot be started");
    });
  }

  private static ObjectNode output(Terminal terminal) {
    var result = object().put("output", terminal.output()).put("truncated", terminal.truncated());
    var exit = terminal.exited().toCompletableFuture();
    return exit.isDone() ? result.<ObjectNode>set("exitStatus", exit(exit.join())) : result;
  }

  private static ObjectNode exit(int code) {
    return object().put("exitCode", code).putNull("signal");
  }

  /** Ends all of them; completes when nothing of them is left. */
  synchronized CompletionStage<Void> close() {
    closed = true;
    return CompletableFuture.allOf(open.values().stream()
        .map(terminal -> terminal.handle((running, failure) -> failure == null
            ? running.kill()
            : CompletableFuture.<Void>completedStage(null))
            .thenCompose(killed -> killed).toCompletableFuture())
        .toArray(CompletableFuture[]::new));
  }

  private static CompletionStage<Reply> done(Reply reply) {
    return CompletableFuture.completedStage(reply);
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }
}
