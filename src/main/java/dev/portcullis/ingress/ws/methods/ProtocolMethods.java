package dev.portcullis.ingress.ws.methods;

import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.ws.Announcer;
import dev.portcullis.ingress.ws.Repertoire;
import java.util.List;
import java.util.stream.Stream;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;

/** Everything that can be asked over the gateway protocol, and the feed of what is told. */
public final class ProtocolMethods {
  /** Names of the events that the feed tells. */
  private static final List<String> EVENTS = List.of(
      "agent", "chat", "session.message", "session.tool", "sessions.changed", "plugin.approval.requested",
      "plugin.approval.resolved");

  private ProtocolMethods() {}

  public static Repertoire of(Edge edge) {
    var runs = new Runs(edge);
    var gateway = new GatewayMethods(edge);
    var methods = Stream.of(
            gateway.methods(),
            new SessionMethods(edge, runs).methods(),
            new ChatMethods(edge, runs).methods(),
            new AgentMethods(edge, runs).methods(),
            new ApprovalMethods().methods())
        .flatMap(List::stream)
        .toList();
    return new Repertoire(methods, EVENTS, gateway::health);
  }

  /** Tells {@code announcer} of every session and run of the node until it is stopped. */
  public static Feeding feed(ActorSystem<?> system, Edge edge, Announcer announcer) {
    var parts = new Feed.Parts(edge.sessions(), new Agents(edge.config()), announcer, edge.clock());
    ActorRef<Feed.Command> feed = system.systemActorOf(
        Feed.create(parts), "feed-" + Long.toHexString(edge.random().nextLong()), Props.empty());
    announcer.whenHeard(() -> feed.tell(new Feed.Wanted()));
    return () -> feed.tell(new Feed.Stop());
  }

  /** A feed that runs. */
  @FunctionalInterface
  public interface Feeding {
    void stop();
  }
}
