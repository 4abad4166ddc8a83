package dev.portcullis.ingress.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Problems;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.FunctionTool;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunView;
import dev.portcullis.protocol.Toolbox;
import dev.portcullis.protocol.Usage;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Locale;

/**
 * Responses, from our words to OpenAI's. Every field of a response is always there. Source: OpenAI API
 * specification 2.3.0, {@code /responses}.
 */
final class ResponseCodec {
  private ResponseCodec() {}

  /** What never changes of a response. */
  record Head(String runId, long created, String model, Toolbox tools, ResponseNote note) {
    static Head of(RunView run, Toolbox tools, ResponseNote note) {
      return new Head(run.id(), run.times().acceptedAt().getEpochSecond(), run.agent(), tools, note);
    }

    String message() {
      return ResponseIds.message(runId, "output");
    }
  }

  /**
   * Where a response stands.
   *
   * @param status queued, in_progress, completed, incomplete, failed or cancelled
   * @param answer the answer so far; an empty list where there is none
   * @param calls functions of the client's that the model wants to be called
   * @param error of one that gave no answer
   * @param reason why it is incomplete, else empty
   * @param usage of one that was answered
   * @param completedAt of one that was answered
   */
  record Standing(
      String status, List<String> answer, List<FunctionCall> calls, List<RunError> error, String reason,
      List<Usage> usage, List<Instant> completedAt) {
    static final Standing QUEUED = open("queued", List.of());

    static Standing open(String status, List<String> answer) {
      return new Standing(status, answer, List.of(), List.of(), "", List.of(), List.of());
    }

    static Standing answered(RunEvent.Completed end, String answer, Instant at) {
      var reason = switch (ChatCodec.finishReason(end.stopReason(), end.calls())) {
        case "length" -> "max_output_tokens";
        case "content_filter" -> "content_filter";
        default -> "";
      };
      // Who calls functions need not say anything; who does neither has given an empty answer.
      var said = answer.isEmpty() && !end.calls().isEmpty() ? List.<String>of() : List.of(answer);
      return new Standing(reason.isEmpty() ? "completed" : "incomplete", said, end.calls(), List.of(), reason,
          List.of(end.usage()), List.of(at));
    }

    static Standing failed(RunError error, List<String> answer) {
      return new Standing("failed", answer, List.of(), List.of(error), "", List.of(), List.of());
    }

    static Standing cancelled(String runId, List<String> answer) {
      var error = new RunError("cancelled", Problems.runAborted(runId).message(), "");
      return new Standing("cancelled", answer, List.of(), List.of(error), "", List.of(), List.of());
    }

    static Standing of(RunView run) {
      var answer = run.text().isEmpty() ? List.<String>of() : List.of(run.text());
      return switch (run.status()) {
        case QUEUED -> open("queued", answer);
        case STARTING, RUNNING, ABORTING, INTERRUPTED, PARKED -> open("in_progress", answer);
        case COMPLETED -> answered(
            new RunEvent.Completed(run.stopReason(), run.usage(), "", run.calls()), run.text(),
            run.times().endedAt().getFirst());
        case FAILED -> failed(run.error().orElseThrow(() -> Answers.lost(run.id())), answer);
        case ABORTED -> cancelled(run.id(), answer);
      };
    }

  }

  static ObjectNode response(Head head, Standing standing) {
    var note = head.note().fields();
    var json = Json.object()
        .put("id", ResponseIds.of(head.runId()))
        .put("object", "response")
        .put("created_at", head.created())
        .put("status", standing.status())
        .put("background", head.note().background());
    standing.completedAt().stream().findFirst().ifPresentOrElse(
        at -> json.put("completed_at", at.getEpochSecond()), () -> json.putNull("completed_at"));
    standing.error().stream().findFirst().ifPresentOrElse(
        error -> json.set("error", error(error)), () -> json.putNull("error"));
    if (standing.reason().isEmpty()) {
      json.putNull("incomplete_details");
    } else {
      json.putObject("incomplete_details").put("reason", standing.reason());
    }
    copy(note, json, "instructions");
    copy(note, json, "max_output_tokens");
    json.put("model", head.model());
    var output = json.putArray("output");
    standing.answer().forEach(text -> output.add(message(head, standing, text)));
    for (int i = 0; i < standing.calls().size(); i++) {
      output.add(call(head, i, standing.calls().get(i)));
    }
    json.put("parallel_tool_calls", !head.tools().serial());
    copy(note, json, "previous_response_id");
    if (note.hasNonNull("conversation")) {
      json.putObject("conversation").put("id", note.path("conversation").asText());
    } else {
      json.putNull("conversation");
    }
    json.put("store", head.note().stored()).putNull("temperature");
    json.putObject("text").putObject("format").put("type", "text");
    json.set("tool_choice", choice(head.tools()));
    var tools = json.putArray("tools");
    head.tools().tools().forEach(tool -> tools.add(tool(tool)));
    json.putNull("top_p").put("truncation", "disabled");
    standing.usage().stream().findFirst().ifPresentOrElse(
        usage -> json.set("usage", usage(usage)), () -> json.putNull("usage"));
    json.set("metadata", note.path("metadata").isObject() ? note.path("metadata") : Json.object());
    return json;
  }

  /** What OpenAI's words cannot say: the run behind the response, and where that stands. */
  static ObjectNode withRun(ObjectNode response, RunView run) {
    var own = response.putObject("portcullis").put("run_id", run.id()).put("status", run.status().word());
    switch (run.outcome()) {
      case RunView.Outcome.Parked(var reason, _) -> own.put("reason", reason);
      case RunView.Outcome.Steered(var into) -> own.put("answered_by", ResponseIds.of(into));
      case RunView.Outcome.Open _, RunView.Outcome.ResumePending _, RunView.Outcome.Error _ -> { }
    }
    return response;
  }

  private static void copy(ObjectNode note, ObjectNode json, String field) {
    json.set(field, note.path(field).isMissingNode() ? json.nullNode() : note.path(field));
  }

  /** The published codes are few; ours, which says more, stands in the message. */
  private static JsonNode error(RunError error) {
    var code = switch (error.code()) {
      case "rate_limited" -> "rate_limit_exceeded";
      case "context_length_exceeded", "content_refused" -> "invalid_prompt";
      default -> "server_error";
    };
    var reference = error.reference().isEmpty() ? "" : ", reference " + error.reference();
    return Json.object()
        .put("code", code)
        .put("message", error.message() + " (" + error.code() + reference + ")");
  }

  static ObjectNode message(Head head, Standing standing, String text) {
    var status = switch (standing.status()) {
      case "queued", "in_progress" -> "in_progress";
      case "completed" -> "completed";
      default -> "incomplete";
    };
    var item = Json.object()
        .put("id", head.message()).put("type", "message").put("status", status).put("role", "assistant");
    item.putArray("content").add(outputText(text));
    return item;
  }

  static ObjectNode outputText(String text) {
    var part = Json.object().put("type", "output_text").put("text", text);
    part.putArray("annotations");
    part.putArray("logprobs");
    return part;
  }

  private static JsonNode usage(Usage usage) {
    var json = Json.object().put("input_tokens", usage.inputTokens());
    json.putObject("input_tokens_details").put("cached_tokens", usage.cachedTokens());
    json.put("output_tokens", usage.outputTokens());
    json.putObject("output_tokens_details").put("reasoning_tokens", 0);
    return json.put("total_tokens", usage.totalTokens());
  }

  private static JsonNode choice(Toolbox tools) {
    return switch (tools.choice()) {
      case AUTO, NONE, REQUIRED -> TextNode.valueOf(tools.choice().name().toLowerCase(Locale.ROOT));
      case NAMED -> Json.object().put("type", "function").put("name", tools.named());
    };
  }

  private static ObjectNode tool(FunctionTool tool) {
    var json = Json.object().put("type", "function").put("name", tool.name());
    Json.putText(json, "description", tool.description());
    json.set("parameters", tool.parameters().isEmpty() ? json.nullNode()
        : Json.read(tool.parameters().getBytes(StandardCharsets.UTF_8)));
    return json.put("strict", tool.strict());
  }

  /** @param at which call of the response */
  static ObjectNode call(Head head, int at, FunctionCall call) {
    return call(ResponseIds.call(head.runId(), "output" + at), call);
  }

  private static ObjectNode call(String id, FunctionCall call) {
    return Json.object()
        .put("id", id)
        .put("type", "function_call")
        .put("status", "completed")
        .put("call_id", call.id())
        .put("name", call.name())
        .put("arguments", call.arguments());
  }

  // ---- what a response was asked with

  /** Adds the items that one message of the request is. */
  static void inputItems(String runId, Message message, List<ObjectNode> items) {
    if (message.role().equals("tool")) {
      items.add(Json.object()
          .put("id", ResponseIds.call(runId, "input" + items.size()))
          .put("type", "function_call_output")
          .put("status", "completed")
          .put("call_id", message.callId())
          .put("output", message.text()));
      return;
    }
    if (!message.text().isEmpty() || !message.images().isEmpty()) {
      var item = Json.object()
          .put("id", ResponseIds.message(runId, "input" + items.size()))
          .put("type", "message")
          .put("status", "completed")
          .put("role", message.role());
      content(item.putArray("content"), message);
      items.add(item);
    }
    message.calls().forEach(call -> items.add(call(ResponseIds.call(runId, "input" + items.size()), call)));
  }

  private static void content(ArrayNode content, Message message) {
    if (message.role().equals("assistant")) {
      content.add(outputText(message.text()));
      return;
    }
    if (!message.text().isEmpty()) {
      content.addObject().put("type", "input_text").put("text", message.text());
    }
    message.images().forEach(image ->
        content.addObject().put("type", "input_image").put("image_url", image.url()).put("detail", "auto"));
  }

  static ObjectNode list(List<ObjectNode> page, boolean more) {
    var json = Json.object().put("object", "list");
    json.putArray("data").addAll(page);
    Json.putText(json, "first_id", page.isEmpty() ? "" : page.getFirst().path("id").asText());
    Json.putText(json, "last_id", page.isEmpty() ? "" : page.getLast().path("id").asText());
    return json.put("has_more", more);
  }
}
