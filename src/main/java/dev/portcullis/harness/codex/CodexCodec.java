package dev.portcullis.harness.codex;

import static dev.portcullis.harness.agent.AgentJson.object;
import static dev.portcullis.harness.agent.AgentJson.required;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.agent.AgentJson;
import dev.portcullis.harness.agent.ToolCall;
import dev.portcullis.harness.agent.ToolCall.Status;
import dev.portcullis.protocol.Image;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * Messages of {@code codex app-server} to and from our own types. Stateless: ids, timers and processes belong
 * to {@link CodexConnection}. Source: recordings of Codex 0.169, and the schema that it writes of itself.
 */
final class CodexCodec {
  static final String COMMAND = "item/commandExecution/requestApproval";
  static final String FILE_CHANGE = "item/fileChange/requestApproval";
  static final String PERMISSIONS = "item/permissions/requestApproval";
  /** Any question of a server of tools; Codex's own, whether a tool of it may be called, among them. */
  static final String ELICITATION = "mcpServer/elicitation/request";
  static final String RUNS_COMMAND = "execute";
  private static final String EDITS = "edit";
  private static final ObjectMapper JSON = new ObjectMapper();

  private CodexCodec() {}

  // ---- to Codex

  static ObjectNode initialize() {
    var params = object();
    params.putObject("clientInfo").put("name", "portcullis").put("title", "Portcullis").put("version", "1");
    return params.putNull("capabilities");
  }

  /** Nothing is refreshed: that would call a server. */
  static ObjectNode readAccount() {
    return object().put("refreshToken", false);
  }

  /**
   * Codex calls every workspace trusted in which it may write, and then obeys what lies there: programs to be
   * started, hooks, other settings. So each name of the workspace is called untrusted. Goals are off, because
   * with them Codex begins turns that nobody asked for.
   */
  static ObjectNode startThread(HarnessConfig.Codex settings, Path workspace, Collection<Path> itsNames) {
    var params = object().put("cwd", workspace.toString())
        .put("approvalPolicy", settings.approvalPolicy()).put("sandbox", settings.sandbox());
    if (!settings.model().isEmpty()) {
      params.put("model", settings.model());
    }
    if (!settings.instructions().isEmpty()) {
      params.put("developerInstructions", settings.instructions());
    }
    var config = params.putObject("config").put("features.goals", false);
    var projects = config.putObject("projects");
    itsNames.forEach(name -> projects.putObject(name.toString()).put("trust_level", "untrusted"));
    return params;
  }

  static ObjectNode resumeThread(
      String thread, HarnessConfig.Codex settings, Path workspace, Collection<Path> itsNames) {
    return startThread(settings, workspace, itsNames).put("threadId", thread).put("excludeTurns", true);
  }

  static ObjectNode startTurn(String thread, String text, List<Image> images) {
    var params = object().put("threadId", thread);
    var input = params.putArray("input");
    images.forEach(image -> input.addObject().put("type", "image").put("url", image.url()));
    if (!text.isEmpty() || images.isEmpty()) {
      input.addObject().put("type", "text").put("text", text).putArray("text_elements");
    }
    return params;
  }

  static ObjectNode steerTurn(String thread, String turn, String text) {
    return startTurn(thread, text, List.of()).put("expectedTurnId", turn);
  }

  static ObjectNode interruptTurn(String thread, String turn) {
    return object().put("threadId", thread).put("turnId", turn);
  }

  /** The turn goes on. */
  static ObjectNode declined(String method) {
    return refused(method, "decline");
  }

  /** Ends the turn too, where the question is about a command or a file. */
  static ObjectNode cancelled(String method) {
    return refused(method, "cancel");
  }

  private static ObjectNode refused(String method, String word) {
    return switch (method) {
      case PERMISSIONS -> granted(object());
      case ELICITATION -> object().put("action", word);
      case String _ -> object().put("decision", word);
    };
  }

  private static ObjectNode granted(JsonNode permissions) {
    return object().put("scope", "turn").set("permissions", permissions);
  }

  // ---- from Codex

  /** @throws HarnessFault {@code WRONG_VERSION} when it is older than what we know */
  static String decodeVersion(JsonNode result) {
    var version = HarnessConfig.Codex.versionIn(required(result, "userAgent"))
        .orElseThrow(() -> HarnessFault.malformed("userAgent", "a name and a version, as in codex/0.169.0"));
    if (!HarnessConfig.Codex.recentEnough(version)) {
      throw HarnessFault.of(Code.WRONG_VERSION, "this is Codex " + version + "; install "
          + HarnessConfig.Codex.OLDEST_VERSION + " or a newer one");
    }
    return version;
  }

  /** @throws HarnessFault {@code AUTHENTICATION} when Codex needs an account and has none */
  static void checkAccount(JsonNode result) {
    if (result.path("requiresOpenaiAuth").asBoolean(false) && !result.hasNonNull("account")) {
      throw HarnessFault.of(Code.AUTHENTICATION, "Codex has no credentials: run `codex login` as the user "
          + "and with the HOME or CODEX_HOME that it has here, or set up a model provider with an `env_key` "
          + "in its config.toml; OPENAI_API_KEY in `env` is not enough");
    }
  }

  static String decodeThread(JsonNode result) {
    return required(result.path("thread"), "id");
  }

  static String decodeTurn(JsonNode result) {
    return required(result.path("turn"), "id");
  }

  /** @throws HarnessFault {@code MALFORMED}, naming the field, when a required one is missing or not text */
  static CodexEvent.News decode(String method, JsonNode params) {
    var event = switch (method) {
      case "turn/started" -> new CodexEvent.TurnBegan();
      case "turn/completed" -> new CodexEvent.TurnOver(decodeEnd(params.path("turn")));
      case "item/started" -> item(params.path("item"), false);
      case "item/completed" -> item(params.path("item"), true);
      case "item/agentMessage/delta" ->
          new CodexEvent.Piece(required(params, "itemId"), required(params, "delta"));
      case "item/fileChange/patchUpdated" -> new CodexEvent.Tool(new ToolCall(
          required(params, "itemId"), "", EDITS, Status.UNCHANGED, canonical(params.path("changes"))));
      case "thread/tokenUsage/updated" -> new CodexEvent.Used(
          usage(params.path("tokenUsage").path("total")), usage(params.path("tokenUsage").path("last")));
      case "serverRequest/resolved" -> new CodexEvent.Resolved(params.path("requestId").asText());
      case String kind -> new CodexEvent.Other(kind); // A newer Codex must not end a run.
    };
    var turn = params.path("turnId").asText(params.path("turn").path("id").asText(""));
    return new CodexEvent.News(params.path("threadId").asText(""), turn, event);
  }

  private static List<HarnessUpdate> decodeEnd(JsonNode turn) {
    return List.of(switch (required(turn, "status")) {
      case "failed" -> new HarnessUpdate.Failed(CodexErrors.ofTurn(turn.path("error")));
      case "interrupted" -> new HarnessUpdate.Failed(
          HarnessFault.of(Code.REFUSED, "Codex gave the turn up without being asked to"));
      case String status -> new HarnessUpdate.Completed(status);
    });
  }

  private static HarnessUpdate.Usage usage(JsonNode tokens) {
    return new HarnessUpdate.Usage(tokens.path("inputTokens").asLong(), tokens.path("outputTokens").asLong(),
        tokens.path("cachedInputTokens").asLong(), 0);
  }

  private static CodexEvent item(JsonNode item, boolean over) {
    var id = required(item, "id");
    return switch (required(item, "type")) {
      case "agentMessage" -> over
          ? new CodexEvent.Said(id, required(item, "text"))
          : new CodexEvent.Piece(id, "");
      case "commandExecution" -> tool(item, over, RUNS_COMMAND, item.path("command").asText(""),
          canonical(picked(item, "command", "cwd")));
      case "fileChange" -> tool(item, over, EDITS, files(item), canonical(item.path("changes")));
      case "mcpToolCall" -> tool(item, over, "other",
          item.path("server").asText("") + "/" + item.path("tool").asText(""),
          canonical(picked(item, "server", "tool", "arguments")));
      case "dynamicToolCall" -> tool(item, over, "other", item.path("tool").asText(""),
          canonical(picked(item, "tool", "arguments")));
      case "webSearch" -> tool(item, over, "search", item.path("query").asText(""),
          canonical(picked(item, "query")));
      case String kind -> new CodexEvent.Other(kind);
    };
  }

  private static CodexEvent tool(JsonNode item, boolean over, String kind, String title, String input) {
    var refused = switch (item.path("status").asText("")) {
      case "failed", "declined" -> true;
      default -> false;
    };
    var ended = refused ? Status.FAILED : Status.COMPLETED;
    return new CodexEvent.Tool(
        new ToolCall(required(item, "id"), title, kind, over ? ended : Status.IN_PROGRESS, input));
  }

  private static String files(JsonNode item) {
    var files = new StringBuilder("change");
    item.path("changes").forEach(change -> files.append(' ').append(change.path("path").asText("")));
    return files.toString();
  }

  // ---- questions

  /** Whether a request is a question that we can put to a person. */
  static boolean asks(String method, JsonNode params) {
    return switch (method) {
      case COMMAND, FILE_CHANGE, PERMISSIONS -> true;
      case ELICITATION -> params.path("_meta").path("codex_approval_kind").asText("").equals("mcp_tool_call");
      case String _ -> false;
    };
  }

  /**
   * @param announced inputs of the calls that run or wait, by id: a question about files does not say what
   *     will be in them, and one about a tool of a server does not name the call
   * @throws HarnessFault {@code MALFORMED} also for a call that was not announced: what can't be shown whole
   *     can't be allowed
   */
  static CodexQuestion decodeQuestion(String method, JsonNode params, Map<String, String> announced) {
    return switch (method) {
      case FILE_CHANGE -> decision(files(params, announced));
      case PERMISSIONS -> permissions(params);
      case ELICITATION -> new CodexQuestion(mcpTool(params, announced), false,
          object().put("action", "accept").set("content", object()));
      case String _ -> decision(command(params));
    };
  }

  private static ToolCall mcpTool(JsonNode params, Map<String, String> announced) {
    var meta = params.path("_meta");
    var call = object()
        .put("server", required(params, "serverName")).put("tool", required(meta, "tool_name"));
    if (meta.hasNonNull("tool_params")) {
      call.set("arguments", meta.get("tool_params"));
    }
    var input = canonical(call);
    return announced.entrySet().stream().filter(open -> open.getValue().equals(input)).findFirst()
        .map(open -> new ToolCall(open.getKey(), "", "", Status.PENDING, ""))
        .orElseThrow(() -> HarnessFault.malformed("_meta", "a tool call that was announced"));
  }

  private static CodexQuestion decision(ToolCall tool) {
    return new CodexQuestion(tool, false, object().put("decision", "accept"));
  }

  private static ToolCall command(JsonNode params) {
    var network = params.path("networkApprovalContext");
    var title = network.isObject()
        ? "network access to " + network.path("host").asText("")
        : required(params, "command");
    var input = picked(params,
        "kind", "command", "cwd", "reason", "additionalPermissions", "networkApprovalContext");
    return new ToolCall(required(params, "itemId"), title, RUNS_COMMAND, Status.PENDING, canonical(input));
  }

  private static ToolCall files(JsonNode params, Map<String, String> announced) {
    var changes = announced.getOrDefault(required(params, "itemId"), "");
    if (changes.isEmpty()) {
      throw HarnessFault.malformed("itemId", "a change of files that was announced");
    }
    var input = picked(params, "reason", "grantRoot").set("changes", read(changes));
    return new ToolCall(required(params, "itemId"), "", EDITS, Status.PENDING, canonical(input));
  }

  private static CodexQuestion permissions(JsonNode params) {
    var tool = new ToolCall(required(params, "itemId"), "more permissions for this turn", "other",
        Status.PENDING, canonical(picked(params, "permissions", "cwd", "reason")));
    return new CodexQuestion(tool, true, granted(params.path("permissions")));
  }

  // ---- JSON

  private static ObjectNode picked(JsonNode from, String... fields) {
    var some = object();
    for (var field : fields) {
      if (from.hasNonNull(field)) {
        some.set(field, from.get(field));
      }
    }
    return some;
  }

  /** Nothing gives nothing. */
  private static String canonical(JsonNode value) {
    return value.isEmpty() ? "" : AgentJson.canonical(value);
  }

  private static JsonNode read(String canonical) {
    try {
      return JSON.readTree(canonical);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("what we have written can be read", e);
    }
  }
}
