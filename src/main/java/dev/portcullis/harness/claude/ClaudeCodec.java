package dev.portcullis.harness.claude;

import static dev.portcullis.harness.agent.AgentJson.object;
import static dev.portcullis.harness.agent.AgentJson.required;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.agent.AgentJson;
import dev.portcullis.harness.agent.ToolCall;
import dev.portcullis.harness.agent.ToolCall.Status;
import dev.portcullis.protocol.Image;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Lines of Claude Code's {@code stream-json} to and from our own types. Stateless. Source: Claude Code 2.1,
 * {@code --input-format stream-json --output-format stream-json}, as recorded.
 */
final class ClaudeCodec {
  private static final int TITLE_CHARS_MAX = 200;
  private static final int WORD_CHARS_MAX = 100;
  /** Fields of a tool's input, the first of which names a call best. */
  private static final List<String> TELLING =
      List.of("command", "file_path", "notebook_path", "pattern", "url", "query", "description");
  private static final ObjectMapper JSON = new ObjectMapper();
  /** Parts of an answer that come again whole. */
  private static final Set<String> QUIET = Set.of("stream_event", "user", "thinking_tokens", "keep_alive");

  private ClaudeCodec() {}

  // ---- to the agent

  /** @param systemPrompt put behind its own, empty for none */
  static String initialize(String requestId, String systemPrompt) {
    var request = object().put("subtype", "initialize");
    if (!systemPrompt.isEmpty()) {
      request.put("appendSystemPrompt", systemPrompt);
    }
    return request(requestId, request);
  }

  static String interrupt(String requestId) {
    return request(requestId, object().put("subtype", "interrupt"));
  }

  private static String request(String requestId, ObjectNode request) {
    return object().put("type", "control_request").put("request_id", requestId).set("request", request)
        .toString();
  }

  /** A text that begins with a slash would be a command to the program instead of a word to the model. */
  static String user(String text, List<Image> images) {
    var line = object().put("type", "user");
    var content = line.putObject("message").put("role", "user").putArray("content");
    images.forEach(image -> content.addObject().put("type", "image").putObject("source")
        .put("type", "base64").put("media_type", image.mediaType()).put("data", image.data()));
    if (!text.isEmpty() || images.isEmpty()) {
      content.addObject().put("type", "text").put("text", text.startsWith("/") ? " " + text : text);
    }
    return line.putNull("parent_tool_use_id").toString();
  }

  /** @param input what was shown to whoever allowed it, in the form in which it was shown */
  static String allow(String requestId, String input) {
    return answer(requestId, object().put("behavior", "allow").set("updatedInput", parse(input)));
  }

  /** @param message what the model reads */
  static String deny(String requestId, String message, boolean endTurn) {
    var answer = object().put("behavior", "deny").put("message", message);
    return answer(requestId, endTurn ? answer.put("interrupt", true) : answer);
  }

  private static String answer(String requestId, JsonNode answer) {
    var line = object().put("type", "control_response");
    line.putObject("response").put("subtype", "success").put("request_id", requestId).set("response", answer);
    return line.toString();
  }

  static String refuse(String requestId, String error) {
    var line = object().put("type", "control_response");
    line.putObject("response").put("subtype", "error").put("request_id", requestId).put("error", error);
    return line.toString();
  }

  // ---- from the agent

  /** @throws HarnessFault {@code MALFORMED} when it is no JSON */
  static JsonNode parse(String line) {
    try {
      return JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw HarnessFault.malformed("line", "JSON");
    }
  }

  /** The session that a line belongs to; empty for what belongs to the process. */
  static String session(JsonNode line) {
    return line.path("session_id").asText("");
  }

  /** @throws HarnessFault {@code MALFORMED}, naming the field, when a required one is missing or not text */
  static List<ClaudeMessage> decode(JsonNode line) {
    return switch (line.path("type").asText("")) {
      case "system" -> system(line);
      case "stream_event" -> isAnswer(line) ? event(line.path("event")) : List.of();
      case "assistant" -> assistant(line);
      case "user" -> results(line.path("message").path("content"));
      case "control_request" -> List.of(asked(line));
      case "control_cancel_request" -> List.of(new ClaudeMessage.Withdrawn(required(line, "request_id")));
      case "control_response" -> List.of(reply(line.path("response")));
      case "result" -> List.of(result(line));
      case String kind -> other(kind); // A newer agent must not end a run.
    };
  }

  private static List<ClaudeMessage> other(String kind) {
    return QUIET.contains(kind) ? List.of() : List.of(new ClaudeMessage.Other(kind));
  }

  /** What a sub-agent says is for the agent that asked it, not for the user. */
  private static boolean isAnswer(JsonNode line) {
    return !line.hasNonNull("parent_tool_use_id");
  }

  private static List<ClaudeMessage> system(JsonNode line) {
    return switch (line.path("subtype").asText("")) {
      case "init" -> List.of(new ClaudeMessage.TurnBegun(required(line, "session_id")));
      case "api_retry" -> List.of(new ClaudeMessage.Retried(line.path("attempt").asInt(),
          line.path("max_retries").asInt(), line.path("error_status").asInt(),
          word(line.path("error"))));
      case String kind -> other(kind);
    };
  }

  private static List<ClaudeMessage> event(JsonNode event) {
    var delta = event.path("delta");
    return switch (event.path("type").asText("")) {
      case "message_start" -> List.of(new ClaudeMessage.AnswerBegun());
      case "content_block_delta" -> delta.path("type").asText("").equals("text_delta")
          ? List.of(new ClaudeMessage.Piece(required(delta, "text")))
          : List.of();
      case String _ -> List.of(); // The whole block comes again, as one message.
    };
  }

  private static List<ClaudeMessage> assistant(JsonNode line) {
    if (line.hasNonNull("error")) { // The text is the program's own, and the result has it too.
      return List.of(new ClaudeMessage.ModelFailed(word(line.path("error"))));
    }
    var messages = new ArrayList<ClaudeMessage>();
    for (var block : line.path("message").path("content")) {
      switch (block.path("type").asText("")) {
        case "text" -> {
          if (isAnswer(line)) {
            messages.add(new ClaudeMessage.Said(required(block, "text")));
          }
        }
        // Of a sub-agent too: what it does, it does to the same workspace.
        case "tool_use" -> messages.add(new ClaudeMessage.Tool(
            tool(required(block, "id"), required(block, "name"), block.path("input"))));
        case String _ -> { } // Thinking, and what the model's own server did.
      }
    }
    return messages;
  }

  private static List<ClaudeMessage> results(JsonNode content) {
    var messages = new ArrayList<ClaudeMessage>();
    for (var block : content) {
      if (block.path("type").asText("").equals("tool_result")) {
        var status = block.path("is_error").asBoolean(false) ? Status.FAILED : Status.COMPLETED;
        messages.add(new ClaudeMessage.Tool(
            new ToolCall(required(block, "tool_use_id"), "", "", status, "")));
      }
    }
    return messages;
  }

  private static ToolCall tool(String callId, String name, JsonNode input) {
    return new ToolCall(callId, title(name, input), kind(name), Status.PENDING, AgentJson.canonical(input));
  }

  /** Names the call among others, in one line; whole and exact is only its input. */
  private static String title(String name, JsonNode input) {
    var what = TELLING.stream()
        .map(field -> input.path(field).asText(""))
        .filter(text -> !text.isBlank())
        .findFirst()
        .map(text -> name + ": " + text.strip().replaceAll("\\s+", " "))
        .orElse(name);
    return what.codePointCount(0, what.length()) > TITLE_CHARS_MAX
        ? what.substring(0, what.offsetByCodePoints(0, TITLE_CHARS_MAX)) + "…"
        : what;
  }

  private static String kind(String name) {
    return switch (name) {
      case "Bash", "BashOutput", "KillShell" -> "execute";
      case "Read", "NotebookRead" -> "read";
      case "Edit", "MultiEdit", "Write", "NotebookEdit" -> "edit";
      case "Glob", "Grep", "LS" -> "search";
      case "WebFetch", "WebSearch" -> "fetch";
      case "TodoWrite", "Task", "Agent" -> "think";
      case String _ -> "other";
    };
  }

  private static ClaudeMessage asked(JsonNode line) {
    var requestId = required(line, "request_id");
    var request = line.path("request");
    var subtype = request.path("subtype").asText("");
    if (!subtype.equals("can_use_tool")) {
      return new ClaudeMessage.Foreign(requestId, subtype);
    }
    var name = required(request, "tool_name");
    if (!request.path("input").isObject()) {
      throw HarnessFault.malformed("input", "an object");
    }
    return new ClaudeMessage.Asked(requestId, name,
        tool(required(request, "tool_use_id"), name, request.path("input")));
  }

  private static ClaudeMessage reply(JsonNode response) {
    var account = response.path("response").path("account");
    var login = !account.isObject() || account.hasNonNull("apiKeySource")
        || !account.path("tokenSource").asText("").equals("none")
        || !account.path("apiProvider").asText("firstParty").equals("firstParty");
    var error = response.path("subtype").asText("").equals("success")
        ? ""
        : word(response.path("error"));
    return new ClaudeMessage.Reply(required(response, "request_id"), error, login);
  }

  private static ClaudeMessage result(JsonNode line) {
    var usage = line.path("usage");
    var cached = usage.path("cache_read_input_tokens").asLong();
    var input = usage.path("input_tokens").asLong() + usage.path("cache_creation_input_tokens").asLong();
    var errors = new ArrayList<String>();
    line.path("errors").forEach(error -> errors.add(error.asText()));
    return new ClaudeMessage.Result(
        line.path("origin").hasNonNull("kind") && !line.path("origin").path("kind").asText().equals("human"),
        line.path("subtype").asText(""),
        line.path("is_error").asBoolean(true),
        line.path("stop_reason").asText(""),
        line.path("terminal_reason").asText(""),
        line.path("api_error_status").asInt(),
        line.path("result").asText(String.join("; ", errors)),
        new ClaudeMessage.Tokens(input + cached, usage.path("output_tokens").asLong(), cached),
        Math.round(line.path("total_cost_usd").asDouble() * 1_000_000));
  }

  /** For logs and faults. */
  private static String word(JsonNode node) {
    var word = node.asText("");
    return word.isEmpty() ? "unknown" : word.substring(0, Math.min(word.length(), WORD_CHARS_MAX));
  }
}
