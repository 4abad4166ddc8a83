package dev.portcullis.harness;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Anthropic Messages. */
final class MessagesDialect implements ModelDialect {
  private final long number;
  private final String model;

  MessagesDialect(long number, Asked asked) {
    this.number = number;
    this.model = asked.model();
  }

  static Asked read(JsonNode body) {
    var users = new ArrayList<String>();
    var assistants = 0;
    var toolSaid = Optional.<String>empty();
    for (var message : body.path("messages")) {
      if (message.path("role").asText().equals("assistant")) {
        assistants++;
      }
      if (!message.path("role").asText().equals("user")) {
        continue; // Claude Code puts the system's words between them.
      }
      var results = new ArrayList<String>();
      message.path("content").forEach(block -> {
        if (block.path("type").asText().equals("tool_result")) {
          results.add(ModelDialect.text(block.path("content")));
        }
      });
      var text = ModelDialect.text(message.path("content"));
      if (!results.isEmpty()) {
        toolSaid = Optional.of(String.join("\n", results));
      }
      // Beside results stand the agent's reminders, and what the user said meanwhile.
      if (results.isEmpty() ? ModelDialect.said(text) : StandInScript.directs(text)) {
        users.add(text);
        toolSaid = Optional.empty();
      }
    }
    var tools = new LinkedHashMap<String, JsonNode>();
    body.path("tools").forEach(tool -> tools.put(tool.path("name").asText(), tool.path("input_schema")));
    return new Asked(body.path("model").asText(), body.path("stream").asBoolean(), List.copyOf(users), assistants,
        toolSaid, tools);
  }

  @Override
  public Map<String, String> headers() {
    return Map.of("anthropic-ratelimit-requests-limit", "50", "anthropic-ratelimit-requests-remaining", "49",
        "anthropic-ratelimit-requests-reset", "2030-01-01T00:00:00Z", "request-id", "req_standin");
  }

  @Override
  public List<Frame> begin() {
    var start = event("message_start");
    start.set("message", message(1));
    return List.of(Frame.named(start), Frame.named(event("ping")),
        block(0, ModelDialect.object().put("type", "text").put("text", "")));
  }

  @Override
  public List<Frame> text(String piece) {
    return List.of(delta(0, ModelDialect.object().put("type", "text_delta").put("text", piece)));
  }

  @Override
  public List<Frame> call(ToolCall call) {
    var arguments = call.arguments().toString();
    var half = arguments.length() / 2;
    return List.of(stop(0), block(1, toolUse(call, ModelDialect.object())),
        delta(1, input(arguments.substring(0, half))), delta(1, input(arguments.substring(half))));
  }

  private static ObjectNode input(String piece) {
    return ModelDialect.object().put("type", "input_json_delta").put("partial_json", piece);
  }

  @Override
  public List<Frame> end(Finish finish) {
    var last = event("message_delta");
    last.putObject("delta").put("stop_reason", reason(finish)).putNull("stop_sequence");
    last.set("usage", usage(OUTPUT));
    return List.of(stop(finish == Finish.TOOL ? 1 : 0), Frame.named(last), Frame.named(event("message_stop")));
  }

  @Override
  public List<Frame> fail() {
    return List.of(Frame.named(error("overloaded_error", "Overloaded")));
  }

  @Override
  public JsonNode whole(String text, Optional<ToolCall> call, Finish finish) {
    var message = message(OUTPUT).put("stop_reason", reason(finish));
    message.withArray("content").addObject().put("type", "text").put("text", text);
    call.ifPresent(tool -> message.withArray("content").add(toolUse(tool, tool.arguments())));
    return message;
  }

  @Override
  public JsonNode error(int status) {
    return error(switch (status) {
      case 400 -> "invalid_request_error";
      case 401 -> "authentication_error";
      case 403 -> "permission_error";
      case 404 -> "not_found_error";
      case 413 -> "request_too_large";
      case 429 -> "rate_limit_error";
      case 529 -> "overloaded_error";
      default -> "api_error";
    }, FAILURE);
  }

  static ObjectNode error(String type, String message) {
    var body = event("error");
    body.putObject("error").put("type", type).put("message", message);
    return body.put("request_id", "req_standin");
  }

  private static ObjectNode event(String type) {
    return ModelDialect.object().put("type", type);
  }

  private ObjectNode message(int outputTokens) {
    var message = ModelDialect.object().put("id", "msg_" + number).put("type", "message")
        .put("role", "assistant").put("model", model);
    message.putArray("content");
    message.putNull("stop_reason").putNull("stop_sequence").set("usage", usage(outputTokens));
    return message;
  }

  private static ObjectNode usage(int outputTokens) {
    return ModelDialect.object().put("input_tokens", INPUT).put("cache_creation_input_tokens", 0)
        .put("cache_read_input_tokens", CACHED).put("output_tokens", outputTokens);
  }

  private ObjectNode toolUse(ToolCall call, ObjectNode input) {
    var block = ModelDialect.object().put("type", "tool_use").put("id", "toolu_" + number).put("name", call.name());
    block.set("input", input);
    return block;
  }

  private static Frame block(int index, ObjectNode block) {
    var event = event("content_block_start").put("index", index);
    event.set("content_block", block);
    return Frame.named(event);
  }

  private static Frame delta(int index, ObjectNode delta) {
    var event = event("content_block_delta").put("index", index);
    event.set("delta", delta);
    return Frame.named(event);
  }

  private static Frame stop(int index) {
    return Frame.named(event("content_block_stop").put("index", index));
  }

  private static String reason(Finish finish) {
    return switch (finish) {
      case STOP -> "end_turn";
      case TOOL -> "tool_use";
      case LENGTH -> "max_tokens";
    };
  }
}
