package dev.portcullis.harness;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;

/**
 * A model server on loopback that needs no model: speaks Chat Completions with streaming and obeys the last
 * directive of the last user message. {@code [[say WORDS]]} answers them word by word; {@code [[slow N MS]]}
 * answers {@code part1 part2 …}, N of them, MS milliseconds apart; {@code [[shell COMMAND]]} calls the tool
 * {@code bash} and then repeats what it said; {@code [[history]]} tells how many user messages the model was
 * given; {@code [[error STATUS]]} refuses.
 */
public final class StandInModel implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern DIRECTIVE = Pattern.compile(
      "\\[\\[(say|slow|shell|history|error) ?((?:(?!]]).)*)]]");

  /** @param turn a call of the agent for a turn, not for a title */
  public record Call(boolean turn, List<String> userMessages) {}

  private final HttpServer server;
  private final List<Call> calls = new CopyOnWriteArrayList<>();
  private final AtomicLong ids = new AtomicLong();

  /** Serves on a free port until closed. */
  public static StandInModel start() throws IOException {
    return new StandInModel();
  }

  private StandInModel() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/v1/chat/completions", this::serve);
    server.start();
  }

  /** What OpenAI-compatible clients want as their base URL. */
  public String baseUrl() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
  }

  /** What it was asked, oldest first. */
  public List<Call> calls() {
    return List.copyOf(calls);
  }

  /**
   * Environment that makes OpenCode talk to this server alone, with everything it keeps below {@code home}.
   */
  public Map<String, String> openCode(Path home) {
    var config = JSON.createObjectNode().put("model", "standin/standin-1")
        .put("small_model", "standin/standin-1")
        .put("autoupdate", false).put("share", "disabled");
    config.putArray("enabled_providers").add("standin");
    config.putObject("permission").put("bash", "ask").put("edit", "ask");
    var provider = config.putObject("provider").putObject("standin")
        .put("npm", "@ai-sdk/openai-compatible").put("name", "Stand-in");
    provider.putObject("options").put("baseURL", baseUrl()).put("apiKey", "none");
    provider.putObject("models").putObject("standin-1").put("name", "Stand-in 1");
    return Map.of("HOME", home.toString(), "OPENCODE_CONFIG_CONTENT", config.toString(),
        "OPENCODE_DISABLE_AUTOUPDATE", "1", "OPENCODE_DISABLE_MODELS_FETCH", "1",
            "OPENCODE_DISABLE_LSP_DOWNLOAD", "1",
        // It installs a plugin in the background; a registry that is not there keeps the network out of it.
        "npm_config_registry", "http://127.0.0.1:9/", "npm_config_fetch_retries", "0");
  }

  @Override
  public void close() {
    server.stop(0);
  }

  private void serve(HttpExchange exchange) throws IOException {
    try (exchange) {
      var request = JSON.readTree(exchange.getRequestBody());
      var users = new ArrayList<String>();
      request.path("messages").forEach(message -> {
        if (message.path("role").asText().equals("user")) {
          users.add(text(message.path("content")));
        }
      });
      calls.add(new Call(request.path("tools").size() > 0, List.copyOf(users)));
      var last = request.path("messages").path(request.path("messages").size() - 1);
      var words = users.isEmpty() ? "" : users.getLast();
      if (last.path("role").asText().equals("tool")) {
        stream(exchange, List.of("The tool said: ", text(last.path("content")).strip()), 0);
      } else {
        obey(exchange, words, users.size(), request.path("tools").size() > 0);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void obey(HttpExchange exchange, String message, int users, boolean tools)
      throws IOException, InterruptedException {
    var matcher = DIRECTIVE.matcher(message);
    var verb = "say";
    var rest = "ok";
    while (matcher.find()) {
      verb = matcher.group(1);
      rest = matcher.group(2).strip();
    }
    switch (verb) {
      case "slow" -> {
        var parts = new ArrayList<String>();
        for (int i = 1; i <= Integer.parseInt(rest.split(" ")[0]); i++) {
          parts.add("part" + i + " ");
        }
        stream(exchange, parts, tools ? Long.parseLong(rest.split(" ")[1]) : 0);
      }
      case "shell" -> callTool(exchange, rest);
      case "history" -> stream(exchange, List.of("users=" + users), 0);
      case "error" -> refuse(exchange, Integer.parseInt(rest));
      default -> stream(exchange, List.of(rest.split("(?<=\\s)(?=\\S)")), 0);
    }
  }

  private void stream(HttpExchange exchange, List<String> pieces, long pauseMillis)
      throws IOException, InterruptedException {
    try (var out = begin(exchange)) {
      var id = "chatcmpl-" + ids.incrementAndGet();
      send(out, chunk(id, JSON.createObjectNode().put("role", "assistant").put("content", ""), ""));
      for (var piece : pieces) {
        Thread.sleep(pauseMillis);
        send(out, chunk(id, JSON.createObjectNode().put("content", piece), ""));
      }
      end(out, id, "stop");
    }
  }

  private void callTool(HttpExchange exchange, String command) throws IOException {
    try (var out = begin(exchange)) {
      var id = "chatcmpl-" + ids.incrementAndGet();
      var delta = JSON.createObjectNode();
      var call = delta.putArray("tool_calls").addObject()
          .put("index", 0).put("id", "call_" + ids.incrementAndGet()).put("type", "function");
      var arguments = JSON.createObjectNode().put("command", command)
          .put("description", "run the scripted command");
      call.putObject("function").put("name", "bash").put("arguments", arguments.toString());
      send(out, chunk(id, delta, ""));
      end(out, id, "tool_calls");
    }
  }

  private static OutputStream begin(HttpExchange exchange) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", "text/event-stream; charset=utf-8");
    exchange.sendResponseHeaders(200, 0);
    return exchange.getResponseBody();
  }

  private static void end(OutputStream out, String id, String reason) throws IOException {
    send(out, chunk(id, JSON.createObjectNode(), reason));
    var usage = chunk(id, JSON.createObjectNode(), "");
    usage.putArray("choices");
    usage.putObject("usage").put("prompt_tokens", 110).put("completion_tokens", 12).put("total_tokens", 122);
    send(out, usage);
    out.write("data: [DONE]\n\n".getBytes(StandardCharsets.UTF_8));
  }

  private static void refuse(HttpExchange exchange, int status) throws IOException {
    var error = JSON.createObjectNode();
    error.putObject("error").put("message", "scripted failure").put("type", "scripted")
        .put("code", "scripted");
    var bytes = error.toString().getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private static ObjectNode chunk(String id, ObjectNode delta, String reason) {
    var chunk = JSON.createObjectNode().put("id", id).put("object", "chat.completion.chunk")
        .put("created", 1_700_000_000L).put("model", "standin-1");
    var choice = chunk.putArray("choices").addObject().put("index", 0);
    choice.set("delta", delta);
    choice.put("finish_reason", reason.isEmpty() ? null : reason);
    return chunk;
  }

  private static void send(OutputStream out, JsonNode chunk) throws IOException {
    out.write(("data: " + chunk + "\n\n").getBytes(StandardCharsets.UTF_8));
    out.flush();
  }

  /** Content is text, or a list of parts. */
  private static String text(JsonNode content) {
    if (content.isTextual()) {
      return content.textValue();
    }
    var text = new StringBuilder();
    content.forEach(part -> text.append(part.path("text").asText("")));
    return text.toString();
  }
}
