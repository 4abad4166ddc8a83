package dev.portcullis.journal;

import static dev.portcullis.journal.Samples.done;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.typesafe.config.ConfigFactory;
import dev.portcullis.journal.Counter.Command;
import dev.portcullis.journal.Counter.State;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.pekko.actor.BootstrapSetup;
import org.apache.pekko.actor.setup.ActorSystemSetup;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.LogCapturingExtension;
import org.apache.pekko.actor.testkit.typed.javadsl.LoggingTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.serialization.SerializationExtension;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LogCapturingExtension.class)
class GroupCommitJournalTest {

  private static final EventTypes TYPES = EventTypes.builder()
      .add("counted", Counter.Counted.class)
      .add("counter-state", State.class)
      .build();

  @TempDir Path directory;

  private Journal journal;
  private ActorTestKit kit;
  private TestProbe<State> probe;

  @BeforeEach
  void start() {
    var config = ConfigFactory.parseString("""
        pekko.persistence.journal.plugin = portcullis.persistence.journal
        pekko.persistence.snapshot-store.plugin = portcullis.persistence.snapshot-store
        pekko.actor.provider = local
        pekko.loggers = ["org.apache.pekko.event.slf4j.Slf4jLogger"]
        pekko.loggingFilter = "org.apache.pekko.event.slf4j.Slf4jLoggingFilter"
        """).withFallback(ConfigFactory.load());
    journal = Samples.open(directory);
    var setup = ActorSystemSetup.create(BootstrapSetup.create(config), new JournalSetup(journal, TYPES));
    kit = ActorTestKit.create(
        ActorSystem.create(Behaviors.empty(), "journal-test", setup));
    probe = kit.createTestProbe();
  }

  @AfterEach
  void stop() {
    ActorTestKit.shutdown(kit.system());
    journal.close();
  }

  private void restart() {
    stop();
    start();
  }

  private State ask(ActorRef<Command> counter, Command command) {
    counter.tell(command);
    return probe.receiveMessage();
  }

  private Command add(int... numbers) {
    return new Counter.Add(IntStream.of(numbers).boxed().toList(), probe.ref());
  }

  private Command look() {
    return new Counter.Look(probe.ref());
  }

  @Test
  void aPersistentActorComesBackAfterARestartOfTheProcess() {
    var counter = kit.spawn(Counter.create("c-1", 1000));
    assertEquals(new State(3), ask(counter, add(1, 2)));
    assertEquals(new State(7), ask(counter, add(4)));
    assertEquals(3, journal.highest("c-1"));
    restart();
    assertEquals(new State(7), ask(kit.spawn(Counter.create("c-1", 1000)), look()));
  }

  @Test
  void whatIsStoredHasOurSerializerAndTheShortManifest() {
    ask(kit.spawn(Counter.create("c-1", 1000)), add(5));
    journal.replay("c-1", 1, 1, 1, event -> {
      assertEquals(DurableSerializer.ID, event.serializerId());
      assertEquals("counted", event.manifest());
    });
  }

  @Test
  @Tag("INV-M7")
  void tagsOfAnEventBecomeIndexEntriesAndForeignTagsDoNot() {
    var counter = kit.spawn(Counter.create("c-1", 1000));
    ask(counter, add(5));
    assertEquals(Optional.of("5"), journal.get("counters", "c-1"));
    ask(counter, add(6, 0));
    assertEquals(Optional.empty(), journal.get("counters", "c-1"));
  }

  @Test
  void anEventThatCannotBeSerialisedIsRejectedAndTheJournalGoesOn() {
    var counter = kit.spawn(Counter.create("c-1", 1000));
    ask(counter, add(1));
    LoggingTestKit.error("Rejected event").expect(kit.system(), () -> {
      counter.tell(new Counter.Spoil());
      probe.expectTerminated(counter);
      return true;
    });
    assertEquals(new State(3), ask(kit.spawn(Counter.create("c-1", 1000)), add(2)));
    assertEquals(3, journal.highest("c-1")); // The number of the rejected one is taken.
    assertFalse(journal.failed());
  }

  @Test
  @Tag("INV-J4")
  void theStateFromASnapshotIsTheStateFromTheEvents() {
    var counter = kit.spawn(Counter.create("c-1", 4));
    for (int i = 1; i <= 10; i++) {
      ask(counter, add(i));
    }
    probe.awaitAssert(() -> {
      assertEquals(2, journal.snapshots("c-1").size());
      return null;
    });
    assertEquals(List.of(8L, 4L), journal.snapshots("c-1").stream().map(StoredSnapshot::seq).toList());
    restart();
    assertEquals(new State(55), ask(kit.spawn(Counter.create("c-1", 4)), look()));
    done(journal.deleteSnapshots("c-1", 0, Long.MAX_VALUE, _ -> true));
    restart();
    assertEquals(new State(55), ask(kit.spawn(Counter.create("c-1", 4)), look()));
  }

  @Test
  @Tag("INV-J4")
  void aSnapshotThatCannotBeDecodedIsPassedOver() {
    ask(kit.spawn(Counter.create("c-1", 1000)), add(1, 2));
    done(journal.putSnapshot(new StoredSnapshot(
        "c-1", 2, DurableSerializer.ID, "retired-state", new byte[] {1}, Samples.AT)));
    restart();
    LoggingTestKit.warn("journal.bad_snapshot").expect(kit.system(), () -> {
      assertEquals(new State(3), ask(kit.spawn(Counter.create("c-1", 1000)), look()));
      return true;
    });
  }

  /** Ten events, the first six of them folded into a base, and snapshots at 8 and 4. */
  private void trimmed() {
    var counter = kit.spawn(Counter.create("c-1", 4));
    for (int i = 1; i <= 10; i++) {
      ask(counter, add(i));
    }
    var codec = new EventCodec(TYPES);
    var state = new State(21);
    done(journal.trim(
        new StoredSnapshot(
            "c-1", 6, DurableSerializer.ID, codec.manifestOf(state), codec.encode(state), Samples.AT),
        List.of()));
  }

  @Test
  @Tag("INV-J4")
  void anActorWhoseBeginningWasTrimmedHasTheStateOfAllItsEventsWithAndWithoutSnapshots() {
    trimmed();
    restart();
    assertEquals(new State(55), ask(kit.spawn(Counter.create("c-1", 4)), look()));
    done(journal.deleteSnapshots("c-1", 0, Long.MAX_VALUE, _ -> true));
    restart();
    var counter = kit.spawn(Counter.create("c-1", 1000));
    assertEquals(new State(55), ask(counter, look()));
    assertEquals(new State(56), ask(counter, add(1)));
    restart();
    assertEquals(new State(56), ask(kit.spawn(Counter.create("c-1", 1000)), look()));
  }

  @Test
  @Tag("INV-J1")
  void anActorWhoseRecordedEndIsGoneIsStoppedAndDoesNotBeginAnew() {
    ask(kit.spawn(Counter.create("c-1", 1000)), add(1, 2, 3));
    stop();
    Damage.in(directory, store ->
        store.write(List.of(new JournalStore.Change.Remove(new StoreKey.HeadOf("c-1")))));
    start();
    LoggingTestKit.error("the recorded end of the history is missing").expect(kit.system(), () -> {
      probe.expectTerminated(kit.spawn(Counter.create("c-1", 1000)));
      return true;
    });
  }

  @Test
  @Tag("INV-J1")
  void anActorWhoseBaseIsGoneIsStoppedEvenWhenASnapshotWouldDo() {
    trimmed();
    stop();
    Damage.in(directory, store ->
        store.write(List.of(new JournalStore.Change.Remove(new StoreKey.Base("c-1")))));
    start();
    LoggingTestKit.error("\"c-1\" seq 6: the base").expect(kit.system(), () -> {
      probe.expectTerminated(kit.spawn(Counter.create("c-1", 4)));
      return true;
    });
  }

  @Test
  @Tag("INV-J1")
  void anActorWhoseBaseCannotBeDecodedIsStopped() {
    ask(kit.spawn(Counter.create("c-1", 1000)), add(1, 2, 3));
    done(journal.trim(
        new StoredSnapshot("c-1", 2, DurableSerializer.ID, "retired-state", new byte[] {1}, Samples.AT), List.of()));
    restart();
    LoggingTestKit.error("cannot be decoded").expect(kit.system(), () -> {
      probe.expectTerminated(kit.spawn(Counter.create("c-1", 1000)));
      return true;
    });
  }

  @Test
  @Tag("INV-J1")
  void aDamagedHistoryStopsItsActorAndNoOther() {
    ask(kit.spawn(Counter.create("bad", 1000)), add(1, 2, 3));
    ask(kit.spawn(Counter.create("good", 1000)), add(4));
    stop();
    Damage.removeEvent(directory, "bad", 2);
    start();
    LoggingTestKit.error("\"bad\" seq 2").expect(kit.system(), () -> {
      var bad = kit.spawn(Counter.create("bad", 1000));
      bad.tell(look());
      probe.expectTerminated(bad);
      return true;
    });
    assertEquals(new State(4), ask(kit.spawn(Counter.create("good", 1000)), look()));
  }

  @Test
  @Tag("INV-J1")
  void aHistoryShorterThanItsSnapshotIsNotTakenForWhole() {
    ask(kit.spawn(Counter.create("c-1", 2)), add(1, 2, 3));
    stop();
    Damage.forget(directory, "c-1");
    start();
    LoggingTestKit.error("\"c-1\"").expect(kit.system(), () -> {
      var counter = kit.spawn(Counter.create("c-1", 2));
      probe.expectTerminated(counter);
      return true;
    });
  }

  @Test
  void aSystemWithoutOurJournalStillHasTheSerializer() {
    var system = ActorSystem.create(
        Behaviors.empty(), "no-journal", ActorSystemSetup.create(TYPES));
    try {
      var serialization = SerializationExtension.get(Adapter.toClassic(system));
      var event = new Counter.Counted(3);
      var bytes = serialization.serialize(event).get();
      assertEquals(event, serialization.deserialize(bytes, DurableSerializer.ID, "counted").get());
    } finally {
      ActorTestKit.shutdown(system);
    }
  }
}
