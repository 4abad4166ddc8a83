package dev.portcullis.harness.acp;

import static dev.portcullis.harness.agent.AgentJson.object;
import static dev.portcullis.harness.agent.AgentJson.required;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.agent.AgentJson;
import dev.portcullis.harness.agent.ToolCall;
import dev.portcullis.harness.agent.ToolCall.Status;
import dev.portcullis.harness.jsonrpc.Reply;
import dev.portcullis.protocol.Image;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * ACP frames to and from our own types. Stateless: ids, timers and processes belong to {@link AcpConnection}.
 * Source: Agent Client Protocol, version 1.
 */
final class AcpCodec {
  static final int PROTOCOL_VERSION = 1;
  private static final int INVALID_PARAMS = -32602;
  private static final Set<String> ASIDES = Set.of("agent_message_chunk", "agent_thought_chunk",
      "user_message_chunk", "plan", "available_commands_update", "current_mode_update",
      "config_option_update", "session_info_update", "usage_update", "notice");

  private AcpCodec() {}

  // ---- to the agent

  /** What is not offered, the agent does by itself. */
  static ObjectNode initialize(boolean files, boolean terminals) {
    var params = object().put("protocolVersion", PROTOCOL_VERSION);
    var capabilities = params.putObject("clientCapabilities");
    capabilities.putObject("fs").put("readTextFile", files).put("writeTextFile", files);
    capabilities.put("terminal", terminals);
    params.putObject("clientInfo").put("name", "portcullis").put("title", "Portcullis").put("version", "1");
    return params;
  }

  static ObjectNode authenticate(String methodId) {
    return object().put("methodId", methodId);
  }

  static ObjectNode newSession(Path workspace) {
    var params = object().put("cwd", workspace.toString());
    params.putArray("mcpServers");
    return params;
  }

  /** For both load and resume. */
  static ObjectNode openSession(String sessionId, Path workspace) {
    return newSession(workspace).put("sessionId", sessionId);
  }

  static ObjectNode prompt(String sessionId, String text, List<Image> images) {
    var params = session(sessionId);
    var blocks = params.putArray("prompt");
    images.forEach(image -> blocks.addObject().put("type", "image")
        .put("mimeType", image.mediaType()).put("data", image.data()));
    if (!text.isEmpty() || images.isEmpty()) {
      blocks.addObject().put("type", "text").put("text", text);
    }
    return params;
  }

  static ObjectNode session(String sessionId) {
    return object().put("sessionId", sessionId);
  }

  static ObjectNode selected(String optionId) {
    var result = object();
    result.putObject("outcome").put("outcome", "selected").put("optionId", optionId);
    return result;
  }

  static ObjectNode cancelled() {
    var result = object();
    result.putObject("outcome").put("outcome", "cancelled");
    return result;
  }

  // ---- from the agent

  /**
   * @throws HarnessFault {@code WRONG_VERSION} when the agent answers with another protocol than asked for
   */
  static AcpAgent decodeAgent(JsonNode result) {
    var version = result.path("protocolVersion");
    if (!version.isInt()) {
      throw HarnessFault.malformed("protocolVersion", "a number");
    }
    if (version.intValue() != PROTOCOL_VERSION) {
      throw HarnessFault.of(Code.WRONG_VERSION, "the agent speaks version " + version.intValue()
          + " of the Agent Client Protocol, we speak " + PROTOCOL_VERSION
          + ": install a version of it that does too");
    }
    var capabilities = result.path("agentCapabilities");
    var info = result.path("agentInfo");
    return new AcpAgent(info.path("name").asText(""), info.path("version").asText(""),
        capabilities.path("loadSession").asBoolean(false),
        capabilities.path("sessionCapabilities").hasNonNull("resume"),
        capabilities.path("promptCapabilities").path("image").asBoolean(false),
        logins(result.path("authMethods")));
  }

  private static List<AcpAgent.Login> logins(JsonNode methods) {
    var logins = new ArrayList<AcpAgent.Login>();
    methods.forEach(method -> logins.add(new AcpAgent.Login(method.path("id").asText(""),
        method.path("description").asText(method.path("name").asText("")))));
    return logins;
  }

  static String decodeSessionId(JsonNode result) {
    return required(result, "sessionId");
  }

  static AcpUpdate decodeUpdate(JsonNode params) {
    var update = params.path("update");
    var text = update.path("content").path("text");
    return switch (required(update, "sessionUpdate")) {
      case String kind when kind.equals("agent_message_chunk") && text.isTextual() ->
          new AcpUpdate.Text(text.textValue());
      case "tool_call" -> new AcpUpdate.Tool(tool(update, Status.PENDING));
      case "tool_call_update" -> new AcpUpdate.Tool(tool(update, Status.UNCHANGED));
      case String kind when kind.equals("usage_update")
          && update.path("cost").path("currency").asText().equals("USD") ->
          new AcpUpdate.Cost(Math.round(update.path("cost").path("amount").asDouble() * 1_000_000));
      case String kind when ASIDES.contains(kind) || kind.startsWith("compaction_") -> new AcpUpdate.Aside();
      case String kind -> new AcpUpdate.Other(kind); // A newer agent must not end a run.
    };
  }

  private static ToolCall tool(JsonNode call, Status absent) {
    var status = switch (call.path("status").asText("")) {
      case "pending" -> Status.PENDING;
      case "in_progress" -> Status.IN_PROGRESS;
      case "completed" -> Status.COMPLETED;
      case "failed" -> Status.FAILED;
      default -> absent;
    };
    return new ToolCall(required(call, "toolCallId"), call.path("title").asText(""),
        call.path("kind").asText(""), status, input(call.path("rawInput")));
  }

  /** Gemini tells what a tool is given in its content only: of an edit, the difference. */
  private static ToolCall asked(JsonNode call) {
    var tool = tool(call, Status.PENDING);
    var input = tool.input().isEmpty() ? input(call.path("content")) : tool.input();
    return new ToolCall(tool.callId(), tool.title(), tool.kind(), Status.PENDING, input);
  }

  /**
   * An empty object says as little as none: agents announce a call so, before they know what it will be
   * given.
   */
  private static String input(JsonNode input) {
    var nothing = input.isMissingNode() || input.isNull() || (input.isContainerNode() && input.isEmpty());
    return nothing ? "" : AgentJson.canonical(input);
  }

  static AcpPermission decodePermission(JsonNode params) {
    var options = new ArrayList<AcpPermission.Option>();
    params.path("options").forEach(option ->
        options.add(new AcpPermission.Option(required(option, "optionId"), required(option, "kind"))));
    return new AcpPermission(asked(params.path("toolCall")), options);
  }

  /**
   * The end of a turn: what it used, where the agent tells, and how it ended.
   *
   * @param costMicros what it has cost
   */
  static List<HarnessUpdate> decodeEnd(JsonNode result, long costMicros) {
    var updates = new ArrayList<HarnessUpdate>();
    var gemini = result.path("_meta").path("quota").path("token_count");
    var usage = result.path("usage");
    if (usage.hasNonNull("inputTokens")) {
      // Agents leave what came from a cache out of the input, and count it in the total.
      var output = usage.path("outputTokens").asLong();
      var cached = usage.path("cachedReadTokens").asLong();
      var input = usage.hasNonNull("totalTokens")
          ? usage.path("totalTokens").asLong() - output
          : usage.path("inputTokens").asLong() + cached;
      updates.add(new HarnessUpdate.Usage(input, output, cached, costMicros));
    } else if (gemini.hasNonNull("input_tokens")) {
      updates.add(new HarnessUpdate.Usage(
          gemini.path("input_tokens").asLong(), gemini.path("output_tokens").asLong(), 0, costMicros));
    }
    var reason = required(result, "stopReason");
    updates.add(reason.equals("cancelled")
        ? new HarnessUpdate.Failed(
            HarnessFault.of(Code.REFUSED, "the agent gave the turn up without being asked to"))
        : new HarnessUpdate.Completed(reason));
    return updates;
  }

  /** An agent that refuses the handshake itself speaks another version, or something else. */
  static HarnessFault decodeHandshakeError(Reply.Error error) {
    var versions = error.code() == INVALID_PARAMS || error.code() == -32601;
    return HarnessFault.of(versions ? Code.WRONG_VERSION : Code.REFUSED,
        "the agent refused the handshake with error " + error.code() + ": " + error.message());
  }
}
