package dev.portcullis.boot;

import dev.portcullis.cluster.Membership;
import dev.portcullis.cluster.QuietShards;
import dev.portcullis.cluster.Recovery;
import dev.portcullis.harness.Harnesses;
import dev.portcullis.journal.Journal;
import dev.portcullis.ops.ManagementServer;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.run.Run;
import dev.portcullis.session.Directory;
import dev.portcullis.session.Gate;
import dev.portcullis.session.Quarantine;
import dev.portcullis.session.Session;
import dev.portcullis.session.SessionIndex;
import dev.portcullis.session.SessionKey;
import dev.portcullis.session.SessionNode;
import dev.portcullis.session.SessionRegion;
import dev.portcullis.session.Sessions;
import dev.portcullis.session.ShardedSessions;
import dev.portcullis.session.Sweeper;
import dev.portcullis.session.Transcripts;
import dev.portcullis.session.Underway;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.cluster.typed.ClusterSingleton;
import org.apache.pekko.cluster.typed.SingletonActor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What stands once sessions run.
 *
 * @param underway what runs on this node
 * @param terminal runs that had ended when this life began
 */
record House(
    Ground ground,
    ActorRef<Directory.Command> directory,
    SessionRegion region,
    Underway underway,
    Sessions sessions,
    long terminal) {
  private static final Logger LOG = LoggerFactory.getLogger(House.class);

  /**
   * What stands once the journal is open.
   *
   * @param index what the journal's index holds
   */
  record Ground(
      ManagementServer.Bound management,
      Premises premises,
      Supplier<CompletionStage<SessionIndex.Found>> index) {
    /** On its own, nobody writes before sessions run: the index is read while harnesses are awaited. */
    static Ground of(World world, ManagementServer.Bound management, Premises premises) {
      Supplier<CompletionStage<SessionIndex.Found>> read = () -> CompletableFuture.supplyAsync(
          () -> SessionIndex.read(premises.journal(), world.clock()), world.blocking());
      if (world.config().cluster().enabled()) {
        return new Ground(management, premises, read);
      }
      var begun = read.get();
      return new Ground(management, premises, () -> begun);
    }
  }

  /** @param found what the journal's index holds */
  static House build(
      ActorContext<?> context,
      World world,
      Ground ground,
      Gate gate,
      Harnesses harnesses,
      SessionIndex.Found found) {
    var premises = ground.premises();
    var system = context.getSystem();
    var journal = premises.journal();
    boolean clustered = world.config().cluster().enabled();
    var directory = context.spawn(
        clustered
            ? Directory.clustered(found.rows(), () ->
                CompletableFuture.supplyAsync(() -> SessionIndex.rows(journal), world.blocking()))
            : Directory.create(found.rows()),
        "directory");
    if (clustered) {
      context.spawn(Membership.losses(node -> retire(world, journal, node)), "losses");
    }
    var underway = new Underway();
    var transcripts = new Transcripts(journal, world.blocking());
    var node = new SessionNode(
        world.config(),
        gate,
        new Run.Parts(world.config().run(), harnesses, world.alerts()),
        premises.incarnation(),
        !premises.looping(),
        underway,
        directory,
        transcripts,
        new Quarantine(
            premises.journal(), world.blocking(), world.alerts(), world.clock(), directory, found),
        world.clock());
    return new House(
        ground,
        directory,
        clustered
            ? new SessionRegion(system, node, new QuietShards(system, directory))
            : new SessionRegion(system, node),
        underway,
        new ShardedSessions(
            system, directory, transcripts, world.random(), world.clock(), gate, clustered),
        found.rows().stream().mapToLong(SessionRow::terminal).sum());
  }

  /** Begins to keep the journal to its retention; in a cluster one node does it for all. */
  void sweep(ActorContext<?> context, World world, Gate gate) {
    var sweeper = Sweeper.create(new Sweeper.Parts(
        world.config().retention(),
        ground.premises().journal(),
        region::trim,
        gate,
        world.blocking(),
        world.clock()));
    if (world.config().cluster().enabled()) {
      ClusterSingleton.get(context.getSystem()).init(SingletonActor.of(sweeper, "sweeper"));
    } else {
      context.spawn(sweeper, "sweeper");
    }
  }

  /**
   * Completes when a decision about each run that was left open is in the journal. A node on its own sees to
   * that itself; in a cluster one does it for all.
   */
  CompletionStage<Session.Recovered> recover(
      ActorSystem<?> system, World world, List<SessionKey> open, Consumer<SessionKey> unreadable) {
    var journal = ground.premises().journal();
    return world.config().cluster().enabled()
        ? Recovery.start(system, new Recovery.Parts(
            region::recover, () -> SessionIndex.open(journal), journal::retire, unreadable, world.blocking()))
        : region.recover(open, unreadable);
  }

  /** By every node that sees the loss, for the one that recovers may be the one that was lost. */
  private static void retire(World world, Journal journal, String node) {
    CompletableFuture.runAsync(() -> journal.retire(node), world.blocking()).exceptionally(failure -> {
      LOG.warn("cluster.retire_failed node={} cause={}", node, failure.toString());
      return null;
    });
  }
}
