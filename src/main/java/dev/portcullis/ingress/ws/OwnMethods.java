package dev.portcullis.ingress.ws;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Operation;
import dev.portcullis.ingress.Principal;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.Scope;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The methods that are about the transport itself: who is connected, and which devices are let in. */
record OwnMethods(Edge edge, Hub hub, Pairing pairing) {
  private static final Logger LOG = LoggerFactory.getLogger(OwnMethods.class);

  static final List<String> EVENTS = List.of(
      "connect.challenge", Hub.TICK, Hub.PRESENCE, Hub.HEALTH, Hub.DRAINING, Hub.SHUTDOWN, Pairing.REQUESTED,
      Pairing.RESOLVED);

  List<Method> methods() {
    return List.of(
        Method.of("system-presence", Operation.READ_PRESENCE,
            call -> done(hub.presence(call.peer().principal()))),
        Method.of("device.pair.list", Operation.PAIR_DEVICES, _ -> list()),
        Method.of("device.pair.approve", Operation.PAIR_DEVICES, this::approve),
        Method.of("device.pair.reject", Operation.PAIR_DEVICES, this::reject),
        Method.of("device.pair.remove", Operation.PAIR_DEVICES, this::remove),
        Method.of("device.token.rotate", Operation.PAIR_DEVICES, this::rotate),
        Method.of("device.token.revoke", Operation.PAIR_DEVICES, this::revoke));
  }

  private CompletionStage<JsonNode> list() {
    var lists = Json.object();
    var waiting = lists.putArray("pending");
    pairing.pending().forEach(asked -> waiting.add(asked.json()));
    var paired = lists.putArray("paired");
    pairing.devices().all().forEach(device -> paired.add(json(device)));
    return done(lists);
  }

  private CompletionStage<JsonNode> approve(MethodCall call) {
    Envelopes.closed(call.fields().object(), Set.of("requestId"));
    var id = call.fields().text("requestId");
    return pairing.approve(id, call.peer().principal()).thenApply(found -> {
      var device = found.orElseThrow(() -> InputFault.of(Problems.pairingNotFound(id)));
      LOG.info("device.paired device={} principal={} by={}",
          device.id(), device.principal(), call.peer().principal().name());
      return Json.object().put("requestId", id).set("device", json(device));
    });
  }

  private CompletionStage<JsonNode> reject(MethodCall call) {
    Envelopes.closed(call.fields().object(), Set.of("requestId"));
    var id = call.fields().text("requestId");
    var asked = pairing.reject(id).orElseThrow(() -> InputFault.of(Problems.pairingNotFound(id)));
    return done(Json.object().put("requestId", id).put("deviceId", asked.wanted().id()));
  }

  private CompletionStage<JsonNode> remove(MethodCall call) {
    Envelopes.closed(call.fields().object(), Set.of("deviceId"));
    var id = changeable(call).id();
    return pairing.devices().remove(id).thenApply(found -> {
      known(found, id);
      LOG.info("device.removed device={} by={}", id, call.peer().principal().name());
      hub.check();
      return Json.object().put("deviceId", id);
    });
  }

  /** Nobody makes a token that may do more than themselves, or than was approved for the device. */
  private CompletionStage<JsonNode> rotate(MethodCall call) {
    Envelopes.closed(call.fields().object(), Set.of("deviceId", "role", "scopes"));
    var device = changeable(call);
    var id = device.id();
    var scopes = call.fields().array("scopes").map(OwnMethods::scopes).orElse(device.scopes());
    if (!device.covers(scopes) || !scopes.stream().allMatch(call.peer().principal()::holds)) {
      throw InputFault.of(Problems.insufficientScope(Operation.PAIR_DEVICES));
    }
    return pairing.issue(id, scopes).thenApply(found -> {
      var issued = known(found, id);
      LOG.info("device.token_rotated device={} by={}", id, call.peer().principal().name());
      hub.check();
      ObjectNode answer = Json.object().put("deviceId", id).put("role", "operator")
          .put("token", issued.token()).put("rotatedAtMs", issued.device().issuedAtMs());
      Device.words(issued.device().scopes()).forEach(answer.putArray("scopes")::add);
      return answer;
    });
  }

  private CompletionStage<JsonNode> revoke(MethodCall call) {
    Envelopes.closed(call.fields().object(), Set.of("deviceId", "role"));
    var id = changeable(call).id();
    long now = edge.clock().millis();
    return pairing.devices().change(id, device -> device.withToken("", 0)).thenApply(found -> {
      known(found, id);
      LOG.info("device.token_revoked device={} by={}", id, call.peer().principal().name());
      hub.check();
      return Json.object().put("deviceId", id).put("role", "operator").put("revokedAtMs", now);
    });
  }

  /** One's own device, or one that may do no more than the caller and sees no more. */
  private Device changeable(MethodCall call) {
    var id = call.fields().text("deviceId");
    var device = known(pairing.devices().find(id), id);
    var caller = call.peer().principal();
    boolean all = edge.credentials().named(device.principal()).filter(Principal::all).isPresent();
    if (!device.principal().equals(caller.name()) && !caller.covers(device.scopes(), all)) {
      throw InputFault.of(Problems.insufficientScope(Operation.PAIR_DEVICES));
    }
    return device;
  }

  private static Set<Scope> scopes(JsonNode words) {
    var scopes = EnumSet.noneOf(Scope.class);
    words.forEach(word -> scopes.add(Scope.of(word.asText())
        .orElseThrow(() -> Fields.fault("scopes", "must be a list of scopes"))));
    return scopes;
  }

  private static <T> T known(Optional<T> found, String id) {
    return found.orElseThrow(() -> InputFault.of(Problems.deviceNotFound(id)));
  }

  private static ObjectNode json(Device device) {
    var json = Json.object()
        .put("deviceId", device.id()).put("publicKey", device.publicKey())
        .put("principal", device.principal()).put("clientId", device.client())
        .put("displayName", device.displayName()).put("platform", device.platform())
        .put("createdAtMs", device.pairedAtMs());
    json.putArray("roles").add("operator");
    Device.words(device.scopes()).forEach(json.putArray("scopes")::add);
    var tokens = json.putArray("tokens");
    if (!device.tokenSha256().isEmpty()) {
      var token = tokens.addObject().put("role", "operator").put("createdAtMs", device.issuedAtMs());
      Device.words(device.scopes()).forEach(token.putArray("scopes")::add);
    }
    return json;
  }

  private static CompletionStage<JsonNode> done(JsonNode payload) {
    return CompletableFuture.completedFuture(payload);
  }
}
