package dev.portcullis.boot;

import dev.portcullis.harness.Harnesses;
import dev.portcullis.ops.ManagementServer;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.run.Run;
import dev.portcullis.session.Directory;
import dev.portcullis.session.Gate;
import dev.portcullis.session.Quarantine;
import dev.portcullis.session.Session;
import dev.portcullis.session.SessionIndex;
import dev.portcullis.session.SessionRegion;
import dev.portcullis.session.Sessions;
import dev.portcullis.session.ShardedSessions;
import dev.portcullis.session.Sweeper;
import dev.portcullis.session.Transcripts;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.javadsl.ActorContext;

/**
 * What stands once sessions run.
 *
 * @param terminal runs that had ended when this life began
 */
record House(
    Ground ground,
    ActorRef<Directory.Command> directory,
    SessionRegion region,
    Sessions sessions,
    long terminal) {
  /** What stands once the journal is open. */
  record Ground(ManagementServer.Bound management, Premises premises) {}

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
    var directory = context.spawn(Directory.create(found.rows()), "directory");
    var transcripts = new Transcripts(premises.journal(), world.blocking());
    var node = new Session.Node(
        world.config(),
        gate,
        new Run.Parts(world.config().run(), harnesses, world.alerts()),
        premises.incarnation(),
        !premises.looping(),
        directory,
        transcripts,
        new Quarantine(
            premises.journal(), world.blocking(), world.alerts(), world.clock(), directory, found),
        world.clock());
    return new House(
        ground,
        directory,
        new SessionRegion(system, node),
        new ShardedSessions(system, directory, transcripts, world.random(), world.clock()),
        found.rows().stream().mapToLong(SessionRow::terminal).sum());
  }

  /** Begins to keep the journal to its retention. */
  void sweep(ActorContext<?> context, World world, Gate gate) {
    context.spawn(
        Sweeper.create(new Sweeper.Parts(
            world.config().retention(),
            ground.premises().journal(),
            region::trim,
            gate,
            world.blocking(),
            world.clock())),
        "sweeper");
  }
}
