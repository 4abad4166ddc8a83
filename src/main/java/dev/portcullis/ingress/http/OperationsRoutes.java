package dev.portcullis.ingress.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.GatewayStatus;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Operation;
import dev.portcullis.session.Sessions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/** The gateway as a whole: its harnesses, its state, and the way to bring it to rest. */
public final class OperationsRoutes {
  private final Edge edge;

  public OperationsRoutes(Edge edge) {
    this.edge = edge;
  }

  public List<Endpoint> endpoints() {
    return List.of(
        Endpoint.get("/api/v1/harnesses", Operation.READ_STATUS, this::harnesses),
        Endpoint.get("/api/v1/status", Operation.READ_STATUS, this::status),
        Endpoint.post("/api/v1/drain", Operation.DRAIN, this::drain));
  }

  private CompletionStage<HttpResponse> harnesses(Call call) {
    var body = Json.object();
    body.set("data", harnesses());
    return CompletableFuture.completedFuture(Replies.json(200, body));
  }

  private CompletionStage<HttpResponse> status(Call call) {
    return call.sessions().totals().thenApply(totals -> status(edge.operations().status(), totals));
  }

  private HttpResponse status(GatewayStatus status, Sessions.Totals totals) {
    var body = Json.object()
        .put("ready", status.ready())
        .put("state", status.state())
        .put("incarnation", status.incarnation())
        .put("startedAt", status.startedAt().toString())
        .put("uptimeSeconds", Duration.between(status.startedAt(), edge.clock().instant()).toSeconds())
        .put("version", status.version())
        .put("defaultAgent", edge.config().defaultAgent());
    body.set("harnesses", harnesses());
    body.putObject("counts")
        .put("sessions", totals.sessions())
        .put("accepted", totals.accepted())
        .put("terminal", totals.terminal())
        .put("open", totals.open())
        .put("active", totals.active())
        .put("queued", totals.queued())
        .put("interrupted", totals.interrupted())
        .put("parked", totals.parked())
        .put("quarantined", totals.quarantined());
    body.set("drain", ApiCodec.drain(status.drain()));
    body.set("unmet", ApiCodec.unmet(status));
    return Replies.json(200, body);
  }

  private CompletionStage<HttpResponse> drain(Call call) {
    edge.operations().drain(call.principal().name());
    var body = Json.object();
    body.set("drain", ApiCodec.drain(edge.operations().status().drain()));
    return CompletableFuture.completedFuture(Replies.json(202, body));
  }

  private ArrayNode harnesses() {
    return ApiCodec.array(List.copyOf(edge.harnesses().snapshot().values()),
        (entry, json) -> json.setAll(ApiCodec.harness(entry)));
  }
}
