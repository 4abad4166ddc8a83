package dev.portcullis.ingress.ws;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Principal;
import dev.portcullis.ingress.Scope;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.pekko.util.ByteString;

/**
 * Everybody who is logged in, and what is told to all of them. An event is encoded once, however many hear
 * it. Thread-safe; nobody waits here.
 */
public final class Hub implements Announcer {
  static final String TICK = "tick";
  static final String PRESENCE = "presence";
  static final String HEALTH = "health";
  static final String DRAINING = "gateway.draining";
  static final String SHUTDOWN = "shutdown";

  private final Edge edge;
  private final Map<String, Member> members = new ConcurrentHashMap<>();
  private final AtomicLong presenceVersion = new AtomicLong();
  private final AtomicLong healthVersion = new AtomicLong();
  private volatile JsonNode health = Json.object();
  private volatile boolean draining;
  private volatile Runnable whenHeard = () -> { };

  public Hub(Edge edge) {
    this.edge = edge;
  }

  @Override
  public void announce(Broadcast broadcast) {
    announce(broadcast, false);
  }

  private void announce(Broadcast broadcast, boolean versioned) {
    if (members.isEmpty()) {
      return;
    }
    var unnumbered = encoded(broadcast, versioned);
    members.values().forEach(member -> member.tell(broadcast, unnumbered));
  }

  private ByteString encoded(Broadcast broadcast, boolean versioned) {
    var event = Json.object().put("type", "event").put("event", broadcast.event());
    event.set("payload", broadcast.payload());
    if (versioned) {
      event.set("stateVersion", stateVersion());
    }
    return Envelopes.unnumbered(event);
  }

  @Override
  public boolean heard() {
    return !members.isEmpty();
  }

  @Override
  public void whenHeard(Runnable task) {
    whenHeard = task;
  }

  void join(Member member) {
    boolean first = members.isEmpty();
    members.put(member.connId(), member);
    if (first) {
      whenHeard.run();
    }
    present(member);
  }

  void leave(Member member) {
    if (members.remove(member.connId(), member)) {
      present(member);
    }
  }

  Collection<Member> members() {
    return members.values();
  }

  /**
   * Tells those who may see the device. A tool that calls once and has no device of its own is nobody's
   * company.
   */
  private void present(Member changed) {
    if (changed.deviceId().isEmpty()) {
      return;
    }
    presenceVersion.incrementAndGet();
    var broadcasts = new HashMap<String, Broadcast>();
    var encoded = new HashMap<String, ByteString>();
    for (var member : members.values()) {
      var viewer = member.principal();
      if (sees(viewer, changed)) {
        var view = viewer.seesAll() ? "" : viewer.name();
        var broadcast = broadcasts.computeIfAbsent(view, _ ->
            toReaders(PRESENCE, Json.object().set("presence", presence(viewer)), true));
        member.tell(broadcast, encoded.computeIfAbsent(view, _ -> encoded(broadcast, true)));
      }
    }
  }

  private static boolean sees(Principal viewer, Member other) {
    return viewer.seesAll() || viewer.name().equals(other.principal().name());
  }

  /** The gateway itself, and every device that is connected, as far as {@code viewer} may know of it. */
  ArrayNode presence(Principal viewer) {
    long now = edge.clock().millis();
    var entries = Json.object().putArray("presence");
    entries.addObject().put("ts", now).put("mode", "gateway").put("reason", "self")
        .put("version", edge.operations().status().version());
    members.values().stream()
        .filter(member -> !member.deviceId().isEmpty() && sees(viewer, member))
        .forEach(member -> entries.add(entry(member)));
    return entries;
  }

  private static ObjectNode entry(Member member) {
    var client = member.welcome().client();
    var entry = Json.object().put("ts", member.welcome().since())
        .put("clientId", client.id()).put("mode", client.mode()).put("reason", "connect")
        .put("version", client.version()).put("onlineSince", member.welcome().since())
        .put("deviceId", member.deviceId());
    filled(entry, "platform", client.platform());
    filled(entry, "deviceFamily", client.deviceFamily());
    filled(entry, "modelIdentifier", client.modelIdentifier());
    filled(entry, "timeZone", client.timeZone());
    filled(entry, "instanceId", client.instanceId());
    entry.putArray("roles").add("operator");
    var scopes = entry.putArray("scopes");
    member.principal().scopes().stream().map(Scope::word).sorted().forEach(scopes::add);
    return entry;
  }

  private static void filled(ObjectNode entry, String field, String text) {
    if (!text.isEmpty()) {
      entry.put(field, text);
    }
  }

  ObjectNode stateVersion() {
    return Json.object().put("presence", presenceVersion.get()).put("health", healthVersion.get());
  }

  /** As it was told last. */
  JsonNode health() {
    return health;
  }

  void health(JsonNode now) {
    health = now;
    healthVersion.incrementAndGet();
    announce(toReaders(HEALTH, now, false), true);
  }

  /** Closes those who have not answered the last of these, and those who are not welcome any more. */
  void tick() {
    announce(toAll(TICK, Json.object().put("ts", edge.clock().millis())));
    members.values().forEach(member -> {
      if (!member.socket().probe()) {
        member.socket().cut(1008, "no sign of life");
      }
    });
  }

  /** Closes those whose credentials have changed. */
  void check() {
    members.values().forEach(Member::checked);
  }

  /** Whether no further client is let in. */
  boolean isDraining() {
    return draining;
  }

  void draining() {
    draining = true;
    announce(toAll(DRAINING, Json.object().put("reason", "restart").put("ts", edge.clock().millis())));
  }

  void shutdown() {
    draining = true;
    announce(toAll(SHUTDOWN, Json.object().put("reason", "service restart")));
  }

  private static Broadcast toAll(String event, JsonNode payload) {
    return new Broadcast(event, Broadcast.Audience.EVERYBODY, false, payload);
  }

  private static Broadcast toReaders(String event, JsonNode payload, boolean droppable) {
    var readers = Broadcast.Audience.holdersOf(Scope.READ);
    return new Broadcast(event, readers, droppable, payload);
  }
}
