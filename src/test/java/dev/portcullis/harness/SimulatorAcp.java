package dev.portcullis.harness;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;

/** The Agent Client Protocol, version 1, as an agent speaks it. */
final class SimulatorAcp implements SimulatorDialect {
  private int requests;

  @Override
  public void receive(JsonNode message) throws IOException {
    var id = message.get("id");
    var params = message.path("params");
    switch (message.path("method").asText("")) {
      case "" -> Simulator.ANSWERS.add(message);
      case "initialize" -> answer(id, initialized());
      case "session/new" -> {
        var session = "sim-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
        Files.createFile(Simulator.store(session));
        answer(id, object().put("sessionId", session));
      }
      case "session/load", "session/resume" ->
          reopen(id, message.get("method").asText(), params.get("sessionId").asText());
      case "session/prompt" -> Simulator.play(new Turn(id, params.get("sessionId").asText(),
          params.get("prompt").get(0).get("text").asText()));
      case "session/cancel" -> Simulator.cancelled.countDown();
      default -> error(id, -32601, "method not found");
    }
  }

  private static ObjectNode initialized() {
    var result = object()
        .put("protocolVersion", Integer.parseInt(Simulator.ENV.getOrDefault("SIM_PROTOCOL", "1")));
    var capabilities = Simulator.ENV.getOrDefault("SIM_CAPABILITIES", "resume");
    var agent = result.putObject("agentCapabilities").put("loadSession", capabilities.contains("load"));
    if (capabilities.contains("resume")) {
      agent.putObject("sessionCapabilities").putObject("resume");
    }
    result.putObject("agentInfo").put("name", Simulator.ENV.getOrDefault("SIM_NAME", "simulator"))
        .put("version", "7.1");
    result.putArray("authMethods").addObject().put("id", "login").put("description", "Run `sim login`");
    return result;
  }

  private static void reopen(JsonNode id, String method, String session) {
    if (!Files.exists(Simulator.store(session))) {
      error(id, -32603, "unknown session");
      return;
    }
    if (method.endsWith("load")) {
      update(session, chunk("replayed before"));
      answer(id, object());
      update(session, chunk("replayed after"));
      Simulator.pause(100);
      update(session, chunk("replayed much later"));
    } else {
      answer(id, object());
    }
  }

  private final class Turn implements SimulatorTurn {
    private final JsonNode id;
    private final String session;
    private final String prompt;

    Turn(JsonNode id, String session, String prompt) {
      this.id = id;
      this.session = session;
      this.prompt = prompt;
    }

    @Override
    public String session() {
      return session;
    }

    @Override
    public String prompt() {
      return prompt;
    }

    @Override
    public void text(String text) {
      update(session, chunk(text));
    }

    @Override
    public void tools() {
      update(session, tool("tool_call", "c1", "pending").put("title", "bash").put("kind", "execute"));
      var running = tool("tool_call_update", "c1", "in_progress").put("title", "echo hi");
      running.putObject("rawInput").put("command", "echo hi");
      update(session, running);
      update(session, tool("tool_call_update", "c1", "completed"));
      update(session, tool("tool_call_update", "never-announced", "failed").put("title", "lost"));
      update(session, tool("tool_call", "never-ended", "in_progress").put("title", "open"));
      Simulator.pause(400);
    }

    @Override
    public void stepBegins(String callId, String title) {
      var call = tool("tool_call", callId, "in_progress").put("title", title).put("kind", "execute");
      call.putObject("rawInput").put("command", title);
      update(session, call);
    }

    @Override
    public void stepEnds(String callId) {
      update(session, tool("tool_call_update", callId, "completed"));
    }

    @Override
    public String permission() throws InterruptedException {
      update(session, tool("tool_call", "c2", "pending").put("title", "bash"));
      var params = object().put("sessionId", session);
      var call = params.putObject("toolCall").put("toolCallId", "c2").put("title", "rm x").put("kind", "execute");
      call.putObject("rawInput").put("command", "rm x");
      var options = params.putArray("options");
      options.addObject().put("optionId", "a1").put("kind", "allow_always").put("name", "Always");
      options.addObject().put("optionId", "y1").put("kind", "allow_once").put("name", "Yes");
      options.addObject().put("optionId", "n1").put("kind", "reject_once").put("name", "No");
      var outcome = ask("session/request_permission", params).path("result").path("outcome");
      var chosen = outcome.path("optionId").asText(outcome.path("outcome").asText());
      update(session, tool("tool_call_update", "c2", chosen.equals("y1") ? "completed" : "failed"));
      return chosen;
    }

    @Override
    public int unknownRequest() throws InterruptedException {
      return ask("fs/read_text_file", object().put("path", "/x")).path("error").path("code").asInt();
    }

    @Override
    public void complete(boolean cancelled) {
      var result = object().put("stopReason", cancelled ? "cancelled" : "end_turn");
      result.putObject("usage").put("inputTokens", 30).put("outputTokens", 4);
      answer(id, result);
    }

    @Override
    public void fail(int code) {
      error(id, code, "scripted failure");
    }

    @Override
    public void foreign() {
      update("another session", chunk("not yours"));
      answer(object().numberNode(1_000_000), object().put("stopReason", "end_turn"));
    }

    @Override
    public List<String> messages(String text) {
      return List.of(updated(session, chunk(text)).toString(),
          updated(session, tool("tool_call", "f1", "pending").put("title", "fuzz")).toString(),
          message().put("id", 0).put("method", "session/request_permission").toString(),
          message().put("id", 99).set("result", object().put("stopReason", "end_turn")).toString());
    }
  }

  private JsonNode ask(String method, ObjectNode params) throws InterruptedException {
    var message = message().put("id", requests++).put("method", method);
    Simulator.send(message.set("params", params));
    return Simulator.ANSWERS.take();
  }

  private static ObjectNode object() {
    return Simulator.JSON.createObjectNode();
  }

  private static ObjectNode message() {
    return object().put("jsonrpc", "2.0");
  }

  private static ObjectNode tool(String kind, String callId, String status) {
    return object().put("sessionUpdate", kind).put("toolCallId", callId).put("status", status);
  }

  private static ObjectNode chunk(String text) {
    var update = object().put("sessionUpdate", "agent_message_chunk");
    update.putObject("content").put("type", "text").put("text", text);
    return update;
  }

  private static ObjectNode updated(String session, ObjectNode update) {
    var message = message().put("method", "session/update");
    message.putObject("params").put("sessionId", session).set("update", update);
    return message;
  }

  private static void update(String session, ObjectNode update) {
    Simulator.send(updated(session, update));
  }

  private static void answer(JsonNode id, ObjectNode result) {
    Simulator.send(message().<ObjectNode>set("id", id).set("result", result));
  }

  private static void error(JsonNode id, int code, String text) {
    Simulator.send(message().<ObjectNode>set("id", id)
        .set("error", object().put("code", code).put("message", text)));
  }
}
