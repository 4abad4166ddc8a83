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
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.Toolbox;
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
    prompt.messages().forEach(message -> message(messages.addObject(), message));
    if (!prompt.tools().isEmpty()) {
      tools(body, prompt.tools());
    }
    return body;
  }

  private static void message(ObjectNode json, Message message) {
    json.put("role", message.role());
    if (!message.images().isEmpty()) {
      var content = json.putArray("content");
      if (!message.text().isEmpty()) {
        content.addObject().put("type", "text").put("text", message.text());
      }
      message.images().forEach(image ->
          content.addObject().put("type", "image_url").putObject("image_url").put("url", image.url()));
    } else if (message.text().isEmpty() && !message.calls().isEmpty()) {
      json.putNull("content");
    } else {
      json.put("content", message.text());
    }
    if (!message.callId().isEmpty()) {
      json.put("tool_call_id", message.callId());
    }
    if (!message.calls().isEmpty()) {
      var calls = json.putArray("tool_calls");
      message.calls().forEach(call -> calls.addObject().put("id", call.id()).put("type", "function")
          .putObject("function").put("name", call.name()).put("arguments", call.arguments()));
    }
  }

  private static void tools(ObjectNode body, Toolbox toolbox) {
    var tools = body.putArray("tools");
    for (var tool : toolbox.tools()) {
      var function = tools.addObject().put("type", "function").putObject("function");
      OpenAiTools.function(function, tool);
      if (tool.strict()) { // Not every compatible server knows the word.
        function.put("strict", true);
      }
    }
    switch (toolbox.choice()) {
      case AUTO, NONE, REQUIRED -> body.put("tool_choice", OpenAiTools.word(toolbox.choice()));
      case NAMED -> body.putObject("tool_choice").put("type", "function")
          .putObject("function").put("name", toolbox.named());
    }
    if (toolbox.serial()) {
      body.put("parallel_tool_calls", false);
    }
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
    for (var call : choice.path("delta").path("tool_calls")) {
      var function = call.path("function");
      events.add(new ModelEvent.Call(call.path("index").asInt(), call.path("id").asText(""),
          function.path("name").asText(""), function.path("arguments").asText("")));
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
