package dev.portcullis.cluster;

import dev.portcullis.protocol.SessionRow;
import dev.portcullis.session.Directory;
import dev.portcullis.session.SessionKey;
import dev.portcullis.session.Sessions;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.cluster.sharding.ClusterSharding;
import org.apache.pekko.cluster.sharding.ClusterShardingSettings;
import org.apache.pekko.cluster.sharding.ShardCoordinator.ActorSystemDependentAllocationStrategy;
import org.apache.pekko.cluster.sharding.ShardCoordinator.ShardAllocationStrategy;
import org.apache.pekko.cluster.sharding.typed.HashCodeMessageExtractor;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Map;
import scala.collection.immutable.Set;
import scala.concurrent.Future;
import scala.jdk.javaapi.CollectionConverters;
import scala.jdk.javaapi.FutureConverters;

/**
 * Pekko's own balance between nodes, but for shards in which a run is under way: a node that joins is no
 * reason to interrupt an agent. They move when they are quiet, or when their node stops.
 */
public final class QuietShards implements ActorSystemDependentAllocationStrategy {
  private static final Duration ANSWER = Duration.ofSeconds(5);
  private static final Sessions.Query ACTIVE = new Sessions.Query(1_000_000, "", true, "");

  private final ActorSystem<?> system;
  private final org.apache.pekko.actor.typed.ActorRef<Directory.Command> directory;
  private final ShardAllocationStrategy balance;
  private final HashCodeMessageExtractor<?> shards;

  /** @param directory knows of the runs of all nodes */
  public QuietShards(
      ActorSystem<?> system, org.apache.pekko.actor.typed.ActorRef<Directory.Command> directory) {
    this.system = system;
    this.directory = directory;
    this.shards = new HashCodeMessageExtractor<>(
        system.settings().config().getInt("pekko.cluster.sharding.number-of-shards"));
    this.balance = ClusterSharding.get(system.classicSystem())
        .defaultShardAllocationStrategy(ClusterShardingSettings.create(system.classicSystem()));
  }

  @Override
  public void start(org.apache.pekko.actor.ActorSystem classic) {
    if (balance instanceof ActorSystemDependentAllocationStrategy dependent) {
      dependent.start(classic);
    }
  }

  @Override
  public Future<ActorRef> allocateShard(
      ActorRef requester, String shard, Map<ActorRef, IndexedSeq<String>> current) {
    return balance.allocateShard(requester, shard, current);
  }

  @Override
  public Future<Set<String>> rebalance(
      Map<ActorRef, IndexedSeq<String>> current, Set<String> inProgress) {
    return FutureConverters.asScala(FutureConverters.asJava(balance.rebalance(current, inProgress))
        .thenCombine(busy(), (wanted, busy) ->
            wanted.removedAll(CollectionConverters.asScala(busy)).toSet()));
  }

  private CompletionStage<java.util.Set<String>> busy() {
    return AskPattern.<Directory.Command, Sessions.Page>ask(
            directory, replyTo -> new Directory.ListRows(ACTIVE, replyTo), ANSWER, system.scheduler())
        .thenApply(page -> page.rows().stream()
            .map(SessionRow::key)
            .map(key -> shards.shardId(new SessionKey(key).entityId()))
            .collect(Collectors.toSet()));
  }
}
