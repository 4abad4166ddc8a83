package dev.portcullis.ingress.ws.methods;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Operation;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.ws.Method;
import dev.portcullis.ingress.ws.MethodCall;
import dev.portcullis.protocol.RunView;
import dev.portcullis.session.SessionKey;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** {@code agent}, which answers twice: when the turn is taken and when it has ended; and the agents. */
final class AgentMethods {
  private static final long WAIT_MS = 30_000;
  private static final long WAIT_MAX_MS = 600_000;
  private static final long TIMEOUT_S = 600;

  private final Edge edge;
  private final Runs runs;
  private final Agents agents;

  AgentMethods(Edge edge, Runs runs) {
    this.edge = edge;
    this.runs = runs;
    this.agents = new Agents(edge.config());
  }

  List<Method> methods() {
    return List.of(
        Params.method("agent", Operation.SUBMIT, Set.of(
            "message", "agentId", "idempotencyKey", "sessionKey", "deliver", "timeout"), this::agent),
        Params.method("agent.wait", Operation.READ_RUN, Set.of("runId", "timeoutMs"), this::await),
        Params.method("agents.list", Operation.READ_MODELS, Set.of(),
            _ -> CompletableFuture.completedFuture(agents.list())),
        Params.method("agent.identity.get", Operation.READ_MODELS, Set.of("agentId", "sessionKey"),
            this::identity));
  }

  private CompletionStage<JsonNode> agent(MethodCall call) {
    var params = new Params(call.fields());
    var key = params.fields().text("idempotencyKey");
    var agent = params.optionalText("agentId");
    var session = runs.addressing().of(
        params.optionalText("sessionKey").orElseGet(() -> agent.isPresent() ? "main" : RunNames.checked(key)),
        agent);
    var timeout = Duration.ofSeconds(params.whole("timeout", TIMEOUT_S, 0, 172_800));
    return runs.submit(call, session, params.fields().text("message"), key).thenCompose(taken -> {
      if (!taken.replayed()) {
        call.interim().accept(accepted(taken.run()).put("status", "accepted"));
      } else if (!Runs.rests(taken.run())) {
        call.interim().accept(accepted(taken.run()).put("status", "in_flight"));
      }
      return runs.rest(call, taken.run(), timeout).thenCompose(run -> ended(call, run));
    });
  }

  private static ObjectNode accepted(RunView run) {
    return Json.object()
        .put("runId", RunNames.shown(run.id()))
        .put("sessionKey", run.sessionKey())
        .put("agentId", run.agent())
        .put("acceptedAt", run.times().acceptedAt().toEpochMilli());
  }

  private CompletionStage<JsonNode> ended(MethodCall call, RunView run) {
    return switch (run.status()) {
      case FAILED -> Runs.refused(Problems.runFailed(run.error().orElseThrow(
          () -> new IllegalStateException(run.id() + " failed without an error"))));
      case PARKED -> Runs.refused(Problems.runParked(RunNames.shown(run.id()),
          run.outcome() instanceof RunView.Outcome.Parked(var reason, _) ? reason : "no reason noted"));
      case COMPLETED, ABORTED, QUEUED, STARTING, RUNNING, ABORTING, INTERRUPTED ->
          call.sessions().row(new SessionKey(run.sessionKey())).thenApply(row ->
              result(run, row.map(there -> there.sessionId())));
    };
  }

  private JsonNode result(RunView run, Optional<String> sessionId) {
    var json = Runs.standing(run);
    if (json.path("status").asText().equals("ok")) {
      json.put("summary", "completed");
    } else if (!run.status().terminal()) {
      json.put("status", "timeout").put("summary", "still " + run.status().word());
    }
    var result = json.putObject("result");
    var payloads = result.putArray("payloads");
    if (!run.text().isEmpty()) {
      payloads.addObject().put("text", run.text()).putNull("mediaUrl");
    }
    var meta = result.putObject("meta").put("aborted", json.path("summary").asText().equals("aborted"));
    run.times().endedAt().forEach(at -> meta.put(
        "durationMs", Duration.between(run.times().acceptedAt(), at).toMillis()));
    var about = meta.putObject("agentMeta");
    sessionId.ifPresent(id -> about.put("sessionId", id));
    agents.model(run.agent()).ifPresent(model ->
        about.put("provider", run.harness().isEmpty() ? model.provider() : run.harness())
            .put("model", model.id()));
    about.set("usage", MessageCodec.usage(run.usage()));
    return json;
  }

  private CompletionStage<JsonNode> await(MethodCall call) {
    var params = new Params(call.fields());
    var id = params.text("runId", 512);
    var atMost = Duration.ofMillis(params.whole("timeoutMs", WAIT_MS, 0, WAIT_MAX_MS));
    return runs.find(call, id).thenCompose(run -> runs.rest(call, run, atMost)).thenApply(run -> {
      var json = Runs.standing(run);
      return run.status().terminal() ? json
          : json.put("status", run.times().startedAt().isEmpty() ? "pending" : "timeout");
    });
  }

  private CompletionStage<JsonNode> identity(MethodCall call) {
    var session = call.fields().optionalText("sessionKey")
        .map(text -> Params.key(runs.addressing(), text, Optional.empty()).agent());
    var agent = call.fields().optionalText("agentId").or(() -> session).orElse(edge.config().defaultAgent());
    if (!edge.config().agents().containsKey(agent)) {
      throw InputFault.of(Problems.agentNotFound(agent));
    }
    return CompletableFuture.completedFuture(
        Json.object().put("agentId", agent).put("name", agent).put("nameSource", "config"));
  }
}
