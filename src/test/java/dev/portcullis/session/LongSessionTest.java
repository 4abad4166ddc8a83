package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.CountedJournal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.apache.pekko.actor.testkit.typed.javadsl.LogCapturingExtension;
import org.apache.pekko.actor.typed.ActorRef;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A session with 50 000 turns, each with an idempotency key. */
@ExtendWith(LogCapturingExtension.class)
class LongSessionTest {
  private static final SessionKey KEY = new SessionKey("agent:main:long");
  private static final int TURNS = 50_000;
  private static final int EVENTS_OF_A_TURN = 5;
  private static final int BATCH = 2_000;

  @TempDir Path directory;

  /** Snapshots lie where the session takes them, the newest two of them. */
  private long seeded(CountedJournal counted) {
    var seed = new Seed(counted.journal(), KEY);
    long bytes = 0;
    for (int turn = 1; turn <= TURNS; turn++) {
      seed.turn("run-" + turn, "message " + turn, "answer " + turn);
      boolean takes = seed.state().seq() % Session.SNAPSHOT_EVERY == 0
          && seed.state().seq() + 2 * Session.SNAPSHOT_EVERY >= (long) TURNS * EVENTS_OF_A_TURN;
      if (seed.pending() >= BATCH || takes || turn == TURNS) {
        seed.flush();
      }
      if (takes) {
        bytes = seed.snapshot().payload().length;
        counted.journal().putSnapshot(seed.snapshot()).toCompletableFuture().join();
      }
    }
    seed.write(seed.accepted("run-last", "the last one")).flush();
    return bytes;
  }

  private static ActorRef<Session.Command> recover(World world) {
    return recover(world, KEY);
  }

  private static ActorRef<Session.Command> recover(World world, SessionKey key) {
    var found = SessionIndex.read(world.journal, world.clock);
    ActorRef<Directory.Command> directory = world.kit.spawn(Directory.create(found.rows()));
    var gate = new Gate();
    gate.moveTo(Gate.State.DRAINING); // An attempt would read its transcript beside what is counted.
    var node = world.node(Settings.CONFIG, gate, 1, true, directory, world.quarantine(directory, found));
    return world.kit.spawn(Session.create(key.entityId(), world.kit.system().ignoreRef(), node));
  }

  private static Session.Position position(World world, ActorRef<Session.Command> session) {
    return (Session.Position) world.<Session.Command, Session.PositionReply>ask(
        session, replyTo -> new Session.AwaitBeyond(-1, replyTo));
  }

  @Test
  void itRecoversFromASmallSnapshotAndFewEventsAndAPageOfItsHistoryReadsFewToo() {
    try (var counted = new CountedJournal(directory)) {
      long bytes = seeded(counted);
      assertTrue(bytes > 0 && bytes < 8_000, "a snapshot of " + bytes + " bytes");
      try (var world = new World(_ -> counted.journal(), new World.TestClock())) {
        long before = counted.eventsRead();
        var position = position(world, recover(world));
        long replayed = counted.eventsRead() - before;
        assertTrue(position.seq() > (long) TURNS * EVENTS_OF_A_TURN, position.toString());
        assertTrue(replayed <= Session.SNAPSHOT_EVERY, replayed + " events replayed");

        for (long after : List.of(0L, 125_002L, position.seq() - 20)) {
          before = counted.eventsRead();
          var page = world.transcripts.history(KEY.entityId(), after, position.seq(), 20);
          assertTrue(page.size() >= 8, "a page of " + page.size());
          assertTrue(page.getFirst().seq() > after);
          assertTrue(counted.eventsRead() - before < 1_000, (counted.eventsRead() - before) + " events read");
        }
        assertEquals(
            "answer 25001",
            world.transcripts.history(KEY.entityId(), 125_002, position.seq(), 1).getFirst().text());
      }
    }
  }

  @Test
  @Tag("bench")
  void timeToRecover() {
    try (var counted = new CountedJournal(directory)) {
      seeded(counted);
      for (int i = 0; i < 5; i++) {
        try (var world = new World(_ -> counted.journal(), new World.TestClock())) {
          // The first session of a process also waits for classes to be loaded, however short it is.
          var empty = timed(() -> position(world, recover(world, new SessionKey("agent:main:empty"))));
          var whole = timed(() -> position(world, recover(world)));
          System.out.println("answers after ms: an empty session " + empty.toMillis() + ", one of " + TURNS
              + " turns " + whole.toMillis());
        }
        counted.reopen();
      }
    }
  }

  private static Duration timed(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return Duration.ofNanos(System.nanoTime() - start);
  }
}
