package dev.portcullis.harness.acp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.regex.Pattern;

/**
 * A stand-in agent, a program of its own, scripted by the last {@code [[sim …]]} of the prompt. The
 * environment sets what it is: SIM_PROTOCOL, SIM_DELAY_MS, SIM_NAME, SIM_CAPABILITIES (load, resume),
 * SIM_STORE (directory of sessions), SIM_LOGIN (the only {@code authenticate} that helps), SIM_CHOICES (how model
 * and mode are chosen: {@code options} or {@code older}).
 */
public final class AcpSimulator {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern DIRECTIVE = Pattern.compile("\\[\\[sim ([^\\]]*)]]");
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  private static final Map<String, String> ENV = System.getenv();
  private static final BlockingQueue<JsonNode> ANSWERS = new LinkedBlockingQueue<>();
  private static volatile CountDownLatch cancelled = new CountDownLatch(1);
  private static final Map<String, String> CHOSEN = new ConcurrentHashMap<>(Map.of("model", "m1", "mode", "ask"));
  private static volatile boolean deaf;
  private static volatile boolean loggedIn;
  private static volatile JsonNode offered;
  private static int requests;
  private static int priced;

  private AcpSimulator() {}

  /** Command line of a simulator that runs like the JVM it is called from. */
  static List<String> arguments() {
    return List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx64m", "-Xrs",
        "-cp", System.getProperty("java.class.path"), AcpSimulator.class.getName());
  }

  static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  public static void main(String[] args) throws Exception {
    Thread.sleep(Long.parseLong(ENV.getOrDefault("SIM_DELAY_MS", "0")));
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (var line = in.readLine(); line != null; line = in.readLine()) {
      var message = JSON.readTree(line);
      if (!message.has("method")) {
        ANSWERS.add(message);
      } else if (message.get("method").asText().equals("session/cancel")) {
        cancelled.countDown();
      } else {
        receive(message.get("id"), message.get("method").asText(), message.get("params"));
      }
    }
    while (deaf) {
      Thread.sleep(1_000);
    }
    Runtime.getRuntime().halt(0);
  }

  private static void receive(JsonNode id, String method, JsonNode params) throws IOException {
    switch (method) {
      case "initialize" -> {
        offered = params.get("clientCapabilities");
        answer(id, initialized());
      }
      case "authenticate" -> {
        loggedIn = params.path("methodId").asText().equals(ENV.get("SIM_LOGIN"));
        if (loggedIn) {
          answer(id, JSON.createObjectNode());
        } else {
          error(id, -32602, "unknown method");
        }
      }
      case "session/set_config_option" ->
          choose(id, method, params, params.path("configId").asText().substring(3), params.path("value"));
      case "session/set_model" -> choose(id, method, params, "model", params.path("modelId"));
      case "session/set_mode" -> choose(id, method, params, "mode", params.path("modeId"));
      case "session/new" -> {
        if (ENV.containsKey("SIM_LOGIN") && !loggedIn) {
          error(id, -32000, "Authentication required");
          return;
        }
        var session = "sim-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
        Files.createFile(store(session));
        answer(id, choices().put("sessionId", session));
      }
      case "session/load", "session/resume" -> reopen(id, method, params.get("sessionId").asText());
      case "session/prompt" -> {
        cancelled = new CountDownLatch(1);
        Thread.ofVirtual().start(() -> turn(id, params));
      }
      default -> error(id, -32601, "method not found");
    }
  }

  private static ObjectNode initialized() {
    var result = JSON.createObjectNode()
        .put("protocolVersion", Integer.parseInt(ENV.getOrDefault("SIM_PROTOCOL", "1")));
    var capabilities = ENV.getOrDefault("SIM_CAPABILITIES", "resume");
    var agent = result.putObject("agentCapabilities").put("loadSession", capabilities.contains("load"));
    if (capabilities.contains("resume")) {
      agent.putObject("sessionCapabilities").putObject("resume");
    }
    result.putObject("agentInfo").put("name", ENV.getOrDefault("SIM_NAME", "simulator"))
        .put("version", "7.1");
    result.putArray("authMethods").addObject().put("id", "login").put("description", "Run `sim login`");
    return result;
  }

  private static void reopen(JsonNode id, String method, String session) throws IOException {
    if (!Files.exists(store(session))) {
      error(id, -32603, "unknown session");
      return;
    }
    if (method.endsWith("load")) {
      update(session, text("replayed before"));
      answer(id, choices());
      update(session, text("replayed after"));
      pause(100);
      update(session, text("replayed much later"));
    } else {
      answer(id, choices());
    }
  }

  private static ObjectNode choices() {
    var result = JSON.createObjectNode();
    switch (ENV.getOrDefault("SIM_CHOICES", "")) {
      case "options" -> {
        var options = result.putArray("configOptions");
        option(options.addObject(), "model").addObject().put("value", "m1");
        // Options may be in groups.
        option(options.addObject(), "mode").addObject().putArray("options").addObject().put("value", "ask");
      }
      case "older" -> {
        result.putObject("models").put("currentModelId", CHOSEN.get("model")).putArray("availableModels")
            .addObject().put("modelId", "m1");
        result.putObject("modes").put("currentModeId", CHOSEN.get("mode")).putArray("availableModes")
            .addObject().put("id", "ask");
      }
      default -> { } // There is no choice.
    }
    return result;
  }

  private static ArrayNode option(ObjectNode option, String what) {
    return option.put("id", "my-" + what).put("category", what).put("currentValue", CHOSEN.get(what))
        .putArray("options");
  }

  /** As Gemini does, it says so in a chunk that belongs to no turn. */
  private static void choose(JsonNode id, String method, JsonNode params, String what, JsonNode value) {
    if (value.asText().equals("wrong")) {
      error(id, -32602, "no such " + what);
      return;
    }
    CHOSEN.put(what, value.asText());
    CHOSEN.merge("by", method, (old, now) -> old + " " + now);
    update(params.path("sessionId").asText(), text("[UPDATE] " + what));
    answer(id, JSON.createObjectNode());
  }

  private static void turn(JsonNode id, JsonNode params) {
    try {
      var session = params.get("sessionId").asText();
      var prompt = params.get("prompt").get(0).get("text").asText();
      Files.writeString(store(session), prompt.replace('\n', '|') + "\n", StandardOpenOption.APPEND);
      var matcher = DIRECTIVE.matcher(prompt);
      var script = "";
      while (matcher.find()) {
        script = matcher.group(1);
      }
      play(id, session, prompt, script.split(" "));
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void play(JsonNode id, String session, String prompt, String[] script)
      throws IOException, InterruptedException {
    var stop = "end_turn";
    switch (script[0]) {
      case "stream" -> {
        for (int i = 0; i < Integer.parseInt(script[1]); i++) {
          update(session, text("w" + i + " "));
        }
      }
      case "slow" -> {
        for (int i = 0; i < Integer.parseInt(script[1]); i++) {
          update(session, text("w" + i + " "));
          pause(Long.parseLong(script[2]));
        }
      }
      case "tool" -> tools(session);
      case "permission" -> permission(session);
      case "hang" -> {
        update(session, text("hanging"));
        cancelled.await();
        stop = "cancelled";
      }
      case "deaf" -> {
        deaf = true;
        update(session, text("deaf"));
        return;
      }
      case "die" -> {
        update(session, text("dying"));
        System.err.println("the reason is secret-in-stderr");
        pause(50);
        Runtime.getRuntime().halt(3);
      }
      case "half" -> {
        update(session, text("half"));
        OUT.print("{\"jsonrpc\":\"2.0\",\"id\":");
        OUT.flush();
        Runtime.getRuntime().halt(0);
      }
      case "garbage" -> {
        OUT.println("Welcome to the agent!\n[1,2]\n\n{\"half");
        update(session, text("after garbage"));
      }
      case "daemon" -> {
        var daemon = new ProcessBuilder("setsid", "sleep", "1000").start();
        update(session, text("daemon " + daemon.pid()));
        cancelled.await();
        stop = "cancelled";
      }
      case "busy" -> {
        update(session, tool("tool_call", "c3", "in_progress").put("title", "work"));
        update(session, text("daemon " + new ProcessBuilder("setsid", "sleep", "1000").start().pid()));
        cancelled.await();
        update(session, tool("tool_call_update", "c3", "failed"));
        stop = "cancelled";
      }
      case "chosen" -> update(session, text(new TreeMap<>(CHOSEN).toString()));
      case "offered" -> update(session, text(offered.toString()));
      case "read" -> served(session, "fs/read_text_file", JSON.createObjectNode().put("path", script[1]));
      case "write" -> served(session, "fs/write_text_file",
          JSON.createObjectNode().put("path", script[1]).put("content", script[2]));
      case "terminal" -> terminal(session, String.join(" ", script).substring("terminal ".length()));
      case "withdraw" -> withdraw(session);
      case "kinds" -> {
        for (var kind : List.of("agent_thought_chunk", "plan", "available_commands_update", "usage_update",
            "session_info_update", "notice", "of_next_year")) {
          update(session, text("not for you").put("sessionUpdate", kind));
        }
        var cost = JSON.createObjectNode().put("sessionUpdate", "usage_update");
        cost.putObject("cost").put("amount", 0.25 * ++priced).put("currency", "USD");
        update(session, cost);
        update(session, text("all kinds"));
      }
      case "late" -> update("another session", text("not yours"));
      case "error" -> {
        error(id, Integer.parseInt(script[1]), "scripted failure");
        return;
      }
      case "history" -> update(session, text(String.join(";", Files.readAllLines(store(session)))));
      case "pwd" -> update(session, text(Path.of("").toAbsolutePath().toString()));
      default -> update(session, text("heard: " + prompt));
    }
    var result = JSON.createObjectNode().put("stopReason", stop);
    result.putObject("usage").put("inputTokens", 30).put("outputTokens", 4);
    answer(id, result);
    if (script[0].equals("late")) {
      update(session, text("too late"));
    }
  }

  private static void tools(String session) {
    update(session, tool("tool_call", "c1", "pending").put("title", "bash").put("kind", "execute"));
    var running = tool("tool_call_update", "c1", "in_progress").put("title", "echo hi");
    running.putObject("rawInput").put("command", "echo hi");
    update(session, running);
    update(session, tool("tool_call_update", "c1", "completed"));
    update(session, tool("tool_call_update", "never-announced", "failed").put("title", "lost"));
    update(session, tool("tool_call", "never-ended", "in_progress").put("title", "open"));
    pause(400);
  }

  private static JsonNode served(String session, String method, ObjectNode params) throws InterruptedException {
    var answer = ask(method, params.put("sessionId", session));
    update(session, text(answer.has("error") ? "code " + answer.path("error").path("code").asInt()
        : answer.path("result").toString()));
    return answer.path("result");
  }

  /** Runs it and tells its output; one that does not end is left running until the turn is cancelled. */
  private static void terminal(String session, String script) throws InterruptedException {
    var params = JSON.createObjectNode().put("command", "sh");
    params.putArray("args").add("-c").add(script);
    var terminal = served(session, "terminal/create", params);
    if (script.contains("sleep")) {
      cancelled.await();
    } else if (terminal.has("terminalId")) {
      served(session, "terminal/wait_for_exit", terminal.deepCopy());
      served(session, "terminal/output", terminal.deepCopy());
      served(session, "terminal/release", terminal.deepCopy());
    }
  }

  private static void withdraw(String session) throws InterruptedException {
    var params = JSON.createObjectNode().put("sessionId", session);
    params.putObject("toolCall").put("toolCallId", "c4").put("title", "rm y");
    params.putArray("options").addObject().put("optionId", "y").put("kind", "allow_once");
    var cancel = JSON.createObjectNode().put("jsonrpc", "2.0").put("method", "$/cancel_request");
    cancel.putObject("params").put("requestId", requests);
    var message = JSON.createObjectNode().put("jsonrpc", "2.0").put("id", requests++)
        .put("method", "session/request_permission");
    send(message.set("params", params));
    send(cancel);
    update(session, text(ANSWERS.take().path("result").path("outcome").path("outcome").asText()));
  }

  private static void permission(String session) throws InterruptedException {
    update(session, tool("tool_call", "c2", "pending").put("title", "bash"));
    var params = JSON.createObjectNode().put("sessionId", session);
    var call = params.putObject("toolCall").put("toolCallId", "c2").put("title", "rm x")
        .put("kind", "execute");
    call.putObject("rawInput").put("command", "rm x");
    var options = params.putArray("options");
    options.addObject().put("optionId", "a1").put("kind", "allow_always").put("name", "Always");
    options.addObject().put("optionId", "y1").put("kind", "allow_once").put("name", "Yes");
    options.addObject().put("optionId", "n1").put("kind", "reject_once").put("name", "No");
    var outcome = ask("session/request_permission", params).path("result").path("outcome");
    var chosen = outcome.path("optionId").asText(outcome.path("outcome").asText());
    update(session, tool("tool_call_update", "c2", chosen.equals("y1") ? "completed" : "failed"));
    update(session, text("chosen " + chosen));
  }

  private static JsonNode ask(String method, ObjectNode params) throws InterruptedException {
    var message = JSON.createObjectNode().put("jsonrpc", "2.0").put("id", requests++).put("method", method);
    send(message.set("params", params));
    return ANSWERS.take();
  }

  private static ObjectNode tool(String kind, String callId, String status) {
    return JSON.createObjectNode().put("sessionUpdate", kind).put("toolCallId", callId).put("status", status);
  }

  private static ObjectNode text(String text) {
    var update = JSON.createObjectNode().put("sessionUpdate", "agent_message_chunk");
    update.putObject("content").put("type", "text").put("text", text);
    return update;
  }

  private static void update(String session, ObjectNode update) {
    var message = JSON.createObjectNode().put("jsonrpc", "2.0").put("method", "session/update");
    message.putObject("params").put("sessionId", session).set("update", update);
    send(message);
  }

  private static void answer(JsonNode id, ObjectNode result) {
    var message = JSON.createObjectNode().put("jsonrpc", "2.0");
    message.set("id", id);
    send(message.set("result", result));
  }

  private static void error(JsonNode id, int code, String text) {
    var message = JSON.createObjectNode().put("jsonrpc", "2.0");
    message.set("id", id);
    message.putObject("error").put("code", code).put("message", text);
    send(message);
  }

  private static synchronized void send(JsonNode message) {
    OUT.println(message);
  }

  private static Path store(String session) {
    return Path.of(ENV.get("SIM_STORE")).resolve(session);
  }

  private static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
