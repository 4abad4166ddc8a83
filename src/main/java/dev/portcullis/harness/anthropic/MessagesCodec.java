package dev.portcullis.harness.anthropic;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.config.HarnessConfig.ModelServer;
import dev.portcullis.harness.http.Dialect;
import dev.portcullis.harness.http.ModelError;
import dev.portcullis.harness.http.ModelEvent;
import dev.portcullis.harness.http.ModelEvent.Count;
import dev.portcullis.harness.http.ModelJson;
import dev.portcullis.harness.http.Prompt;
import dev.portcullis.harness.http.ServerSentEvent;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.Toolbox;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Anthropic Messages, version 2023-06-01. Input tokens do not include what went into or out of the cache. */
final class MessagesCodec implements Dialect {
  @Override
  public String models() {
    return "/v1/models?limit=1000";
  }

  @Override
  public String turns() {
    return "/v1/messages";
  }

  @Override
  public Map<String, String> headers(String apiKey) {
    return Map.of("x-api-key", apiKey, "anthropic-version", "2023-06-01");
  }

  @Override
  public ObjectNode body(ModelServer server, Prompt prompt) {
    var body = ModelJson.object().put("model", server.model()).put("stream", true)
        .put("max_tokens", server.maxOutputTokens());
    if (!prompt.system().isEmpty()) {
      body.put("system", prompt.system());
    }
    var said = prompt.tools().isEmpty() ? prompt.inWords() : prompt;
    var messages = body.putArray("messages");
    said.messages().forEach(message -> message(messages, message));
    if (!prompt.tools().isEmpty()) {
      tools(body, prompt.tools());
    }
    return body;
  }

  /** All results of one answer must stand in the one message that follows it. */
  private static void message(ArrayNode messages, Message message) {
    var role = message.role().equals("tool") ? "user" : message.role();
    boolean joins = role.equals("user") && afterResults(messages);
    if (!blocks(message) && !joins) {
      messages.addObject().put("role", role).put("content", message.text());
      return;
    }
    var content = joins
        ? (ArrayNode) messages.get(messages.size() - 1).path("content")
        : messages.addObject().put("role", role).putArray("content");
    if (!message.callId().isEmpty()) {
      content.addObject().put("type", "tool_result").put("tool_use_id", message.callId())
          .put("content", message.text());
      return;
    }
    message.images().forEach(image -> content.addObject().put("type", "image").putObject("source")
        .put("type", "base64").put("media_type", image.mediaType()).put("data", image.data()));
    if (!message.text().isEmpty()) {
      content.addObject().put("type", "text").put("text", message.text());
    }
    message.calls().forEach(call -> content.addObject().put("type", "tool_use").put("id", call.id())
        .put("name", call.name()).set("input", arguments(call)));
  }

  private static boolean blocks(Message message) {
    return !message.images().isEmpty() || !message.calls().isEmpty() || !message.callId().isEmpty();
  }

  private static boolean afterResults(ArrayNode messages) {
    return messages.path(messages.size() - 1).path("content").path(0).path("type").asText()
        .equals("tool_result");
  }

  /** Arguments are the model's own words, or a client's: they need not be what they should. */
  private static JsonNode arguments(FunctionCall call) {
    return ModelJson.read(call.arguments()).filter(ObjectNode.class::isInstance)
        .orElseGet(() -> ModelJson.object().put("arguments", call.arguments()));
  }

  private static void tools(ObjectNode body, Toolbox toolbox) {
    var tools = body.putArray("tools");
    for (var tool : toolbox.tools()) {
      var json = tools.addObject().put("name", tool.name());
      if (!tool.description().isEmpty()) {
        json.put("description", tool.description());
      }
      json.set("input_schema", ModelJson.read(tool.parameters()).filter(ObjectNode.class::isInstance)
          .orElseGet(() -> ModelJson.object().put("type", "object")));
    }
    var choice = body.putObject("tool_choice");
    switch (toolbox.choice()) {
      case AUTO -> choice.put("type", "auto");
      case NONE -> choice.put("type", "none");
      case REQUIRED -> choice.put("type", "any");
      case NAMED -> choice.put("type", "tool").put("name", toolbox.named());
    }
    if (toolbox.serial() && toolbox.choice() != Toolbox.Choice.NONE) {
      choice.put("disable_parallel_tool_use", true);
    }
  }

  @Override
  public List<ModelEvent> decode(ServerSentEvent event) {
    var frame = ModelJson.event(event.data());
    return switch (frame.path("type").asText(event.name())) {
      case "message_start" -> List.of(tokens(frame.path("message").path("usage")));
      case "content_block_start" -> begun(frame);
      case "content_block_delta" -> delta(frame);
      case "message_delta" -> end(frame);
      case "message_stop" -> List.of(new ModelEvent.Done());
      case "error" -> List.of(new ModelEvent.Broken(ModelError.of(frame)));
      case String _ -> List.of(); // A ping, the end of a block, or something newer.
    };
  }

  private static List<ModelEvent> begun(JsonNode frame) {
    var block = frame.path("content_block");
    return block.path("type").asText("").equals("tool_use")
        ? List.of(new ModelEvent.Call(
            frame.path("index").asInt(), block.path("id").asText(""), block.path("name").asText(""), ""))
        : text(block, "text");
  }

  private static List<ModelEvent> delta(JsonNode frame) {
    var delta = frame.path("delta");
    return delta.path("type").asText("").equals("input_json_delta")
        ? List.of(new ModelEvent.Call(
            frame.path("index").asInt(), "", "", delta.path("partial_json").asText("")))
        : text(delta, "text_delta");
  }

  /** Thinking and signatures have other types. */
  private static List<ModelEvent> text(JsonNode part, String type) {
    return part.path("type").asText("").equals(type)
        ? List.of(new ModelEvent.Text(part.path("text").asText("")))
        : List.of();
  }

  private static List<ModelEvent> end(JsonNode frame) {
    var events = new ArrayList<ModelEvent>();
    events.add(tokens(frame.path("usage")));
    var reason = frame.path("delta").path("stop_reason");
    if (reason.isTextual()) {
      events.add(new ModelEvent.Stop(stopReason(reason.textValue()), false));
    }
    return events;
  }

  private static ModelEvent.Tokens tokens(JsonNode usage) {
    var counts = new EnumMap<Count, Long>(Count.class);
    ModelJson.count(counts, Count.INPUT, usage.path("input_tokens"));
    ModelJson.count(counts, Count.OUTPUT, usage.path("output_tokens"));
    ModelJson.count(counts, Count.CACHE_READ, usage.path("cache_read_input_tokens"));
    ModelJson.count(counts, Count.CACHE_WRITE, usage.path("cache_creation_input_tokens"));
    return new ModelEvent.Tokens(counts);
  }

  /** end_turn, max_tokens, stop_sequence and refusal are our words too. */
  private static String stopReason(String word) {
    return word.equals("model_context_window_exceeded") ? "max_tokens" : word;
  }
}
