package dev.portcullis.cluster;

import dev.portcullis.config.GatewayConfig;
import java.util.List;
import java.util.function.Consumer;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.ClusterEvent.MemberRemoved;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.cluster.UniqueAddress;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;
import org.apache.pekko.cluster.typed.JoinSeedNodes;
import org.apache.pekko.cluster.typed.Subscribe;

/** This node's place among the others. A single node is a cluster of one, which it founds itself. */
public final class Membership {
  private final ActorSystem<?> system;
  private final GatewayConfig.Cluster settings;

  public Membership(ActorSystem<?> system, GatewayConfig.Cluster settings) {
    this.system = system;
    this.settings = settings;
  }

  /** Names this life of this node, for the store and for other nodes: never the name of two. */
  public String node() {
    return name(Cluster.get(system).selfMember().uniqueAddress());
  }

  static String name(UniqueAddress address) {
    return address.address().hostPort() + "#" + Long.toHexString(address.longUid());
  }

  /** Asks to be let in, for as long as it takes. */
  public void join() {
    var cluster = Cluster.get(system);
    if (!settings.enabled()) {
      cluster.manager().tell(Join.create(cluster.selfMember().address()));
      return;
    }
    List<Address> seeds = settings.seeds().stream()
        .map(seed -> new Address("pekko", system.name(), seed.host(), seed.port()))
        .toList();
    cluster.manager().tell(new JoinSeedNodes(seeds));
  }

  /** Runs {@code lost}, on any thread, when this node is no member any more: left, or declared gone. */
  public void onRemoved(Runnable lost) {
    org.apache.pekko.cluster.Cluster.get(system.classicSystem()).registerOnMemberRemoved(lost);
  }

  /** Calls {@code lost} with the name of every other node that is declared gone, in an actor's thread. */
  public static Behavior<MemberRemoved> losses(Consumer<String> lost) {
    return Behaviors.setup(context -> {
      Cluster.get(context.getSystem()).subscriptions()
          .tell(Subscribe.create(context.getSelf(), MemberRemoved.class));
      return Behaviors.receiveMessage(gone -> {
        if (declaredGone(gone)) {
          lost.accept(name(gone.member().uniqueAddress()));
        }
        return Behaviors.same();
      });
    });
  }

  /** And did not leave by itself. */
  static boolean declaredGone(MemberRemoved gone) {
    return gone.previousStatus() == MemberStatus.down();
  }
}
