package dev.portcullis.session;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.cluster.sharding.ShardCoordinator.ShardAllocationStrategy;
import org.apache.pekko.cluster.sharding.typed.ShardingEnvelope;
import org.apache.pekko.cluster.sharding.typed.javadsl.ClusterSharding;
import org.apache.pekko.cluster.sharding.typed.javadsl.Entity;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;

/** The sessions of this node, for those who start and stop it. */
public final class SessionRegion {
  private static final int AT_ONCE = 64;
  private static final Duration WAKING = Duration.ofSeconds(20);
  private static final Duration TRIMMING = Duration.ofMinutes(5);

  private final ActorSystem<?> system;

  private SessionRegion(ActorSystem<?> system, Entity<Session.Command, ?> entity) {
    this.system = system;
    ClusterSharding.get(system).init(entity);
  }

  /** Starts sharding; sessions are made as they are addressed. */
  public SessionRegion(ActorSystem<?> system, SessionNode node) {
    this(system, entity(node));
  }

  /** @param allocation says which node a shard lives on */
  public SessionRegion(ActorSystem<?> system, SessionNode node, ShardAllocationStrategy allocation) {
    this(system, entity(node).withAllocationStrategy(allocation));
  }

  private static Entity<Session.Command, ShardingEnvelope<Session.Command>> entity(SessionNode node) {
    return Entity
        .of(Session.TYPE_KEY, entity -> Session.create(entity.getEntityId(), entity.getShard(), node))
        .withStopMessage(new Session.Leave());
  }

  /**
   * Wakes {@code sessions}; completes when a decision about each open run is in the journal. One in
   * quarantine answers at once; one that does not answer in time is handed to {@code unreadable}.
   */
  public CompletionStage<Session.Recovered> recover(List<SessionKey> sessions,
      Consumer<SessionKey> unreadable) {
    return Source.from(sessions)
        .mapAsyncUnordered(AT_ONCE, session -> ClusterSharding.get(system)
            .entityRefFor(Session.TYPE_KEY, session.entityId())
            .<Session.Recovered>ask(Session.Recover::new, WAKING)
            .exceptionally(_ -> {
              unreadable.accept(session);
              return new Session.Recovered(0, 0, 0);
            }))
        .runFold(new Session.Recovered(0, 0, 0), SessionRegion::sum, system);
  }

  /**
   * Notes a planned stop on the active attempt of each; completes with the number of notes in the journal.
   */
  public CompletionStage<Integer> noteStop(Set<String> entities, String reason, Duration atMost) {
    return Source.from(entities)
        .mapAsyncUnordered(entities.size() + 1, id -> ClusterSharding.get(system)
            .entityRefFor(Session.TYPE_KEY, id)
            .<Session.StopNoted>ask(replyTo -> new Session.NoteStop(reason, replyTo), atMost))
        .runFold(0, (sum, noted) -> sum + noted.runs(), system);
  }

  /** Ends the active attempt of each; completes when none is active. */
  public CompletionStage<Integer> rest(Set<String> entities, Duration grace, Duration atMost) {
    return Source.from(entities)
        .mapAsyncUnordered(entities.size() + 1, id -> ClusterSharding.get(system)
            .entityRefFor(Session.TYPE_KEY, id)
            .<Session.Rested>ask(replyTo -> new Session.Rest(grace, replyTo), atMost))
        .runWith(Sink.fold(0, (sum, rested) -> sum + rested.interrupted()), system);
  }

  /** Has a session trim what need not be kept. */
  public CompletionStage<TrimReply> trim(SessionKey session) {
    return ClusterSharding.get(system)
        .entityRefFor(Session.TYPE_KEY, session.entityId())
        .ask(Session.Trim::new, TRIMMING);
  }

  private static Session.Recovered sum(Session.Recovered a, Session.Recovered b) {
    return new Session.Recovered(a.resumed() + b.resumed(), a.parked() + b.parked(), a.open() + b.open());
  }
}
