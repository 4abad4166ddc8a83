package dev.portcullis.ingress.ws;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.config.CredentialsFile;
import dev.portcullis.ingress.Digests;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Principal;
import dev.portcullis.ingress.Scope;
import java.time.Duration;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;

/**
 * Lets devices in. What waits for a person is kept in memory only, for a short time, and each request can be
 * decided once: a device that was forgotten asks again. Thread-safe.
 */
final class Pairing {
  static final Duration EXPIRY = Duration.ofMinutes(5);
  static final String REQUESTED = "device.pair.requested";
  static final String RESOLVED = "device.pair.resolved";
  private static final int PENDING_MAX = 64;

  /**
   * A device that waits for somebody to let it in.
   *
   * @param reason not-paired, scope-upgrade, metadata-upgrade
   * @param wanted what it will be, with the scopes that its secret covers
   */
  record Pending(String requestId, String reason, Device wanted, String from, long atMs) {
    ObjectNode json() {
      var json = Json.object()
          .put("requestId", requestId).put("deviceId", wanted.id()).put("publicKey", wanted.publicKey())
          .put("clientId", wanted.client()).put("displayName", wanted.displayName())
          .put("platform", wanted.platform()).put("role", "operator").put("reason", reason)
          .put("remoteIp", from).put("ts", atMs);
      Device.words(wanted.scopes()).forEach(json.putArray("scopes")::add);
      return json;
    }
  }

  private final Edge edge;
  private final Devices devices;
  private final Announcer announcer;
  private final Map<String, Pending> pending = new LinkedHashMap<>();

  Pairing(Edge edge, Devices devices, Announcer announcer) {
    this.edge = edge;
    this.devices = devices;
    this.announcer = announcer;
  }

  Devices devices() {
    return devices;
  }

  /** One request for each device; the newest counts. */
  Pending request(String reason, Device wanted, String from) {
    var asked = new Pending(
        new UUID(edge.random().nextLong(), edge.random().nextLong()).toString(), reason, wanted, from, now());
    synchronized (this) {
      expire();
      pending.values().removeIf(other -> other.wanted().id().equals(wanted.id()));
      if (pending.size() >= PENDING_MAX) {
        pending.remove(pending.keySet().iterator().next());
      }
      pending.put(asked.requestId(), asked);
    }
    announce(REQUESTED, asked.json());
    return asked;
  }

  synchronized List<Pending> pending() {
    expire();
    return List.copyOf(pending.values());
  }

  /**
   * Lets the device in, with no more than whoever decides has, beside what it was let in with before. Empty
   * when nothing waits under this id.
   *
   * @return the device as it is now
   */
  CompletionStage<Optional<Device>> approve(String requestId, Principal by) {
    var found = take(requestId);
    if (found.isEmpty()) {
      return CompletableFuture.completedFuture(Optional.empty());
    }
    var wanted = found.get().wanted();
    var approved = wanted.withScopes(covered(wanted.scopes(), by));
    announceResolved(found.get(), "approved");
    return devices.add(approved);
  }

  Optional<Pending> reject(String requestId) {
    var found = take(requestId);
    found.ifPresent(asked -> announceResolved(asked, "rejected"));
    return found;
  }

  private synchronized Optional<Pending> take(String requestId) {
    expire();
    return Optional.ofNullable(pending.remove(requestId));
  }

  private void expire() {
    pending.values().removeIf(asked -> now() - asked.atMs() >= EXPIRY.toMillis());
  }

  /** A device and the token that it may show from now on; nobody will see the token again. */
  record Issued(Device device, String token) {
    @Override
    public String toString() {
      return "Issued[" + device.id() + "]";
    }
  }

  /** Empty when there is no such device. An older token of it is worth nothing from now on. */
  CompletionStage<Optional<Issued>> issue(String deviceId, Set<Scope> scopes) {
    var token = CredentialsFile.freshToken(edge.random());
    return devices
        .change(deviceId, device -> device.withScopes(scopes).withToken(Digests.hex(token), now()))
        .thenApply(changed -> changed.map(device -> new Issued(device, token)));
  }

  /** Of {@code wanted} what {@code by} holds too. */
  static Set<Scope> covered(Set<Scope> wanted, Principal by) {
    return wanted.stream()
        .filter(by::holds)
        .collect(Collectors.toCollection(() -> EnumSet.noneOf(Scope.class)));
  }

  private void announceResolved(Pending asked, String decision) {
    announce(RESOLVED, Json.object().put("requestId", asked.requestId())
        .put("deviceId", asked.wanted().id()).put("decision", decision).put("ts", now()));
  }

  private void announce(String event, ObjectNode payload) {
    announcer.announce(new Broadcast(
        event, Broadcast.Audience.holdersOf(Scope.PAIRING), true, payload));
  }

  private long now() {
    return edge.clock().millis();
  }
}
