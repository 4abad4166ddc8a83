package dev.portcullis.harness.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.config.HarnessConfig.ModelServer;
import dev.portcullis.harness.http.Dialect;
import dev.portcullis.harness.http.ModelError;
import dev.portcullis.harness.http.ModelEvent;
import dev.portcullis.harness.http.ModelJson;
import dev.portcullis.harness.http.Prompt;
import dev.portcullis.harness.http.ServerSentEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * OpenAI Chat Completions, as OpenAI and compatible servers speak it. Some of those leave out the last line,
 * {@code [DONE]}, or the usage; some put reasoning beside the answer, which is not part of it.
 */
final class ChatCodec implements Dialect {
  @Override
  public String models() {
    return "/models";
  }

  @Override
  public String turns() {
    return "/chat/completions";
  }

  @Override
  public Map<String, String> headers(String apiKey) {
    return Map.of("authorization", "Bearer " + apiKey);
  }

  @Override
  public ObjectNode body(ModelServer server, Prompt prompt) {
    var body = ModelJson.object().put("model", server.model()).put("stream", true);
    body.putObject("stream_options").put("include_usage", true);
    body.put("max_completion_tokens", server.maxOutputTokens());
    var messages = body.putArray("messages");
    if (!prompt.system().isEmpty()) {
      messages.addObject().put("role", "system").put("content", prompt.system());
    }
    prompt.messages().forEach(message ->
        messages.addObject().put("role", message.role()).put("content", message.text()));
    return body;
  }

  @Override
  public List<ModelEvent> decode(ServerSentEvent event) {
    if (event.data().strip().equals("[DONE]")) {
      return List.of(new ModelEvent.Done());
    }
    var chunk = ModelJson.event(event.data());
    if (chunk.hasNonNull("error")) {
      return List.of(new ModelEvent.Broken(ModelError.of(chunk)));
    }
    var events = new ArrayList<ModelEvent>();
    var choice = chunk.path("choices").path(0);
    text(events, choice.path("delta").path("content"));
    var refusal = choice.path("delta").path("refusal");
    text(events, refusal);
    if (refusal.isTextual() && !refusal.textValue().isEmpty()) {
      events.add(new ModelEvent.Stop("refusal", false));
    }
    if (choice.path("finish_reason").isTextual()) {
      events.add(new ModelEvent.Stop(stopReason(choice.path("finish_reason").textValue()), true));
    }
    if (chunk.path("usage").isObject()) {
      events.add(OpenAiUsage.of(chunk.path("usage"), "prompt", "completion"));
    }
    return events;
  }

  private static void text(List<ModelEvent> events, JsonNode piece) {
    if (piece.isTextual()) {
      events.add(new ModelEvent.Text(piece.textValue()));
    }
  }

  private static String stopReason(String word) {
    return switch (word) {
      case "stop" -> "end_turn";
      case "length" -> "max_tokens";
      case "content_filter" -> "refusal";
      case String other -> other;
    };
  }
}
