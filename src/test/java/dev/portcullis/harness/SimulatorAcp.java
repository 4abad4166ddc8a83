package dev.portcullis.harness;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;

/** The Agent Client Protocol, version 1, as an agent speaks it. */
final class SimulatorAcp implements SimulatorDialect {
  private final SimulatorAcpChoices choices = new SimulatorAcpChoices();
  private JsonNode offered = object();
  private boolean loggedIn = !Simulator.ENV.containsKey("SIM_LOGIN");
  private int requests;
  private int priced;

  @Override
  public void receive(JsonNode message) throws IOException {
    var id = message.get("id");
    var params = message.path("params");
    switch (message.path("method").asText("")) {
      case "" -> Simulator.ANSWERS.add(message);
      case "initialize" -> {
        offered = params.path("clientCapabilities");
        answer(id, initialized());
      }
      case "authenticate" -> authenticate(id, params.path("methodId").asText());
      case "session/set_config_option", "session/set_model", "session/set_mode" ->
          choices.choose(id, message.get("method").asText(), params);
      case "session/new" -> {
        if (!loggedIn) {
          error(id, -32000, "Authentication required");
          return;
        }
        var session = "sim-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
        Files.createFile(Simulator.store(session));
        answer(id, choices.offered().put("sessionId", session));
      }
      case "session/load", "session/resume" ->
          reopen(id, message.get("method").asText(), params.get("sessionId").asText());
      case "session/prompt" -> Simulator.play(new Turn(id, params.get("sessionId").asText(),
          said(params.get("prompt"))));
      case "session/cancel" -> Simulator.cancelled.countDown();
      default -> error(id, -32601, "method not found");
    }
  }

  /** All of the text, and what there is of images. */
  private static String said(JsonNode blocks) {
    var text = new StringBuilder();
    blocks.forEach(block -> text.append(block.path("type").asText().equals("image")
        ? "<" + block.path("mimeType").asText() + " " + block.path("data").asText() + ">"
        : block.path("text").asText()));
    return text.toString();
  }

  private static ObjectNode initialized() {
    var result = object()
        .put("protocolVersion", Integer.parseInt(Simulator.ENV.getOrDefault("SIM_PROTOCOL", "1")));
    var capabilities = Simulator.ENV.getOrDefault("SIM_CAPABILITIES", "resume");
    var agent = result.putObject("agentCapabilities").put("loadSession", capabilities.contains("load"));
    agent.putObject("promptCapabilities").put("image", capabilities.contains("image"));
    if (capabilities.contains("resume")) {
      agent.putObject("sessionCapabilities").putObject("resume");
    }
    result.putObject("agentInfo").put("name", Simulator.ENV.getOrDefault("SIM_NAME", "simulator"))
        .put("version", "7.1");
    result.putArray("authMethods").addObject().put("id", "login").put("description", "Run `sim login`");
    return result;
  }

  private void authenticate(JsonNode id, String method) {
    loggedIn = method.equals(Simulator.ENV.get("SIM_LOGIN"));
    if (loggedIn) {
      answer(id, object());
    } else {
      error(id, -32602, "unknown method");
    }
  }

  private void reopen(JsonNode id, String method, String session) {
    if (!Files.exists(Simulator.store(session))) {
      error(id, -32603, "unknown session");
      return;
    }
    if (method.endsWith("load")) {
      update(session, chunk("replayed before"));
      answer(id, choices.offered());
      update(session, chunk("replayed after"));
      Simulator.pause(100);
      update(session, chunk("replayed much later"));
    } else {
      answer(id, choices.offered());
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
    public void own(String[] step) throws InterruptedException {
      switch (step[0]) {
        case "chosen" -> text(choices.chosen());
        case "offered" -> text(offered.toString());
        case "kinds" -> kinds();
        case "read" -> served("fs/read_text_file", object().put("path", step[1]));
        case "write" -> served("fs/write_text_file", object().put("path", step[1]).put("content", step[2]));
        case "launch" -> launch(step);
        case "terminal" -> {
          var terminal = launch(step);
          if (terminal.has("terminalId")) {
            served("terminal/wait_for_exit", terminal.deepCopy());
            served("terminal/output", terminal.deepCopy());
            served("terminal/release", terminal.deepCopy());
          }
        }
        case "withdraw" -> withdraw();
        case String other -> throw new IllegalArgumentException(other);
      }
    }

    /** Has the host do something, and tells what came of it. */
    private JsonNode served(String method, ObjectNode params) throws InterruptedException {
      var answer = ask(method, params.put("sessionId", session));
      text(answer.has("error")
          ? "code " + answer.path("error").path("code").asInt()
          : answer.path("result").toString());
      return answer.path("result");
    }

    private JsonNode launch(String[] step) throws InterruptedException {
      var params = object().put("command", "sh");
      params.putArray("args").add("-c").add(String.join(" ", List.of(step).subList(1, step.length)));
      return served("terminal/create", params);
    }

    /** Asks for permission and takes it back at once. */
    private void withdraw() throws InterruptedException {
      var params = object().put("sessionId", session);
      params.putObject("toolCall").put("toolCallId", "c4").put("title", "rm y");
      params.putArray("options").addObject().put("optionId", "y").put("kind", "allow_once");
      var cancel = message().put("method", "$/cancel_request");
      cancel.putObject("params").put("requestId", request("session/request_permission", params));
      Simulator.send(cancel);
      text(Simulator.ANSWERS.take().path("result").path("outcome").path("outcome").asText());
    }

    /** Updates of every kind but those of answers and tools; the cost is that of the session so far. */
    private void kinds() {
      for (var kind : List.of("agent_thought_chunk", "plan", "available_commands_update", "usage_update",
          "session_info_update", "notice", "of_next_year")) {
        update(session, chunk("not for you").put("sessionUpdate", kind));
      }
      var cost = object().put("sessionUpdate", "usage_update");
      cost.putObject("cost").put("amount", 0.25 * ++priced).put("currency", "USD");
      update(session, cost);
      text("all kinds");
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
    request(method, params);
    return Simulator.ANSWERS.take();
  }

  /** Its id. */
  private int request(String method, ObjectNode params) {
    int id = requests++;
    Simulator.send(message().put("id", id).put("method", method).<ObjectNode>set("params", params));
    return id;
  }

  static ObjectNode object() {
    return Simulator.JSON.createObjectNode();
  }

  private static ObjectNode message() {
    return object().put("jsonrpc", "2.0");
  }

  private static ObjectNode tool(String kind, String callId, String status) {
    return object().put("sessionUpdate", kind).put("toolCallId", callId).put("status", status);
  }

  static ObjectNode chunk(String text) {
    var update = object().put("sessionUpdate", "agent_message_chunk");
    update.putObject("content").put("type", "text").put("text", text);
    return update;
  }

  private static ObjectNode updated(String session, ObjectNode update) {
    var message = message().put("method", "session/update");
    message.putObject("params").put("sessionId", session).set("update", update);
    return message;
  }

  static void update(String session, ObjectNode update) {
    Simulator.send(updated(session, update));
  }

  static void answer(JsonNode id, ObjectNode result) {
    Simulator.send(message().<ObjectNode>set("id", id).set("result", result));
  }

  static void error(JsonNode id, int code, String text) {
    Simulator.send(message().<ObjectNode>set("id", id)
        .set("error", object().put("code", code).put("message", text)));
  }
}
