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
 * OpenAI Responses. The server is asked to keep nothing ({@code store: false}): the journal has the
 * conversation. The last event repeats the whole answer, which then counts.
 */
final class ResponsesCodec implements Dialect {
  @Override
  public String models() {
    return "/models";
  }

  @Override
  public String turns() {
    return "/responses";
  }

  @Override
  public Map<String, String> headers(String apiKey) {
    return Map.of("authorization", "Bearer " + apiKey);
  }

  @Override
  public ObjectNode body(ModelServer server, Prompt prompt) {
    var body = ModelJson.object().put("model", server.model()).put("stream", true).put("store", false);
    body.put("max_output_tokens", server.maxOutputTokens());
    if (!prompt.system().isEmpty()) {
      body.put("instructions", prompt.system());
    }
    var input = body.putArray("input");
    prompt.messages().forEach(message ->
        input.addObject().put("role", message.role()).put("content", message.text()));
    return body;
  }

  @Override
  public List<ModelEvent> decode(ServerSentEvent event) {
    var frame = ModelJson.event(event.data());
    return switch (frame.path("type").asText(event.name())) {
      case "response.output_text.delta" -> List.of(new ModelEvent.Text(frame.path("delta").asText("")));
      case "response.refusal.delta" -> List.of(
          new ModelEvent.Text(frame.path("delta").asText("")), new ModelEvent.Stop("refusal", false));
      case "response.completed" -> end(frame.path("response"), "end_turn");
      case "response.incomplete" -> end(frame.path("response"),
          stopReason(frame.path("response").path("incomplete_details").path("reason").asText("incomplete")));
      case "response.failed" -> List.of(new ModelEvent.Broken(ModelError.of(frame.path("response"))));
      case "error" -> List.of(new ModelEvent.Broken(ModelError.of(withoutType(frame))));
      case String _ -> List.of(); // Progress, reasoning, tools we did not offer, or something newer.
    };
  }

  /** The type of the event itself is no type of error. */
  private static JsonNode withoutType(JsonNode frame) {
    return ((ObjectNode) frame.deepCopy()).without("type");
  }

  private static List<ModelEvent> end(JsonNode response, String reason) {
    var events = new ArrayList<ModelEvent>();
    var text = new StringBuilder();
    for (var item : response.path("output")) {
      for (var part : item.path("content")) {
        if (item.path("type").asText().equals("message")) {
          text.append(part.path("text").asText("")).append(part.path("refusal").asText(""));
        }
      }
    }
    events.add(new ModelEvent.Whole(text.toString()));
    if (response.path("usage").isObject()) {
      events.add(OpenAiUsage.of(response.path("usage"), "input", "output"));
    }
    events.add(new ModelEvent.Stop(reason, true));
    events.add(new ModelEvent.Done());
    return events;
  }

  private static String stopReason(String word) {
    return switch (word) {
      case "max_output_tokens" -> "max_tokens";
      case "content_filter" -> "refusal";
      case String other -> other;
    };
  }
}
