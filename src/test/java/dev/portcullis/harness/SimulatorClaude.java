package dev.portcullis.harness;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.UUID;

/** Claude Code's stream-json, both ways, as far as a host depends on it; shapes as recorded of 2.1.197. */
final class SimulatorClaude implements SimulatorDialect {
  private final String session;
  private final boolean unknown;
  private int requests;

  /** @param args of the program: --session-id or --resume, if any; with --version it says that and ends */
  static SimulatorClaude called(List<String> args) {
    if (args.contains("--version")) {
      Simulator.raw(Simulator.ENV.getOrDefault("SIM_VERSION", "2.1.197") + " (Claude Code)\n");
      Runtime.getRuntime().halt(0);
    }
    return new SimulatorClaude(args);
  }

  private SimulatorClaude(List<String> args) {
    var resumed = value(args, "--resume", "");
    this.session = resumed.isEmpty() ? value(args, "--session-id", UUID.randomUUID().toString()) : resumed;
    this.unknown = !resumed.isEmpty() && !Files.exists(Simulator.store(resumed));
  }

  private static String value(List<String> args, String option, String otherwise) {
    int index = args.indexOf(option);
    return index < 0 || index + 1 == args.size() ? otherwise : args.get(index + 1);
  }

  @Override
  public void receive(JsonNode message) throws IOException {
    if (unknown) { // Said in answer to the first line, whatever that is.
      var result = result("error_during_execution", true).put("num_turns", 0);
      result.putArray("errors").add("No conversation found with session ID: " + session);
      Simulator.send(result);
      Runtime.getRuntime().halt(1);
    }
    switch (message.path("type").asText()) {
      case "control_response" -> Simulator.ANSWERS.add(message);
      case "control_request" -> {
        var subtype = message.path("request").path("subtype").asText();
        answer(message.path("request_id").asText(), subtype.equals("initialize")
            ? object().set("commands", Simulator.JSON.createArrayNode())
            : object());
        if (subtype.equals("interrupt")) {
          Simulator.cancelled.countDown();
        }
      }
      case "user" -> {
        var prompt = message.path("message").path("content").path(0).path("text").asText();
        Simulator.send(line("system").put("subtype", "init").put("claude_code_version", "2.1.197")
            .put("model", "simulated"));
        Simulator.play(new Turn(prompt));
      }
      case String _ -> { } // Keep-alives and the like.
    }
  }

  private final class Turn implements SimulatorTurn {
    private final String prompt;
    private final StringBuilder said = new StringBuilder();

    Turn(String prompt) {
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
      said.append(text);
      Simulator.send(delta(text));
    }

    @Override
    public void tools() {
      stepBegins("toolu_1", "echo hi");
      stepEnds("toolu_1");
      stepBegins("toolu_2", "never ends");
    }

    @Override
    public void stepBegins(String callId, String title) {
      Simulator.send(assistant(use(callId, title)));
    }

    @Override
    public void stepEnds(String callId) {
      toolResult(callId, false);
    }

    private void toolResult(String callId, boolean error) {
      var user = line("user");
      user.putObject("message").put("role", "user").putArray("content").addObject().put("type", "tool_result")
          .put("tool_use_id", callId).put("content", "done").put("is_error", error);
      Simulator.send(user);
    }

    @Override
    public String permission() throws InterruptedException {
      Simulator.send(assistant(use("toolu_9", "rm x")));
      var request = object().put("subtype", "can_use_tool").put("tool_name", "Bash").put("tool_use_id", "toolu_9");
      request.putObject("input").put("command", "rm x");
      var behavior = ask(request).path("behavior").asText("none");
      toolResult("toolu_9", !behavior.equals("allow"));
      return behavior.equals("allow") ? "y" : behavior;
    }

    @Override
    public int unknownRequest() throws InterruptedException {
      return ask(object().put("subtype", "unheard_of")).isMissingNode() ? 1 : 0;
    }

    @Override
    public void complete(boolean cancelled) {
      var text = object().put("type", "text").put("text", said.toString());
      Simulator.send(assistant(text));
      var result = result(cancelled ? "error_during_execution" : "success", cancelled).put("num_turns", 1)
          .put("stop_reason", cancelled ? null : "end_turn")
          .put("terminal_reason", cancelled ? "aborted_streaming" : "completed").put("total_cost_usd", 0.001);
      if (!cancelled) {
        result.put("result", said.toString());
      }
      result.putObject("usage").put("input_tokens", 30).put("output_tokens", 4)
          .put("cache_read_input_tokens", 0).put("cache_creation_input_tokens", 0);
      Simulator.send(result);
    }

    @Override
    public void fail(int code) {
      Simulator.send(result("success", true).put("api_error_status", code).put("result", "scripted failure"));
    }

    @Override
    public void foreign() {
      Simulator.send(delta("not yours").put("session_id", "another session"));
      Simulator.send(result("success", false).put("result", "not yours").put("session_id", "another session"));
    }

    @Override
    public List<String> messages(String text) {
      return List.of(delta(text).toString(), assistant(use("toolu_7", "fuzz")).toString(),
          line("system").put("subtype", "status").put("status", "requesting").toString());
    }
  }

  private JsonNode ask(ObjectNode request) throws InterruptedException {
    var message = object().put("type", "control_request").put("request_id", "sim-" + requests++);
    Simulator.send(message.set("request", request));
    return Simulator.ANSWERS.take().path("response").path("response");
  }

  private ObjectNode use(String callId, String command) {
    var use = object().put("type", "tool_use").put("id", callId).put("name", "Bash");
    use.putObject("input").put("command", command);
    return use;
  }

  private ObjectNode assistant(ObjectNode content) {
    var line = line("assistant");
    line.putObject("message").put("id", "msg_1").put("role", "assistant").put("model", "simulated")
        .putArray("content").add(content);
    return line;
  }

  private ObjectNode delta(String text) {
    var line = line("stream_event");
    line.putObject("event").put("type", "content_block_delta").put("index", 0)
        .putObject("delta").put("type", "text_delta").put("text", text);
    return line;
  }

  private ObjectNode result(String subtype, boolean error) {
    return line("result").put("subtype", subtype).put("is_error", error);
  }

  private ObjectNode line(String type) {
    return object().put("type", type).put("session_id", session).put("uuid", UUID.randomUUID().toString())
        .putNull("parent_tool_use_id");
  }

  private static void answer(String requestId, JsonNode value) {
    var message = object().put("type", "control_response");
    message.putObject("response").put("subtype", "success").put("request_id", requestId).set("response", value);
    Simulator.send(message);
  }

  private static ObjectNode object() {
    return Simulator.JSON.createObjectNode();
  }
}
