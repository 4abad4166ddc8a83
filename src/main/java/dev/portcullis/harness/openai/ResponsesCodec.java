package dev.portcullis.harness.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.config.HarnessConfig.ModelServer;
import dev.portcullis.harness.http.Dialect;
import dev.portcullis.harness.http.ModelError;
import dev.portcullis.harness.http.ModelEvent;
import dev.portcullis.harness.http.ModelJson;
import dev.portcullis.harness.http.Prompt;
import dev.portcullis.harness.http.ServerSentEvent;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.Toolbox;
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
    prompt.messages().forEach(message -> items(input, message));
    if (!prompt.tools().isEmpty()) {
      tools(body, prompt.tools());
    }
    return body;
  }

  private static void items(ArrayNode input, Message message) {
    if (!message.callId().isEmpty()) {
      input.addObject().put("type", "function_call_output").put("call_id", message.callId())
          .put("output", message.text());
      return;
    }
    if (!message.images().isEmpty()) {
      var content = input.addObject().put("role", message.role()).putArray("content");
      if (!message.text().isEmpty()) {
        content.addObject().put("type", "input_text").put("text", message.text());
      }
      message.images().forEach(image ->
          content.addObject().put("type", "input_image").put("image_url", image.url()));
    } else if (!message.text().isEmpty() || message.calls().isEmpty()) {
      input.addObject().put("role", message.role()).put("content", message.text());
    }
    message.calls().forEach(call -> input.addObject().put("type", "function_call").put("call_id", call.id())
        .put("name", call.name()).put("arguments", call.arguments()));
  }

  private static void tools(ObjectNode body, Toolbox toolbox) {
    var tools = body.putArray("tools");
    toolbox.tools().forEach(tool -> OpenAiTools.function(
        tools.addObject().put("type", "function").put("strict", tool.strict()), tool));
    switch (toolbox.choice()) {
      case AUTO, NONE, REQUIRED -> body.put("tool_choice", OpenAiTools.word(toolbox.choice()));
      case NAMED -> body.putObject("tool_choice").put("type", "function").put("name", toolbox.named());
    }
    if (toolbox.serial()) {
      body.put("parallel_tool_calls", false);
    }
  }

  @Override
  public List<ModelEvent> decode(ServerSentEvent event) {
    var frame = ModelJson.event(event.data());
    return switch (frame.path("type").asText(event.name())) {
      case "response.output_text.delta" -> List.of(new ModelEvent.Text(frame.path("delta").asText("")));
      case "response.refusal.delta" -> List.of(
          new ModelEvent.Text(frame.path("delta").asText("")), new ModelEvent.Stop("refusal", false));
      case "response.output_item.done" -> call(frame);
      case "response.completed" -> end(frame.path("response"), "end_turn");
      case "response.incomplete" -> end(frame.path("response"),
          stopReason(frame.path("response").path("incomplete_details").path("reason").asText("incomplete")));
      case "response.failed" -> List.of(new ModelEvent.Broken(ModelError.of(frame.path("response"))));
      case "error" -> List.of(new ModelEvent.Broken(ModelError.of(withoutType(frame))));
      case String _ -> List.of(); // Progress, reasoning, or something newer.
    };
  }

  /** Each call comes whole. */
  private static List<ModelEvent> call(JsonNode frame) {
    var item = frame.path("item");
    return item.path("type").asText().equals("function_call")
        ? List.of(new ModelEvent.Call(frame.path("output_index").asInt(), item.path("call_id").asText(""),
            item.path("name").asText(""), item.path("arguments").asText("")))
        : List.of();
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
