package dev.portcullis.harness;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Gemini's generateContent. The model and whether to stream stand in the path. */
final class GeminiDialect implements ModelDialect {
  private final String id;
  private final String model;

  GeminiDialect(long number, Asked asked) {
    this.id = "response-" + number;
    this.model = asked.model();
  }

  /** @param method the last part of the path, {@code MODEL:METHOD} */
  static Asked read(String method, JsonNode body) {
    var users = new ArrayList<String>();
    var assistants = 0;
    var toolSaid = Optional.<String>empty();
    for (var content : body.path("contents")) {
      if (content.path("role").asText().equals("model")) {
        assistants++;
        continue;
      }
      var text = ModelDialect.text(content.path("parts"));
      for (var part : content.path("parts")) {
        if (part.has("functionResponse")) {
          var response = part.path("functionResponse").path("response");
          toolSaid = Optional.of(response.path("output").asText(response.path("error").asText("")));
        }
      }
      if (ModelDialect.said(text)) {
        users.add(text);
        toolSaid = Optional.empty();
      }
    }
    var tools = new LinkedHashMap<String, JsonNode>();
    body.path("tools").forEach(tool -> tool.path("functionDeclarations").forEach(function ->
        tools.put(function.path("name").asText(),
            function.path(function.has("parameters") ? "parameters" : "parametersJsonSchema"))));
    var colon = method.lastIndexOf(':');
    return new Asked(method.substring(0, colon), method.endsWith(":streamGenerateContent"), List.copyOf(users),
        assistants, toolSaid, tools);
  }

  @Override
  public Map<String, String> headers() {
    return Map.of();
  }

  @Override
  public List<Frame> begin() {
    return List.of();
  }

  @Override
  public List<Frame> text(String piece) {
    return List.of(Frame.of(response(List.of(ModelDialect.object().put("text", piece)), Optional.empty())));
  }

  @Override
  public List<Frame> call(ToolCall call) {
    return List.of(Frame.of(response(List.of(function(call)), Optional.empty())));
  }

  @Override
  public List<Frame> end(Finish finish) {
    return List.of(Frame.of(response(List.of(ModelDialect.object().put("text", "")), Optional.of(finish))));
  }

  @Override
  public List<Frame> fail() {
    return List.of(Frame.of(error(503)));
  }

  @Override
  public JsonNode whole(String text, Optional<ToolCall> call, Finish finish) {
    var parts = new ArrayList<ObjectNode>();
    parts.add(ModelDialect.object().put("text", text));
    call.map(GeminiDialect::function).ifPresent(parts::add);
    return response(parts, Optional.of(finish));
  }

  @Override
  public JsonNode error(int status) {
    var body = ModelDialect.object();
    body.putObject("error").put("code", status).put("message", FAILURE).put("status", switch (status) {
      case 400 -> "INVALID_ARGUMENT";
      case 401 -> "UNAUTHENTICATED";
      case 403 -> "PERMISSION_DENIED";
      case 404 -> "NOT_FOUND";
      case 429 -> "RESOURCE_EXHAUSTED";
      case 503, 529 -> "UNAVAILABLE";
      default -> "INTERNAL";
    });
    return body;
  }

  private static ObjectNode function(ToolCall call) {
    var part = ModelDialect.object();
    part.putObject("functionCall").put("name", call.name()).set("args", call.arguments());
    return part;
  }

  private ObjectNode response(List<ObjectNode> parts, Optional<Finish> finish) {
    var response = ModelDialect.object().put("modelVersion", model).put("responseId", id);
    var candidate = response.putArray("candidates").addObject().put("index", 0);
    var content = candidate.putObject("content").put("role", "model").putArray("parts");
    parts.forEach(content::add);
    // A call of a tool is no reason of its own here.
    finish.ifPresent(end -> candidate.put("finishReason", end == Finish.LENGTH ? "MAX_TOKENS" : "STOP"));
    response.putObject("usageMetadata").put("promptTokenCount", INPUT).put("cachedContentTokenCount", CACHED)
        .put("candidatesTokenCount", OUTPUT).put("totalTokenCount", INPUT + OUTPUT);
    return response;
  }
}
