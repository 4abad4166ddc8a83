package dev.portcullis.journal;

import com.typesafe.config.ConfigFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.actor.BootstrapSetup;
import org.apache.pekko.actor.setup.ActorSystemSetup;
import org.apache.pekko.persistence.AtomicWrite;
import org.apache.pekko.persistence.JournalProtocol;
import org.apache.pekko.persistence.Persistence;
import org.apache.pekko.persistence.PersistentEnvelope;
import org.apache.pekko.persistence.PersistentRepr;
import org.apache.pekko.testkit.javadsl.TestKit;
import scala.jdk.javaapi.CollectionConverters;

/** An actor system with our plugins over an opened journal, spoken to as a persistent actor would. */
final class PluginRig implements AutoCloseable {
  static final EventTypes TYPES = EventTypes.builder()
      .add("counted", Counter.Counted.class)
      .add("counter-state", Counter.State.class)
      .build();
  static final String WRITER = "writer-1";
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final ActorSystem system;
  private final Journal journal;

  PluginRig(Journal journal) {
    var config = ConfigFactory.parseString("""
        pekko.persistence.journal.plugin = portcullis.persistence.journal
        pekko.persistence.snapshot-store.plugin = portcullis.persistence.snapshot-store
        pekko.actor.provider = local
        pekko.loggers = ["org.apache.pekko.event.slf4j.Slf4jLogger"]
        pekko.loggingFilter = "org.apache.pekko.event.slf4j.Slf4jLoggingFilter"
        """).withFallback(ConfigFactory.load());
    this.journal = journal;
    this.system = ActorSystem.create(
        "plugin-test", ActorSystemSetup.create(BootstrapSetup.create(config), new JournalSetup(journal, TYPES)));
  }

  /** What came back of a write, one answer per event and in their order. */
  record Written(List<Object> answers) {
    boolean succeeded(int event) {
      return answers.get(event) instanceof JournalProtocol.WriteMessageSuccess;
    }

    boolean rejected(int event) {
      return answers.get(event) instanceof JournalProtocol.WriteMessageRejected;
    }
  }

  /** What a replay handed over, and the highest number that it ended with. */
  record Replayed(List<PersistentRepr> events, long highest) {
    List<Object> payloads() {
      return events.stream().map(PersistentRepr::payload).toList();
    }

    List<Long> seqs() {
      return events.stream().map(PersistentRepr::sequenceNr).toList();
    }
  }

  static PersistentRepr event(String persistenceId, long seq, Object payload) {
    return PersistentRepr.apply(payload, seq, persistenceId, "", false, ActorRef.noSender(), WRITER);
  }

  /** Sends one {@code WriteMessages}; each inner list is one atomic write. */
  Written write(List<List<PersistentRepr>> writes) {
    var probe = new TestKit(system);
    var envelopes = writes.stream()
        .map(events -> (PersistentEnvelope) new AtomicWrite(CollectionConverters.asScala(events).toList()))
        .toList();
    journalActor().tell(
        new JournalProtocol.WriteMessages(CollectionConverters.asScala(envelopes).toList(), probe.getRef(), 1),
        probe.getRef());
    probe.expectMsg(PATIENCE, JournalProtocol.WriteMessagesSuccessful$.MODULE$);
    var answers = new ArrayList<>();
    long events = writes.stream().mapToLong(List::size).sum();
    for (long i = 0; i < events; i++) {
      answers.add(probe.expectMsgClass(PATIENCE, Object.class));
    }
    return new Written(answers);
  }

  /** Texts of one history, each an atomic write of its own. */
  void writeTexts(String persistenceId, int first, int last) {
    var writes = new ArrayList<List<PersistentRepr>>();
    for (int seq = first; seq <= last; seq++) {
      writes.add(List.of(event(persistenceId, seq, "a-" + seq)));
    }
    write(writes);
  }

  Replayed replay(String persistenceId, long from, long to, long max) {
    var probe = new TestKit(system);
    startReplay(probe, persistenceId, from, to, max);
    return awaitReplay(probe);
  }

  Replayed replay(String persistenceId) {
    return replay(persistenceId, 1, Long.MAX_VALUE, Long.MAX_VALUE);
  }

  TestKit startReplay(TestKit probe, String persistenceId, long from, long to, long max) {
    journalActor().tell(
        new JournalProtocol.ReplayMessages(from, to, max, persistenceId, probe.getRef()), probe.getRef());
    return probe;
  }

  TestKit probe() {
    return new TestKit(system);
  }

  Replayed awaitReplay(TestKit probe) {
    var events = new ArrayList<PersistentRepr>();
    while (true) {
      switch (probe.expectMsgClass(PATIENCE, Object.class)) {
        case JournalProtocol.ReplayedMessage message -> events.add(message.persistent());
        case JournalProtocol.RecoverySuccess end -> {
          return new Replayed(events, end.highestSequenceNr());
        }
        case Object other -> throw new AssertionError("not an answer to a replay: " + other);
      }
    }
  }

  void delete(String persistenceId, long to) {
    var probe = new TestKit(system);
    journalActor().tell(
        new JournalProtocol.DeleteMessagesTo(persistenceId, to, probe.getRef()), probe.getRef());
    probe.expectMsgClass(PATIENCE, org.apache.pekko.persistence.DeleteMessagesSuccess.class);
  }

  /** Asks the snapshot store. */
  <T> T snapshots(Object request, Class<T> answer) {
    var probe = new TestKit(system);
    var persistence = Persistence.get(system);
    persistence.snapshotStoreFor("", ConfigFactory.empty()).tell(request, probe.getRef());
    return probe.expectMsgClass(PATIENCE, answer);
  }

  private ActorRef journalActor() {
    var persistence = Persistence.get(system);
    return persistence.journalFor("", ConfigFactory.empty());
  }

  @Override
  public void close() {
    TestKit.shutdownActorSystem(system);
    journal.close();
  }
}
