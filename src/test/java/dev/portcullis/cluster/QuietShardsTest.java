package dev.portcullis.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.protocol.Usage;
import dev.portcullis.session.Directory;
import dev.portcullis.session.SessionKey;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.cluster.Cluster;
import org.apache.pekko.cluster.sharding.typed.HashCodeMessageExtractor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Vector;
import scala.jdk.javaapi.CollectionConverters;
import scala.jdk.javaapi.FutureConverters;

class QuietShardsTest {
  private static final String BUSY = "agent:main:busy";
  private static final int SHARDS = 100;

  private static final ActorTestKit kit = ActorTestKit.create(
      ConfigFactory.parseResources("system.conf").withFallback(ConfigFactory.load()));

  @BeforeAll
  static void join() throws InterruptedException {
    var up = new CountDownLatch(1);
    var cluster = Cluster.get(kit.system().classicSystem());
    cluster.registerOnMemberUp(up::countDown);
    cluster.join(cluster.selfAddress());
    up.await(30, TimeUnit.SECONDS);
  }

  @AfterAll
  static void close() {
    kit.shutdownTestKit();
  }

  private static String busy() {
    return new HashCodeMessageExtractor<>(SHARDS).shardId(new SessionKey(BUSY).entityId());
  }

  private static SessionRow running() {
    return new SessionRow(BUSY, "id", "main", "title", "running", true, true, List.of("r"), 0, 0, 0, "r", Usage.NONE,
        1, 0, Instant.EPOCH, Instant.EPOCH, 1, "me");
  }

  /** Round by round what would move from the node that has everything to the one that has nothing. */
  private static Set<String> moved(List<SessionRow> rows) throws Exception {
    var balance = new QuietShards(kit.system(), kit.spawn(Directory.create(rows)));
    balance.start(kit.system().classicSystem());
    var full = Adapter.toClassic(kit.createTestProbe().ref());
    var empty = Adapter.toClassic(kit.createTestProbe().ref());
    var left = new HashSet<>(IntStream.range(0, SHARDS).mapToObj(Integer::toString).toList());
    var all = new HashSet<String>();
    for (int round = 0; round < 2 * SHARDS; round++) {
      Map<ActorRef, IndexedSeq<String>> now = Map.of(full, seq(left), empty, seq(Set.of()));
      var some = FutureConverters.asJava(balance.rebalance(
              scala.collection.immutable.Map.from(CollectionConverters.asScala(now)),
              scala.collection.immutable.Set$.MODULE$.<String>empty()))
          .toCompletableFuture()
          .get(10, TimeUnit.SECONDS);
      all.addAll(CollectionConverters.asJava(some));
      left.removeAll(all);
    }
    return all;
  }

  private static IndexedSeq<String> seq(Set<String> shards) {
    return Vector.from(CollectionConverters.asScala(shards.stream().sorted().toList()));
  }

  @Test
  void aShardWithARunUnderWayStaysWhereItIs() throws Exception {
    assertFalse(moved(List.of(running())).contains(busy()));
  }

  @Test
  void shardsWithoutOneMoveToANodeThatHasFewer() throws Exception {
    var moved = moved(List.of());
    assertEquals(SHARDS - 1, moved.size());
    assertTrue(moved.contains(busy()));
  }
}
