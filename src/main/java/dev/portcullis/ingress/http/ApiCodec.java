package dev.portcullis.ingress.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.harness.Harnesses;
import dev.portcullis.ingress.GatewayStatus;
import dev.portcullis.ingress.Json;
import dev.portcullis.protocol.Approval;
import dev.portcullis.protocol.HistoryEntry;
import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunView;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.protocol.Usage;
import dev.portcullis.session.Receipt;
import java.util.List;
import java.util.Locale;
import java.util.function.BiConsumer;

/** Our own API's shapes on the wire. Absent values are null, never left out. */
final class ApiCodec {
  private ApiCodec() {}

  static ObjectNode receipt(Receipt.Accepted accepted) {
    return Json.object()
        .put("runId", accepted.runId())
        .put("sessionKey", accepted.sessionKey())
        .put("status", accepted.status().word())
        .put("position", accepted.position());
  }

  static ObjectNode run(RunView run) {
    var json = Json.object()
        .put("id", run.id())
        .put("sessionKey", run.sessionKey())
        .put("agent", run.agent())
        .put("harness", run.harness())
        .put("status", run.status().word())
        .put("active", run.status().active())
        .put("attempts", run.attempts())
        .put("text", run.text());
    var steps = json.putArray("steps");
    for (var step : run.steps()) {
      steps.addObject()
          .put("stepId", step.stepId())
          .put("title", step.title())
          .put("kind", step.kind())
          .put("state", step.state())
          .put("inputDigest", step.inputDigest());
    }
    json.set("approvals", array(run.approvals(), (asked, each) -> each.setAll(approval(asked))));
    InputCodec.tell(json, run.input());
    json.set("toolCalls", InputCodec.calls(run.calls()));
    json.putNull("error").putNull("resumePending");
    json.set("usage", usage(run.usage()));
    json.put("acceptedAt", run.times().acceptedAt().toString());
    Json.putInstant(json, "startedAt", run.times().startedAt());
    Json.putInstant(json, "endedAt", run.times().endedAt());
    json.put("lastSeq", run.lastSeq()).put("trimmed", run.trimmed()).putNull("parked").putNull("steeredInto");
    switch (run.outcome()) {
      case RunView.Outcome.Open _ -> { } // Nothing besides the status.
      case RunView.Outcome.Error(var error) -> json.set("error", error(error));
      case RunView.Outcome.ResumePending(var reason) -> json.putObject("resumePending").put("reason", reason);
      case RunView.Outcome.Parked(var reason, var reference) ->
          json.set("parked", Json.object().put("reason", reason).put("reference", reference));
      case RunView.Outcome.Steered(var into) -> json.put("steeredInto", into);
    }
    return json;
  }

  static ObjectNode event(RunEvent event) {
    var json = Json.object()
        .put("runId", event.runId())
        .put("seq", event.seq())
        .put("at", event.at().toString())
        .put("type", event.body().type());
    return switch (event.body()) {
      case RunEvent.Accepted(var key, var agent) -> json.put("sessionKey", key).put("agent", agent);
      case RunEvent.Started(var attempt, var harness) -> json.put("attempt", attempt).put("harness", harness);
      case RunEvent.Text(var attempt, var text) -> json.put("attempt", attempt).put("text", text);
      case RunEvent.TextReplaced(var attempt, var text) -> json.put("attempt", attempt).put("text", text);
      case RunEvent.StepStarted(var id, var title, var kind) ->
          json.put("stepId", id).put("title", title).put("kind", kind);
      case RunEvent.StepFinished(var id, var succeeded) -> json.put("stepId", id).put("succeeded", succeeded);
      case RunEvent.ApprovalRequested ask ->
          json.put("approvalId", ask.approvalId()).put("kind", ask.kind()).put("title", ask.title())
              .put("input", ask.input()).put("directory", ask.directory()).put("digest", ask.digest())
              .put("expiresAt", ask.expiresAt().toString());
      case RunEvent.ApprovalDecided(var id, var allowed, var by, var reason, var kept) -> {
        json.put("approvalId", id).put("allowed", allowed).put("by", by).put("kept", kept);
        Json.putText(json, "reason", reason);
        yield json;
      }
      case RunEvent.Interrupted cut -> interrupted(json, cut);
      case RunEvent.Resumed(var attempt, var harness, var cause) -> {
        Json.putText(json.put("attempt", attempt).put("harness", harness), "cause", cause);
        yield json;
      }
      case RunEvent.Parked(var reason, var reference) -> json.put("reason", reason)
          .put("reference", reference);
      case RunEvent.Completed(var stopReason, var usage, var into, var calls) -> {
        Json.putText(json.put("stopReason", stopReason), "into", into);
        json.set("toolCalls", InputCodec.calls(calls));
        yield json.set("usage", usage(usage));
      }
      case RunEvent.Failed(var error) -> json.set("error", error(error));
      case RunEvent.Aborted(var by) -> json.put("by", by);
    };
  }

  static ObjectNode approval(Approval asked) {
    var json = Json.object()
        .put("id", asked.id())
        .put("runId", asked.runId())
        .put("sessionKey", asked.sessionKey())
        .put("agent", asked.agent())
        .put("kind", asked.kind())
        .put("title", asked.title())
        .put("input", asked.input())
        .put("directory", asked.directory())
        .put("digest", asked.digest())
        .put("requestedAt", asked.requestedAt().toString())
        .put("expiresAt", asked.expiresAt().toString())
        .putNull("decision");
    asked.decision().forEach(done -> {
      var decision = json.putObject("decision")
          .put("allowed", done.allowed())
          .put("by", done.by())
          .put("kept", done.kept())
          .put("at", done.at().toString());
      Json.putText(decision, "reason", done.reason());
    });
    return json;
  }

  private static ObjectNode interrupted(ObjectNode json, RunEvent.Interrupted cut) {
    Json.putText(json.put("attempt", cut.attempt()).put("cause", cut.cause()), "code", cut.code());
    return json.set("uncertain", array(cut.uncertain(), (step, node) -> node
        .put("stepId", step.stepId())
        .put("title", step.title())
        .put("kind", step.kind())
        .put("inputDigest", step.inputDigest())));
  }

  static ObjectNode row(SessionRow row) {
    var json = Json.object()
        .put("key", row.key())
        .put("sessionId", row.sessionId())
        .put("agent", row.agent())
        .put("title", row.title())
        .put("status", row.status())
        .put("hasActiveRun", row.hasActiveRun())
        .put("abortable", row.abortable());
    var active = json.putArray("activeRunIds");
    row.activeRunIds().forEach(active::add);
    json.put("queued", row.queued()).put("interrupted", row.interrupted()).put("parked", row.parked());
    Json.putText(json, "lastRunId", row.lastRunId());
    json.set("usage", usage(row.usage()));
    return json.put("accepted", row.accepted())
        .put("terminal", row.terminal())
        .put("createdAt", row.createdAt().toString())
        .put("updatedAt", row.updatedAt().toString())
        .put("rev", row.rev())
        .put("owner", row.owner());
  }

  static ObjectNode historyEntry(HistoryEntry entry) {
    var json = Json.object()
        .put("seq", entry.seq())
        .put("runId", entry.runId())
        .put("role", entry.role())
        .put("text", entry.text())
        .put("at", entry.at().toString());
    json.set("attachments", InputCodec.attachments(entry.images()));
    json.set("toolCalls", InputCodec.calls(entry.calls()));
    json.set("toolResults", InputCodec.results(entry.results()));
    return json;
  }

  static ObjectNode harness(Harnesses.Entry entry) {
    var json = Json.object().put("name", entry.name()).put("kind", entry.kind());
    return switch (entry.state()) {
      case Harnesses.State.Registering(var cause) -> harness(json, "registering", cause);
      case Harnesses.State.Unavailable(var cause, _) -> harness(json, "unavailable", cause);
      case Harnesses.State.Ready(var registration) -> {
        json.put("state", "ready");
        Json.putText(json, "version", registration.version());
        yield json.put("recovery", registration.recovery().name().toLowerCase(Locale.ROOT))
            .putNull("cause");
      }
    };
  }

  private static ObjectNode harness(ObjectNode json, String state, String cause) {
    json.put("state", state).putNull("version").putNull("recovery");
    Json.putText(json, "cause", cause);
    return json;
  }

  static ObjectNode drain(GatewayStatus.Drain drain) {
    var json = Json.object().put("draining", drain.draining()).put("remaining", drain.remaining());
    Json.putText(json, "by", drain.by());
    Json.putInstant(json, "since", drain.since());
    return json;
  }

  static ArrayNode unmet(GatewayStatus status) {
    return array(status.unmet(), (unmet, json) ->
        json.put("condition", unmet.condition()).put("detail", unmet.detail()));
  }

  /** {@code {data, nextCursor}}; an empty cursor is null. */
  static ObjectNode page(ArrayNode data, String nextCursor) {
    var json = Json.object();
    json.set("data", data);
    Json.putText(json, "nextCursor", nextCursor);
    return json;
  }

  static <T> ArrayNode array(List<T> values, BiConsumer<T, ObjectNode> fill) {
    var array = Json.object().arrayNode();
    values.forEach(value -> fill.accept(value, array.addObject()));
    return array;
  }

  private static ObjectNode usage(Usage usage) {
    return Json.object()
        .put("inputTokens", usage.inputTokens())
        .put("outputTokens", usage.outputTokens())
        .put("totalTokens", usage.totalTokens());
  }

  private static ObjectNode error(RunError error) {
    return Json.object()
        .put("code", error.code())
        .put("message", error.message())
        .put("reference", error.reference());
  }
}
