package dev.portcullis.ingress.ws.methods;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Digests;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Operation;
import dev.portcullis.ingress.ws.Method;
import dev.portcullis.ingress.ws.MethodCall;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.session.Sessions;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/**
 * The gateway as a whole, and the lists of what this one does not have: clients ask for them at their start,
 * and an empty one is the truth.
 */
final class GatewayMethods {
  private static final int RECENT = 10;
  /** Counting all of them each minute would read as many rows as there are. */
  private static final int COUNTED = 500;

  private final Edge edge;
  private final Agents agents;

  GatewayMethods(Edge edge) {
    this.edge = edge;
    this.agents = new Agents(edge.config());
  }

  List<Method> methods() {
    return List.of(
        Params.method("health", Operation.READ_STATUS, Set.of("probe"), call -> health(call.sessions())),
        Params.method("status", Operation.READ_STATUS, Set.of("includeChannelSummary"), this::status),
        Params.method("config.get", Operation.READ_STATUS, Set.of(), _ -> done(config())),
        Params.method("models.list", Operation.READ_MODELS, Set.of(
            "agentId", "sessionKey", "provider", "view", "includeDetails", "includeProviderCapabilities",
            "includeDefaultModels", "preparedOnly", "refresh"), _ -> {
              var json = Json.object();
              json.set("models", models(agents));
              return done(json);
            }),
        Params.method("commands.list", Operation.READ_MODELS,
            Set.of("agentId", "sessionKey", "provider", "scope", "includeArgs"), _ -> {
              var json = Json.object();
              json.set("commands", commands());
              return done(json);
            }),
        Params.method("tools.catalog", Operation.READ_MODELS, Set.of("agentId", "includePlugins"), call -> {
          var json = Json.object().put("agentId",
              call.fields().optionalText("agentId").orElse(edge.config().defaultAgent()));
          json.putArray("profiles");
          json.putArray("groups"); // Tools belong to the harnesses, which do not tell them beforehand.
          return done(json);
        }),
        Params.method("channels.status", Operation.READ_STATUS, Set.of("probe", "timeoutMs", "channel"),
            _ -> done(channels())),
        Params.method("cron.list", Operation.READ_STATUS, Set.of(
            "includeDisabled", "limit", "offset", "query", "enabled", "scheduleKind", "sortBy", "sortDir",
            "agentId", "sessionKey", "compact", "includeDeliveryPreviews"), _ -> done(noJobs())),
        Params.method("cron.status", Operation.READ_STATUS, Set.of(), _ -> done(Json.object()
            .put("enabled", false).put("triggersEnabled", false).put("jobs", 0).putNull("nextWakeAtMs"))),
        Params.method("tasks.list", Operation.READ_SESSIONS,
            Set.of("sessionKey", "agentId", "status", "limit", "offset", "cursor", "sortBy", "sortDir"),
            _ -> done(empty("tasks"))),
        Params.method("taskSuggestions.list", Operation.READ_SESSIONS, Set.of("sessionKey", "agentId"),
            _ -> done(empty("suggestions"))),
        Params.method("question.list", Operation.READ_APPROVALS, Set.of("sessionKey", "agentId"),
            _ -> done(empty("questions"))),
        Params.method("node.list", Operation.READ_STATUS, Set.of(), _ -> done(
            empty("nodes").put("ts", edge.clock().millis()))));
  }

  private static CompletionStage<JsonNode> done(JsonNode json) {
    return CompletableFuture.completedFuture(json);
  }

  private static ObjectNode empty(String name) {
    var json = Json.object();
    json.putArray(name);
    return json;
  }

  /** As the protocol has it; whether work is taken, and why not, is said in words of our own. */
  private CompletionStage<JsonNode> health(Sessions sessions) {
    return health(agent -> sessions(sessions, agent));
  }

  /** What everybody may hear: keys of sessions are for those who may see them, so that there are none. */
  CompletionStage<JsonNode> health() {
    return health(_ -> CompletableFuture.completedFuture(recent(List.of(), false)));
  }

  /** @param sessions of an agent, of all for an empty name */
  private CompletionStage<JsonNode> health(Function<String, CompletionStage<ObjectNode>> sessions) {
    CompletionStage<ArrayNode> all = CompletableFuture.completedFuture(Json.object().arrayNode());
    for (var id : new TreeSet<>(edge.config().agents().keySet())) {
      all = all.thenCombine(sessions.apply(id), (agents, theirs) -> {
        var agent = agents.addObject()
            .put("agentId", id)
            .put("isDefault", id.equals(edge.config().defaultAgent()));
        agent.putObject("heartbeat").put("enabled", false).put("every", "0m").put("everyMs", 0);
        agent.set("sessions", theirs);
        return agents;
      });
    }
    return all.thenCombine(sessions.apply(""), this::health);
  }

  private JsonNode health(ArrayNode agents, ObjectNode recent) {
    var status = edge.operations().status();
    var json = Json.object()
        .put("ok", true) // The protocol allows nothing else; `ready` is what can be false.
        .put("ready", status.ready())
        .put("state", status.state())
        .put("ts", edge.clock().millis())
        .put("durationMs", 0)
        .put("heartbeatSeconds", 0)
        .put("defaultAgentId", edge.config().defaultAgent());
    var unmet = json.putArray("unmet");
    status.unmet().forEach(each ->
        unmet.addObject().put("condition", each.condition()).put("detail", each.detail()));
    var plugins = json.putObject("plugins");
    plugins.putArray("loaded");
    plugins.putArray("errors");
    json.putObject("configReload").put("hotReloadStatus", "disabled");
    json.putObject("channels");
    json.putArray("channelOrder");
    json.putObject("channelLabels");
    json.set("agents", agents);
    json.set("sessions", recent);
    json.putObject("modelRuntime").put("degraded", !status.ready()).putArray("pendingAgents");
    json.putObject("eventLoop").put("degraded", false).putArray("reasons");
    return json;
  }

  /** The newest of an agent's sessions, of all for an empty name; counted as far as a list reaches. */
  private CompletionStage<ObjectNode> sessions(Sessions sessions, String agent) {
    return sessions.list(new Sessions.Query(COUNTED, "", false, agent))
        .thenApply(page -> recent(page.rows(), !page.next().isEmpty()));
  }

  private ObjectNode recent(List<SessionRow> newest, boolean more) {
    var json = Json.object().put("path", "journal").put("count", newest.size()).put("more", more);
    var rows = json.putArray("recent");
    var now = edge.clock().instant();
    newest.stream().limit(RECENT).forEach(row -> rows.addObject()
        .put("key", row.key())
        .put("updatedAt", row.updatedAt().toEpochMilli())
        .put("age", Math.max(0, Duration.between(row.updatedAt(), now).toMillis())));
    return json;
  }

  private CompletionStage<JsonNode> status(MethodCall call) {
    return sessions(call.sessions(), "").thenCombine(call.sessions().totals(), (recent, totals) -> {
      var status = edge.operations().status();
      var json = Json.object()
          .put("runtimeVersion", status.version())
          .put("ready", status.ready())
          .put("state", status.state())
          .put("incarnation", status.incarnation())
          .put("uptimeMs", Duration.between(status.startedAt(), edge.clock().instant()).toMillis());
      json.putObject("heartbeat").put("defaultAgentId", edge.config().defaultAgent()).putArray("agents");
      for (var name : List.of("channelSummary", "queuedSystemEvents", "degradedSecretOwners",
          "degradedPlugins")) {
        json.putArray(name);
      }
      var tasks = json.putObject("tasks")
          .put("total", totals.accepted()).put("active", totals.open()).put("terminal", totals.terminal());
      tasks.putObject("byStatus").put("queued", totals.queued()).put("running", totals.active())
          .put("interrupted", totals.interrupted()).put("parked", totals.parked());
      tasks.putObject("byRuntime");
      var sessions = json.putObject("sessions").put("count", totals.sessions());
      sessions.putArray("paths");
      sessions.set("defaults", agents.defaults(edge.config().defaultAgent()));
      sessions.set("recent", recent.get("recent"));
      sessions.putArray("byAgent");
      return json;
    });
  }

  /** What clients need to know of the settings. Nothing else of them is here, so no secret can be. */
  private ObjectNode config() {
    var known = Json.object();
    known.putObject("gateway").putObject("controlUi").put("basePath", "");
    known.set("agents", agents.list());
    var json = Json.object().put("path", "portcullis").put("exists", true).put("valid", true)
        .put("raw", Json.text(known));
    for (var name : List.of("parsed", "sourceConfig", "resolved", "runtimeConfig", "config")) {
      json.set(name, known);
    }
    var hash = Digests.hex(Json.canonical(known));
    for (var name : List.of("hash", "configRevisionHash", "appliedConfigHash")) {
      json.put(name, hash);
    }
    for (var name : List.of("issues", "warnings", "legacyIssues", "includedPaths")) {
      json.putArray(name);
    }
    return json;
  }

  static ArrayNode models(Agents agents) {
    var list = Json.object().arrayNode();
    agents.models().forEach(model -> list.addObject()
        .put("id", model.id()).put("name", model.id()).put("provider", model.provider())
        .put("available", true));
    return list;
  }

  static ArrayNode commands() {
    var list = Json.object().arrayNode();
    var stop = list.addObject().put("name", "stop").put("nativeName", "stop")
        .put("description", "Abort the active run").put("category", "session").put("source", "native")
        .put("scope", "text").put("acceptsArgs", false);
    stop.putArray("textAliases").add("/stop");
    return list;
  }

  private ObjectNode channels() {
    var json = Json.object().put("ts", edge.clock().millis());
    json.putArray("channelOrder");
    for (var name : List.of("channelLabels", "channels", "channelAccounts", "channelDefaultAccountId")) {
      json.putObject(name);
    }
    return json;
  }

  private static ObjectNode noJobs() {
    var json = empty("jobs").put("total", 0).put("offset", 0).put("limit", 0).put("hasMore", false);
    return json.putNull("nextOffset");
  }
}
