package dev.portcullis.harness;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;

/** Codex' app-server, as far as a host depends on it; shapes as recorded of 0.169.0. */
final class SimulatorCodex implements SimulatorDialect {
  private int requests;
  private int turns;

  @Override
  public void receive(JsonNode message) throws IOException {
    var id = message.get("id");
    var params = message.path("params");
    switch (message.path("method").asText("")) {
      case "" -> Simulator.ANSWERS.add(message);
      case "initialize" -> answer(id, object().put("userAgent", "simulator/0.169.0 (platform)"));
      case "initialized" -> { }
      case "thread/start" -> {
        var thread = "sim-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
        Files.createFile(Simulator.store(thread));
        answer(id, started(thread));
      }
      case "thread/resume" -> {
        var thread = params.path("threadId").asText();
        if (Files.exists(Simulator.store(thread))) {
          answer(id, started(thread));
        } else {
          error(id, -32600, "no rollout found for thread id " + thread);
        }
      }
      case "turn/start" -> {
        var turn = new Turn(params.path("threadId").asText(), "turn-" + ++turns,
            params.path("input").path(0).path("text").asText());
        var result = object();
        result.putObject("turn").put("id", turn.id).put("status", "inProgress");
        answer(id, result);
        notify("turn/started", turn.about().set("turn", result.get("turn")));
        Simulator.play(turn);
      }
      case "turn/interrupt" -> {
        answer(id, object());
        Simulator.cancelled.countDown();
      }
      default -> error(id, -32600, "unknown variant");
    }
  }

  private static ObjectNode started(String thread) {
    var result = object().put("model", "simulated");
    result.putObject("thread").put("id", thread);
    return result;
  }

  private final class Turn implements SimulatorTurn {
    private final String thread;
    private final String id;
    private final String prompt;
    private final StringBuilder said = new StringBuilder();

    Turn(String thread, String id, String prompt) {
      this.thread = thread;
      this.id = id;
      this.prompt = prompt;
    }

    private ObjectNode about() {
      return object().put("threadId", thread).put("turnId", id);
    }

    @Override
    public String session() {
      return thread;
    }

    @Override
    public String prompt() {
      return prompt;
    }

    @Override
    public void text(String text) {
      if (said.isEmpty()) {
        item("item/started", object().put("type", "agentMessage").put("id", "msg-" + id).put("text", ""));
      }
      said.append(text);
      SimulatorCodex.notify("item/agentMessage/delta", delta(text));
    }

    private ObjectNode delta(String text) {
      return about().put("itemId", "msg-" + id).put("delta", text);
    }

    private void item(String method, ObjectNode item) {
      SimulatorCodex.notify(method, about().set("item", item));
    }

    private ObjectNode command(String callId, String title, String status) {
      return object().put("type", "commandExecution").put("id", callId).put("command", title).put("cwd", "/")
          .put("status", status);
    }

    @Override
    public void tools() {
      stepBegins("call_1", "echo hi");
      stepEnds("call_1");
      stepBegins("call_2", "never ends");
    }

    @Override
    public void stepBegins(String callId, String title) {
      item("item/started", command(callId, title, "inProgress"));
    }

    @Override
    public void stepEnds(String callId) {
      item("item/completed", command(callId, "", "completed").put("exitCode", 0));
    }

    @Override
    public String permission() throws InterruptedException {
      item("item/started", command("call_9", "rm x", "inProgress"));
      var params = about().put("itemId", "call_9").put("kind", "command").put("command", "rm x").put("cwd", "/");
      var decision = ask("item/commandExecution/requestApproval", params)
          .path("result").path("decision").asText("none");
      item("item/completed", command("call_9", "rm x", decision.equals("accept") ? "completed" : "declined"));
      return decision.equals("accept") ? "y" : decision;
    }

    @Override
    public int unknownRequest() throws InterruptedException {
      return ask("item/tool/requestUserInput", about()).path("error").path("code").asInt();
    }

    @Override
    public void complete(boolean cancelled) {
      if (!said.isEmpty() && !cancelled) {
        item("item/completed",
            object().put("type", "agentMessage").put("id", "msg-" + id).put("text", said.toString()));
      }
      var usage = about();
      usage.putObject("tokenUsage").putObject("total").put("inputTokens", 30).put("cachedInputTokens", 0)
          .put("outputTokens", 4);
      SimulatorCodex.notify("thread/tokenUsage/updated", usage);
      end(thread, id, cancelled ? "interrupted" : "completed");
    }

    private void end(String ofThread, String ofTurn, String status) {
      var params = object().put("threadId", ofThread);
      params.putObject("turn").put("id", ofTurn).put("status", status).putNull("error");
      SimulatorCodex.notify("turn/completed", params);
    }

    @Override
    public void fail(int code) {
      var params = object().put("threadId", thread);
      params.putObject("turn").put("id", id).put("status", "failed").putObject("error")
          .put("message", "scripted failure").putObject("codexErrorInfo").putObject("httpConnectionFailed")
          .put("httpStatusCode", code);
      SimulatorCodex.notify("turn/completed", params);
    }

    @Override
    public void foreign() {
      SimulatorCodex.notify("item/agentMessage/delta", delta("not yours").put("threadId", "another"));
      end("another", "turn-0", "completed");
      end(thread, "turn-0", "completed");
    }

    @Override
    public List<String> messages(String text) {
      return List.of(message("item/agentMessage/delta", delta(text)).toString(),
          message("item/started", about().set("item", command("call_7", "fuzz", "inProgress"))).toString(),
          message("turn/completed", object().put("threadId", "another")).toString());
    }
  }

  private JsonNode ask(String method, ObjectNode params) throws InterruptedException {
    Simulator.send(message(method, params).put("id", requests++));
    return Simulator.ANSWERS.take();
  }

  private static ObjectNode message(String method, ObjectNode params) {
    return object().put("method", method).set("params", params);
  }

  private static void notify(String method, ObjectNode params) {
    Simulator.send(message(method, params));
  }

  private static void answer(JsonNode id, ObjectNode result) {
    Simulator.send(object().<ObjectNode>set("id", id).set("result", result));
  }

  private static void error(JsonNode id, int code, String text) {
    Simulator.send(object().<ObjectNode>set("id", id)
        .set("error", object().put("code", code).put("message", text)));
  }

  private static ObjectNode object() {
    return Simulator.JSON.createObjectNode();
  }
}
