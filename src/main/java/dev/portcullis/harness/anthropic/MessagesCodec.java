package dev.portcullis.harness.anthropic;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.config.HarnessConfig.ModelServer;
import dev.portcullis.harness.http.Dialect;
import dev.portcullis.harness.http.ModelError;
import dev.portcullis.harness.http.ModelEvent;
import dev.portcullis.harness.http.ModelEvent.Count;
import dev.portcullis.harness.http.ModelJson;
import dev.portcullis.harness.http.Prompt;
import dev.portcullis.harness.http.ServerSentEvent;
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
    var messages = body.putArray("messages");
    prompt.messages().forEach(message ->
        messages.addObject().put("role", message.role()).put("content", message.text()));
    return body;
  }

  @Override
  public List<ModelEvent> decode(ServerSentEvent event) {
    var frame = ModelJson.event(event.data());
    return switch (frame.path("type").asText(event.name())) {
      case "message_start" -> List.of(tokens(frame.path("message").path("usage")));
      case "content_block_start" -> text(frame.path("content_block"), "text");
      case "content_block_delta" -> text(frame.path("delta"), "text_delta");
      case "message_delta" -> end(frame);
      case "message_stop" -> List.of(new ModelEvent.Done());
      case "error" -> List.of(new ModelEvent.Broken(ModelError.of(frame)));
      case String _ -> List.of(); // A ping, the end of a block, or something newer.
    };
  }

  /** Thinking, signatures and tools have other types. */
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
