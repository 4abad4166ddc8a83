package dev.portcullis.harness;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** OpenAI Chat Completions. */
final class ChatDialect implements ModelDialect {
  private final String id;
  private final String model;

  ChatDialect(long number, Asked asked) {
    this.id = "chatcmpl-" + number;
    this.model = asked.model();
  }

  static Asked read(JsonNode body) {
    var users = new ArrayList<String>();
    var assistants = 0;
    var toolSaid = Optional.<String>empty();
    for (var message : body.path("messages")) {
      var text = text(message.path("content"));
      switch (message.path("role").asText()) {
        case "user" -> {
          if (ModelDialect.said(text)) {
            users.add(text);
            toolSaid = Optional.empty();
          }
        }
        case "assistant" -> assistants++;
        case "tool" -> toolSaid = Optional.of(text);
        default -> { } // The system's words direct nothing.
      }
    }
    var tools = new LinkedHashMap<String, JsonNode>();
    body.path("tools").forEach(tool ->
        tools.put(tool.path("function").path("name").asText(), tool.path("function").path("parameters")));
    return new Asked(body.path("model").asText(), body.path("stream").asBoolean(), List.copyOf(users), assistants,
        toolSaid, tools);
  }

  private static String text(JsonNode content) {
    return ModelDialect.text(content);
  }

  @Override
  public Map<String, String> headers() {
    return openAiHeaders();
  }

  static Map<String, String> openAiHeaders() {
    return Map.of("x-ratelimit-limit-requests", "500", "x-ratelimit-remaining-requests", "499",
        "x-ratelimit-reset-requests", "120ms", "x-request-id", "req_standin");
  }

  @Override
  public List<Frame> begin() {
    return List.of(delta(ModelDialect.object().put("role", "assistant").put("content", "")));
  }

  @Override
  public List<Frame> text(String piece) {
    return List.of(delta(ModelDialect.object().put("content", piece)));
  }

  @Override
  public List<Frame> call(ToolCall call) {
    var arguments = call.arguments().toString();
    var half = arguments.length() / 2;
    var first = ModelDialect.object();
    first.putArray("tool_calls").addObject().put("index", 0).put("id", "call_" + id).put("type", "function")
        .putObject("function").put("name", call.name()).put("arguments", "");
    return List.of(delta(first), delta(piece(arguments.substring(0, half))), delta(piece(arguments.substring(half))));
  }

  private static ObjectNode piece(String arguments) {
    var delta = ModelDialect.object();
    delta.putArray("tool_calls").addObject().put("index", 0).putObject("function").put("arguments", arguments);
    return delta;
  }

  @Override
  public List<Frame> end(Finish finish) {
    var last = chunk();
    last.withArray("choices").add(choice("delta", ModelDialect.object(), reason(finish)));
    last.putNull("usage");
    var usage = chunk();
    usage.putArray("choices");
    usage.set("usage", usage());
    return List.of(Frame.of(last), Frame.of(usage), new Frame(Optional.empty(), "[DONE]"));
  }

  @Override
  public List<Frame> fail() {
    var frame = ModelDialect.object();
    frame.putObject("error").put("message", "The server had an error while processing your request")
        .put("type", "server_error").putNull("param").putNull("code");
    return List.of(Frame.of(frame));
  }

  @Override
  public JsonNode whole(String text, Optional<ToolCall> call, Finish finish) {
    var message = ModelDialect.object().put("role", "assistant").put("content", text);
    call.ifPresent(tool -> message.putArray("tool_calls").addObject()
        .put("id", "call_" + id).put("type", "function")
        .putObject("function").put("name", tool.name()).put("arguments", tool.arguments().toString()));
    var whole = chunk().put("object", "chat.completion");
    whole.withArray("choices").add(choice("message", message, reason(finish)));
    whole.set("usage", usage());
    return whole;
  }

  @Override
  public JsonNode error(int status) {
    return openAiError(status);
  }

  static JsonNode openAiError(int status) {
    var body = ModelDialect.object();
    var error = body.putObject("error").put("message", FAILURE);
    switch (status) {
      case 401 -> error.put("type", "invalid_request_error").putNull("param").put("code", "invalid_api_key");
      case 404 -> error.put("type", "invalid_request_error").putNull("param").put("code", "model_not_found");
      case 429 -> error.put("type", "rate_limit_exceeded").putNull("param").put("code", "rate_limit_exceeded");
      case 400, 403, 413 ->
          error.put("type", "invalid_request_error").putNull("param").putNull("code");
      default -> error.put("type", "server_error").putNull("param").putNull("code");
    }
    return body;
  }

  private Frame delta(ObjectNode delta) {
    var chunk = chunk();
    chunk.withArray("choices").add(choice("delta", delta, Optional.empty()));
    return Frame.of(chunk.putNull("usage"));
  }

  private ObjectNode chunk() {
    return ModelDialect.object().put("id", id).put("created", 1_700_000_000L).put("model", model)
        .put("system_fingerprint", "fp_standin").put("object", "chat.completion.chunk");
  }

  private static ObjectNode choice(String name, ObjectNode content, Optional<String> reason) {
    var choice = ModelDialect.object().put("index", 0);
    choice.set(name, content);
    reason.ifPresentOrElse(text -> choice.put("finish_reason", text), () -> choice.putNull("finish_reason"));
    return choice;
  }

  private static Optional<String> reason(Finish finish) {
    return Optional.of(switch (finish) {
      case STOP -> "stop";
      case TOOL -> "tool_calls";
      case LENGTH -> "length";
    });
  }

  private static ObjectNode usage() {
    var usage = ModelDialect.object().put("prompt_tokens", INPUT).put("completion_tokens", OUTPUT)
        .put("total_tokens", INPUT + OUTPUT);
    usage.putObject("prompt_tokens_details").put("cached_tokens", CACHED);
    usage.putObject("completion_tokens_details").put("reasoning_tokens", 0);
    return usage;
  }
}
