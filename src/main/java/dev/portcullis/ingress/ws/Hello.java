package dev.portcullis.ingress.ws;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Scope;
import java.time.Duration;
import java.util.List;

/**
 * {@code hello-ok}: what the gateway is, can and knows. Clients ask for no more than it says.
 *
 * @param methods that are advertised
 * @param events that may come
 */
record Hello(Edge edge, Hub hub, String bootId, List<String> methods, List<String> events) {
  Hello {
    methods = List.copyOf(methods);
    events = List.copyOf(events);
  }

  ObjectNode payload(Member member) {
    var welcome = member.welcome();
    var hello = Json.object().put("type", "hello-ok").put("protocol", 4);
    hello.putObject("server")
        .put("version", edge.operations().status().version())
        .put("connId", welcome.connId())
        .put("bootId", bootId);
    var features = hello.putObject("features");
    methods.forEach(features.putArray("methods")::add);
    events.forEach(features.putArray("events")::add);
    hello.set("snapshot", snapshot(member));
    var auth = hello.putObject("auth").put("role", "operator");
    var scopes = auth.putArray("scopes");
    member.principal().scopes().stream().map(Scope::word).sorted().forEach(scopes::add);
    auth.put("method", welcome.method());
    if (!welcome.deviceToken().isEmpty()) {
      auth.put("deviceToken", welcome.deviceToken()).put("issuedAtMs", welcome.issuedAtMs());
    }
    hello.putObject("policy")
        .put("maxPayload", edge.config().http().bodyBytes())
        .put("maxBufferedBytes", edge.config().sockets().bufferBytes())
        .put("tickIntervalMs", edge.config().sockets().tick().toMillis());
    return hello;
  }

  private ObjectNode snapshot(Member member) {
    boolean reader = member.principal().holds(Scope.READ);
    var snapshot = Json.object();
    snapshot.set("presence", reader ? hub.presence(member.principal()) : Json.object().putArray("presence"));
    snapshot.set("health", reader ? hub.health() : Json.object());
    snapshot.set("stateVersion", hub.stateVersion());
    var status = edge.operations().status();
    snapshot.put("uptimeMs",
        Math.max(0, Duration.between(status.startedAt(), edge.clock().instant()).toMillis()));
    snapshot.putObject("suspension").put("phase", status.drain().draining() ? "draining" : "accepting");
    var agent = edge.config().defaultAgent();
    snapshot.putObject("sessionDefaults")
        .put("defaultAgentId", agent)
        .put("modelConfigured", true)
        .put("ownership", "sole")
        .put("selectionRequired", false)
        .put("mainKey", "main")
        .put("mainSessionKey", "agent:" + agent + ":main")
        .put("scope", "per-sender");
    return snapshot;
  }
}
