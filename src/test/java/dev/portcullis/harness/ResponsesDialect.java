package dev.portcullis.harness;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** OpenAI Responses. */
final class ResponsesDialect implements ModelDialect {
  private final long number;
  private final String model;
  private final StringBuilder said = new StringBuilder();
  private final List<ObjectNode> output = new ArrayList<>();
  private int sequence;

  ResponsesDialect(long number, Asked asked) {
    this.number = number;
    this.model = asked.model();
  }

  static Asked read(JsonNode body) {
    var users = new ArrayList<String>();
    var assistants = 0;
    var toolSaid = Optional.<String>empty();
    if (body.path("input").isTextual()) {
      users.add(body.path("input").textValue());
    } else {
      for (var item : body.path("input")) {
        var text = ModelDialect.text(item.path("content"));
        if (item.path("type").asText().endsWith("_output")) {
          toolSaid = Optional.of(ModelDialect.text(item.path("output")));
        } else if (item.path("role").asText().equals("assistant")) {
          assistants++;
        } else if (item.path("role").asText().equals("user") && ModelDialect.said(text)) {
          users.add(text);
          toolSaid = Optional.empty();
        }
      }
    }
    var tools = new LinkedHashMap<String, JsonNode>();
    body.path("tools").forEach(tool -> tools.put(tool.path("name").asText(), tool.path("parameters")));
    return new Asked(body.path("model").asText(), body.path("stream").asBoolean(), List.copyOf(users), assistants,
        toolSaid, tools);
  }

  @Override
  public Map<String, String> headers() {
    return ChatDialect.openAiHeaders();
  }

  @Override
  public List<Frame> begin() {
    var part = at(event("response.content_part.added"), 0);
    part.set("part", part(""));
    return List.of(
        response("response.created", "in_progress"),
        response("response.in_progress", "in_progress"),
        item("response.output_item.added", message("in_progress", "")),
        Frame.named(number(part)));
  }

  @Override
  public List<Frame> text(String piece) {
    said.append(piece);
    return List.of(Frame.named(number(at(event("response.output_text.delta"), 0).put("delta", piece))));
  }

  private List<Frame> endText() {
    var done = number(at(event("response.output_text.done"), 0).put("text", said.toString()));
    var part = at(event("response.content_part.done"), 0);
    part.set("part", part(said.toString()));
    number(part);
    var message = message("completed", said.toString());
    var last = item("response.output_item.done", message);
    output.add(message);
    return List.of(Frame.named(done), Frame.named(part), last);
  }

  @Override
  public List<Frame> call(ToolCall call) {
    var frames = new ArrayList<>(endText());
    var arguments = call.arguments().toString();
    frames.add(item("response.output_item.added", function(call, "", "in_progress")));
    frames.add(Frame.named(number(event("response.function_call_arguments.delta")
        .put("output_index", 1).put("item_id", "fc_" + number).put("delta", arguments))));
    frames.add(Frame.named(number(event("response.function_call_arguments.done")
        .put("output_index", 1).put("item_id", "fc_" + number).put("arguments", arguments))));
    var done = function(call, arguments, "completed");
    frames.add(item("response.output_item.done", done));
    output.add(done);
    return frames;
  }

  @Override
  public List<Frame> end(Finish finish) {
    var frames = new ArrayList<Frame>(finish == Finish.TOOL ? List.of() : endText());
    var status = finish == Finish.LENGTH ? "incomplete" : "completed";
    frames.add(response("response." + status, status));
    return frames;
  }

  @Override
  public List<Frame> fail() {
    return List.of(response("response.failed", "failed"));
  }

  @Override
  public JsonNode whole(String text, Optional<ToolCall> call, Finish finish) {
    output.add(message("completed", text));
    call.ifPresent(tool -> output.add(function(tool, tool.arguments().toString(), "completed")));
    return response(finish == Finish.LENGTH ? "incomplete" : "completed");
  }

  @Override
  public JsonNode error(int status) {
    return ChatDialect.openAiError(status);
  }

  // ---- pieces
  private static ObjectNode event(String type) {
    return ModelDialect.object().put("type", type);
  }

  private ObjectNode number(ObjectNode event) {
    return event.put("sequence_number", sequence++);
  }

  /** Within the message. */
  private ObjectNode at(ObjectNode event, int contentIndex) {
    return event.put("output_index", 0).put("item_id", "msg_" + number).put("content_index", contentIndex);
  }

  private Frame item(String type, ObjectNode item) {
    var event = event(type).put("output_index", item.path("type").asText().equals("message") ? 0 : 1);
    event.set("item", item);
    return Frame.named(number(event));
  }

  private Frame response(String type, String status) {
    var event = event(type);
    event.set("response", response(status));
    return Frame.named(number(event));
  }

  private ObjectNode response(String status) {
    var response = ModelDialect.object().put("id", "resp_" + number).put("object", "response")
        .put("created_at", 1_700_000_000L).put("model", model).put("parallel_tool_calls", true)
        .put("status", status).putNull("error").putNull("incomplete_details").putNull("usage");
    switch (status) {
      case "failed" -> response.putObject("error").put("code", "server_error")
          .put("message", "scripted failure inside the stream");
      case "incomplete" -> response.putObject("incomplete_details").put("reason", "max_output_tokens");
      default -> { } // Nothing went wrong.
    }
    ArrayNode items = response.putArray("output");
    output.forEach(items::add);
    if (!status.equals("in_progress") && !status.equals("failed")) {
      var usage = response.putObject("usage").put("input_tokens", INPUT).put("output_tokens", OUTPUT)
          .put("total_tokens", INPUT + OUTPUT);
      usage.putObject("input_tokens_details").put("cached_tokens", CACHED);
      usage.putObject("output_tokens_details").put("reasoning_tokens", 0);
    }
    return response;
  }

  private ObjectNode message(String status, String text) {
    var message = ModelDialect.object().put("type", "message").put("id", "msg_" + number)
        .put("role", "assistant").put("status", status);
    var content = message.putArray("content");
    if (!status.equals("in_progress")) {
      content.add(part(text));
    }
    return message;
  }

  private static ObjectNode part(String text) {
    var part = ModelDialect.object().put("type", "output_text").put("text", text);
    part.putArray("annotations");
    return part;
  }

  /** Tools may come in namespaces here: {@code SPACE/NAME} calls one of those. */
  private ObjectNode function(ToolCall call, String arguments, String status) {
    var function = ModelDialect.object().put("type", "function_call").put("id", "fc_" + number)
        .put("call_id", "call_" + number).put("name", call.name()).put("arguments", arguments)
        .put("status", status);
    var slash = call.name().indexOf('/');
    return slash < 0
        ? function
        : function.put("namespace", call.name().substring(0, slash)).put("name", call.name().substring(slash + 1));
  }
}
