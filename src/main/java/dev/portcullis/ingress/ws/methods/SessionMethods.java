package dev.portcullis.ingress.ws.methods;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Operation;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.ws.Method;
import dev.portcullis.ingress.ws.MethodCall;
import dev.portcullis.ingress.ws.Topic;
import dev.portcullis.protocol.HistoryEntry;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.session.SessionKey;
import dev.portcullis.session.Sessions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** {@code sessions.*}: rows, transcripts, and what is done to a whole session. */
final class SessionMethods {
  private static final int PREVIEW = 12;
  private static final int PREVIEW_CHARS = 240;
  private static final int KEYS_MAX = 200;
  private static final int GET = 200;

  private final Edge edge;
  private final Runs runs;
  private final Agents agents;
  private final SessionList list;

  SessionMethods(Edge edge, Runs runs) {
    this.edge = edge;
    this.runs = runs;
    this.agents = new Agents(edge.config());
    this.list = new SessionList(edge, runs.addressing());
  }

  List<Method> methods() {
    return List.of(
        Params.method("sessions.list", Operation.READ_SESSIONS, SessionList.PARAMS, list::list),
        Params.method("sessions.subscribe", Operation.READ_SESSIONS, SessionList.PARAMS, this::subscribe),
        Params.method("sessions.messages.subscribe", Operation.READ_SESSIONS,
            Set.of("key", "agentId", "includeApprovals"), this::subscribeMessages),
        Params.method("sessions.messages.unsubscribe", Operation.READ_SESSIONS, Set.of("key", "agentId"),
            this::unsubscribeMessages),
        Params.method("sessions.describe", Operation.READ_SESSIONS,
            Set.of("key", "agentId", "includeDerivedTitles", "includeLastMessage"), this::describe),
        Params.unadvertised(Params.method("sessions.resolve", Operation.READ_SESSIONS, Set.of(
            "key", "sessionId", "agentId", "includeGlobal", "includeUnknown", "allowMissing"),
                this::resolve)),
        Params.unadvertised(Params.method("sessions.get", Operation.READ_SESSIONS,
            Set.of("key", "sessionKey", "agentId", "limit"), this::get)),
        Params.method("sessions.preview", Operation.READ_SESSIONS, Set.of("keys", "limit", "maxChars"),
            this::preview),
        Params.method("sessions.create", Operation.SUBMIT, Set.of(
            "key", "agentId", "message", "task", "idempotencyKey", "parentSessionKey", "succeedsParent",
            "emitCommandHooks"), this::create),
        Params.method("sessions.reset", Operation.RESET_SESSION,
            Set.of("key", "agentId", "reason", "expectedSessionId"), this::reset),
        Params.method("sessions.delete", Operation.DELETE_SESSION,
            Set.of("key", "agentId", "deleteTranscript", "expectedSessionId", "emitLifecycleHooks"),
            this::delete));
  }

  /** From here on every change; with parameters also the rows as they are, read after that. */
  private CompletionStage<JsonNode> subscribe(MethodCall call) {
    call.peer().subscribe(new Topic.SessionList());
    var json = Json.object().put("subscribed", true);
    return call.fields().object().isEmpty() ? done(json) : list.list(call).thenApply(rows -> {
      json.set("list", rows);
      return json;
    });
  }

  private CompletionStage<JsonNode> subscribeMessages(MethodCall call) {
    var key = existing(call);
    call.peer().subscribe(new Topic.Messages(key));
    var json = Json.object().put("subscribed", true).put("key", key.text());
    if (!call.fields().flag("includeApprovals")
        || !call.peer().principal().authorize(Operation.DECIDE_APPROVAL)) {
      return done(json);
    }
    return call.sessions().approvals().thenApply(all -> {
      var replay = json.putObject("approvalReplay").putArray("approvals");
      all.stream().filter(asked -> asked.sessionKey().equals(key.text()))
          .forEach(asked -> replay.add(ApprovalCodec.of(asked)));
      return json;
    });
  }

  private CompletionStage<JsonNode> unsubscribeMessages(MethodCall call) {
    var key = existing(call);
    call.peer().unsubscribe(new Topic.Messages(key));
    return done(Json.object().put("subscribed", false).put("key", key.text()));
  }

  private CompletionStage<JsonNode> describe(MethodCall call) {
    return call.sessions().row(existing(call)).thenApply(row -> {
      var json = Json.object().putNull("session");
      row.ifPresent(found -> json.set("session", RowCodec.row(found, agents)));
      return json;
    });
  }

  private CompletionStage<JsonNode> resolve(MethodCall call) {
    boolean byKey = call.fields().optionalText("key").isPresent();
    var id = call.fields().optionalText("sessionId");
    if (byKey == id.isPresent()) {
      throw Fields.fault("key", "or sessionId must be given, and only one of them");
    }
    var found = byKey ? call.sessions().row(existing(call))
        : list.find(call, row -> row.sessionId().equals(id.get()));
    return found.thenApply(row -> row
        .<JsonNode>map(there -> Json.object()
            .put("ok", true).put("key", there.key()).put("agentId", there.agent())
            .put("sessionId", there.sessionId()))
        .orElseGet(() -> {
          if (!call.fields().flag("allowMissing")) {
            throw InputFault.of(Problems.badRequest("key", "No session found."));
          }
          return Json.object().put("ok", false);
        }));
  }

  private CompletionStage<JsonNode> get(MethodCall call) {
    var params = new Params(call.fields());
    int limit = (int) params.whole("limit", GET, 1, 1_000);
    var field = params.optionalText("key").isPresent() ? "key" : "sessionKey";
    return messages(call, key(call, field), limit).thenApply(found -> {
      var json = Json.object();
      found.forEach(json.putArray("messages")::add);
      return json;
    });
  }

  private CompletionStage<List<ObjectNode>> messages(MethodCall call, SessionKey key, int limit) {
    return entries(call, key, limit)
        .thenApply(entries -> entries.orElse(List.of()).stream().map(MessageCodec::of).toList());
  }

  /** The newest messages; empty when there is no such session. */
  private static CompletionStage<Optional<List<HistoryEntry>>> entries(
      MethodCall call, SessionKey key, int limit) {
    return call.sessions().row(key).thenCompose(row -> row.isEmpty()
        ? CompletableFuture.completedFuture(Optional.empty())
        : Transcript.tail(call.sessions(), row.get(), limit, 0).thenApply(page ->
            Optional.of(page.messages())));
  }

  private CompletionStage<JsonNode> preview(MethodCall call) {
    var params = new Params(call.fields());
    int limit = (int) params.whole("limit", PREVIEW, 1, 50);
    int chars = (int) params.whole("maxChars", PREVIEW_CHARS, 20, 10_000);
    var keys = keys(call);
    var json = Json.object().put("ts", edge.clock().millis());
    var previews = json.putArray("previews");
    CompletionStage<JsonNode> done = done(json);
    for (var key : keys) {
      done = done.thenCompose(_ -> entries(call, key, limit)).thenApply(entries -> {
        previews.add(preview(key, entries, chars));
        return json;
      });
    }
    return done;
  }

  private static ObjectNode preview(SessionKey key, Optional<List<HistoryEntry>> entries, int chars) {
    var json = Json.object().put("key", key.text())
        .put("status", entries.isEmpty() ? "missing" : entries.get().isEmpty() ? "empty" : "ok");
    var items = json.putArray("items");
    entries.orElse(List.of()).forEach(entry -> items.addObject()
        .put("role", entry.role())
        .put("text", shortened(entry.text(), chars)));
    return json;
  }

  private static String shortened(String text, int chars) {
    return text.length() <= chars ? text
        : text.substring(0, text.offsetByCodePoints(0, text.codePointCount(0, chars - 1))) + "…";
  }

  private List<SessionKey> keys(MethodCall call) {
    var keys = new ArrayList<SessionKey>();
    call.fields().array("keys").ifPresent(array -> array.forEach(key ->
        keys.add(Params.key(runs.addressing(), key.asText(), Optional.empty()))));
    if (keys.isEmpty() || keys.size() > KEYS_MAX) {
      throw Fields.fault("keys", "must be 1 to " + KEYS_MAX + " session keys");
    }
    return keys;
  }

  /**
   * A session is what its turns are, so one without a turn is only a name that is free: nothing of it is
   * kept, and nothing can be lost.
   */
  private CompletionStage<JsonNode> create(MethodCall call) {
    var params = new Params(call.fields());
    var agent = params.optionalText("agentId");
    var key = params.optionalText("key").orElseGet(() -> "agent:"
        + agent.orElse(edge.config().defaultAgent()) + ":dashboard:" + UUID.randomUUID());
    var session = runs.addressing().of(key, agent);
    var message = params.optionalText("message").or(() -> params.optionalText("task"));
    if (message.isEmpty()) {
      return call.sessions().row(session).thenApply(row -> created(session, row));
    }
    var name = params.optionalText("idempotencyKey").orElseGet(() -> UUID.randomUUID().toString());
    return runs.submit(call, session, message.get(), name).thenCompose(taken ->
        call.sessions().row(session).thenApply(row -> created(session, row)
            .put("runStarted", !taken.replayed())
            .put("runId", RunNames.shown(taken.run().id()))));
  }

  private ObjectNode created(SessionKey session, Optional<SessionRow> row) {
    var json = Json.object().put("ok", true).put("key", session.text()).put("runStarted", false);
    row.ifPresent(there -> json.put("sessionId", there.sessionId()));
    json.set("entry", row.map(there -> RowCodec.row(there, agents)).orElseGet(() -> Json.object()
        .put("key", session.text()).put("kind", "direct").put("agentId", session.agent())
        .put("hasActiveRun", false).putNull("updatedAt")));
    json.set("resolved", agents.defaults(session.agent()));
    return json;
  }

  private CompletionStage<JsonNode> reset(MethodCall call) {
    var key = existing(call);
    return guarded(call, key).thenCompose(_ ->
        call.sessions().reset(key, call.peer().principal().name())).thenApply(row -> {
          var there = row.orElseThrow(() -> InputFault.of(Problems.sessionNotFound(key.text())));
          var json = Json.object().put("ok", true).put("key", key.text());
          json.set("entry", RowCodec.row(there, agents));
          json.set("resolved", agents.defaults(there.agent()));
          return json;
        });
  }

  private CompletionStage<JsonNode> delete(MethodCall call) {
    var key = existing(call);
    if (key.text().equals("agent:" + key.agent() + ":main")) {
      throw Fields.fault("key", "is the agent's main session, which cannot be deleted; reset it");
    }
    return guarded(call, key)
        .thenCompose(_ -> call.sessions().erase(key, call.peer().principal().name()))
        .thenApply(erased -> {
          var json = Json.object().put("ok", true).put("key", key.text()).put("deleted", erased);
          json.putArray("archived");
          return json;
        });
  }

  /** Whether the session is still the one that the asker looked at. */
  private CompletionStage<Sessions> guarded(MethodCall call, SessionKey key) {
    var expected = call.fields().optionalText("expectedSessionId");
    return expected.isEmpty() ? CompletableFuture.completedFuture(call.sessions())
        : call.sessions().row(key).thenApply(row -> {
          if (row.map(SessionRow::sessionId).filter(expected.get()::equals).isEmpty()) {
            throw InputFault.of(Problems.sessionChanged(key.text()));
          }
          return call.sessions();
        });
  }

  private SessionKey existing(MethodCall call) {
    return key(call, "key");
  }

  private SessionKey key(MethodCall call, String field) {
    return Params.key(runs.addressing(), call.fields().text(field), call.fields().optionalText("agentId"));
  }

  private static CompletionStage<JsonNode> done(JsonNode json) {
    return CompletableFuture.completedFuture(json);
  }
}
