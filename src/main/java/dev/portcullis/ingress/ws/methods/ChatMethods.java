package dev.portcullis.ingress.ws.methods;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Operation;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.ws.Method;
import dev.portcullis.ingress.ws.MethodCall;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.session.SessionKey;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** {@code chat.*}, and what of {@code sessions.*} sends and aborts. */
final class ChatMethods {
  private static final String STOP = "/stop";
  private static final int LIMIT = 200;
  private static final int LIMIT_MAX = 1_000;
  private static final int SKIPPED_MAX = 1_000_000;
  private static final long BYTES = 6_291_456;
  private static final Set<String> HISTORY = Set.of(
      "sessionKey", "agentId", "cursor", "limit", "maxBytes", "offset", "pendingBefore", "inputRunIds",
      "sessionId", "maxChars");

  private final Runs runs;
  private final Agents agents;

  ChatMethods(Edge edge, Runs runs) {
    this.runs = runs;
    this.agents = new Agents(edge.config());
  }

  List<Method> methods() {
    return List.of(
        Params.method("chat.send", Operation.SUBMIT, Set.of(
            "sessionKey", "message", "idempotencyKey", "agentId", "sessionId", "deliver", "timeoutMs",
            "queueMode", "attachments", "mentions", "thinking", "expectedLeafEntryId",
            "suppressCommandInterpretation"), this::send),
        Params.method("sessions.send", Operation.SUBMIT, Set.of(
            "key", "message", "idempotencyKey", "agentId", "attachments", "mentions", "thinking",
            "timeoutMs"), this::sendToExisting),
        Params.method("chat.abort", Operation.ABORT_RUN,
            Set.of("sessionKey", "agentId", "runId", "preserveSideRuns"), this::abort),
        Params.method("sessions.abort", Operation.ABORT_RUN,
            Set.of("key", "runId", "agentId", "clearQueued"), this::abortSession),
        Params.method("chat.history", Operation.READ_SESSIONS, HISTORY, this::history),
        Params.method("chat.startup", Operation.READ_SESSIONS, HISTORY, this::startup),
        Params.method("chat.metadata", Operation.READ_SESSIONS, Set.of("agentId", "sessionKey"),
            this::metadata));
  }

  private CompletionStage<JsonNode> send(MethodCall call) {
    var params = new Params(call.fields());
    refuseWhatCannotBe(params);
    var session = session(call, "sessionKey");
    var message = params.fields().text("message");
    var key = params.fields().text("idempotencyKey");
    if (message.strip().equals(STOP) && !params.fields().flag("suppressCommandInterpretation")) {
      return stop(call, session);
    }
    return runs.submit(call, session, message, key).thenApply(ChatMethods::answer);
  }

  private CompletionStage<JsonNode> sendToExisting(MethodCall call) {
    var params = new Params(call.fields());
    refuseWhatCannotBe(params);
    var session = session(call, "key");
    var message = params.fields().text("message");
    var key = params.fields().text("idempotencyKey");
    return call.sessions().row(session).thenCompose(row -> row.isEmpty()
        ? Runs.refused(Problems.sessionNotFound(session.text()))
        : runs.submit(call, session, message, key).thenApply(ChatMethods::answer));
  }

  /** What would be passed over in silence otherwise, and is not a wish about presentation. */
  private static void refuseWhatCannotBe(Params params) {
    for (var name : List.of("attachments", "mentions")) {
      if (params.given(name)) {
        throw Fields.fault(name, "cannot be taken by this gateway's agents");
      }
    }
  }

  private static JsonNode answer(Runs.Taken taken) {
    var standing = Runs.standing(taken.run());
    return taken.replayed() ? standing : standing.put("status", "started");
  }

  private CompletionStage<JsonNode> stop(MethodCall call, SessionKey session) {
    return call.sessions().row(session)
        .thenCompose(row -> runs.abort(call, row.map(Runs::abortable).orElse(List.of())))
        .thenApply(ChatMethods::aborted);
  }

  private CompletionStage<JsonNode> abort(MethodCall call) {
    var session = session(call, "sessionKey");
    var run = call.fields().optionalText("runId");
    return run.isEmpty() ? stop(call, session)
        : runs.ofSession(call, session, run.get())
            .thenCompose(ids -> runs.abort(call, ids))
            .thenApply(ChatMethods::aborted);
  }

  private static JsonNode aborted(List<String> ids) {
    var json = Json.object().put("ok", true).put("aborted", !ids.isEmpty());
    ids.forEach(json.putArray("runIds")::add);
    return json;
  }

  private CompletionStage<JsonNode> abortSession(MethodCall call) {
    var key = call.fields().optionalText("key");
    var run = call.fields().optionalText("runId");
    if (call.fields().flag("clearQueued")) {
      throw Fields.fault("clearQueued", "is not possible; abort the turns that wait one by one");
    }
    if (key.isEmpty() && run.isEmpty()) {
      throw Fields.fault("key", "is missing; name the session, the run, or both");
    }
    CompletionStage<List<String>> ids = run.isEmpty()
        ? call.sessions().row(session(call, "key"))
            .thenApply(row -> row.map(Runs::abortable).orElse(List.of()))
        : key.isEmpty() ? runs.find(call, run.get()).thenApply(found -> List.of(found.id()))
            : runs.ofSession(call, session(call, "key"), run.get());
    return ids.thenCompose(wanted -> runs.abort(call, wanted)).thenApply(ended -> {
      var json = Json.object().put("ok", true)
          .put("status", ended.isEmpty() ? "no-active-run" : "aborted");
      Json.putText(json, "abortedRunId", ended.isEmpty() ? "" : ended.getFirst());
      return json;
    });
  }

  private CompletionStage<JsonNode> startup(MethodCall call) {
    return history(call).thenApply(found -> {
      var json = (ObjectNode) found;
      json.set("agentsList", agents.list());
      return json;
    });
  }

  private CompletionStage<JsonNode> history(MethodCall call) {
    var params = new Params(call.fields());
    var session = existing(call, "sessionKey");
    int limit = (int) params.whole("limit", LIMIT, 1, LIMIT_MAX);
    int skipped = (int) params.whole("offset", 0, 0, SKIPPED_MAX);
    long bytes = params.whole("maxBytes", BYTES, 1_024, Long.MAX_VALUE);
    if (params.optionalText("cursor").isPresent()) {
      // No cursor is ever given out, so this one is somebody else's: the client reads the newest messages.
      return CompletableFuture.completedFuture(head(session, params).put("kind", "reset"));
    }
    return call.sessions().row(session).thenCompose(row -> row.isEmpty()
        ? CompletableFuture.completedFuture(nothing(session, params))
        : Transcript.tail(call.sessions(), row.get(), limit, skipped)
            .thenCompose(page -> inFlight(call, row.get(),
                page(row.get(), page, skipped, Math.min(bytes, BYTES), params))));
  }

  private ObjectNode head(SessionKey session, Params params) {
    var json = Json.object().put("sessionKey", session.text());
    json.putArray("messages");
    json.putObject("pendingInputs").put("total", 0).putArray("items");
    json.put("hasMore", false);
    json.set("defaults", agents.defaults(session.agent()));
    if (params.given("inputRunIds")) { // What was sent is in the messages as soon as it was taken.
      json.putArray("inputReceipts");
      json.putArray("inputConsumptions");
    }
    return json;
  }

  private JsonNode nothing(SessionKey session, Params params) {
    return head(session, params).put("totalMessages", 0);
  }

  /** The newest messages that fit; what does not is older, and can be asked for. */
  private ObjectNode page(SessionRow row, Transcript page, int skipped, long bytes, Params params) {
    var json = head(new SessionKey(row.key()), params).put("sessionId", row.sessionId());
    var kept = page.messages().reversed().stream().map(MessageCodec::of).toList();
    long size = 0;
    int fits = 0;
    for (var message : kept) {
      size += Json.text(message).length();
      if (fits > 0 && size > bytes) {
        break;
      }
      fits++;
    }
    var messages = json.putArray("messages");
    kept.subList(0, fits).reversed().forEach(messages::add);
    boolean more = page.more() || fits < kept.size();
    json.put("hasMore", more);
    if (more) {
      json.put("nextOffset", skipped + fits);
    } else {
      json.put("totalMessages", skipped + fits);
    }
    json.set("sessionInfo", RowCodec.row(row, agents));
    return json;
  }

  /** The answer that is being given now, so that who comes late sees its beginning. */
  private CompletionStage<JsonNode> inFlight(MethodCall call, SessionRow row, ObjectNode json) {
    return row.activeRunIds().isEmpty()
        ? CompletableFuture.completedFuture(json)
        : call.sessions().run(row.activeRunIds().getFirst()).thenApply(found -> {
          found.filter(run -> run.status().active()).ifPresent(run -> {
            var now = json.putObject("inFlightRun")
                .put("runId", RunNames.shown(run.id()))
                .put("text", run.text());
            run.times().startedAt().forEach(at -> now.put("startedAt", at.toEpochMilli()));
          });
          return json;
        });
  }

  private CompletionStage<JsonNode> metadata(MethodCall call) {
    var json = Json.object().put("swarmEnabled", false).put("runtimeSelectionLocked", true);
    json.set("models", GatewayMethods.models(agents));
    json.set("commands", GatewayMethods.commands());
    return CompletableFuture.completedFuture(json);
  }

  /** For a turn: an agent that there is, and a session of its own. */
  private SessionKey session(MethodCall call, String field) {
    return runs.addressing().of(call.fields().text(field), call.fields().optionalText("agentId"));
  }

  /** For reading: the agent may be one that is no longer configured. */
  private SessionKey existing(MethodCall call, String field) {
    return Params.key(runs.addressing(), call.fields().text(field), call.fields().optionalText("agentId"));
  }
}
