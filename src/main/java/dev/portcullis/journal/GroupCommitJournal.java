package dev.portcullis.journal;

import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.dispatch.MessageDispatcher;
import org.apache.pekko.persistence.AtomicWrite;
import org.apache.pekko.persistence.PersistentRepr;
import org.apache.pekko.persistence.journal.Tagged;
import org.apache.pekko.persistence.journal.japi.AsyncWriteJournal;
import org.apache.pekko.serialization.Serialization;
import org.apache.pekko.serialization.SerializationExtension;
import org.apache.pekko.serialization.Serializers;
import scala.concurrent.Future;
import scala.jdk.javaapi.CollectionConverters;
import scala.jdk.javaapi.FutureConverters;

/**
 * The Pekko journal plugin {@code portcullis.persistence.journal} over the {@link Journal} of {@link
 * JournalSetup}. Tags that are {@link IndexEntry}s become index entries of the event's own batch. A write
 * with an event that cannot be serialised is rejected: nothing of it is written, but its numbers are taken,
 * so that whatever follows it follows without a gap.
 */
public final class GroupCommitJournal extends AsyncWriteJournal {

  private final Journal journal = JournalSetup.of(context().system()).journal();
  private final Serialization serialization = SerializationExtension.get(context().system());
  private final MessageDispatcher replays =
      context().system().dispatchers().lookup("portcullis.persistence.replay-dispatcher");
  private final Clock clock = Clock.systemUTC();

  /** One atomic write in bytes. */
  private record Serialized(List<StoredEvent> events, List<IndexEntry> entries) {}

  @Override
  public Future<Iterable<Optional<Exception>>> doAsyncWriteMessages(Iterable<AtomicWrite> messages) {
    var answers = new ArrayList<Optional<Exception>>();
    var writes = new ArrayList<CompletableFuture<Void>>();
    for (var message : messages) {
      try {
        var serialized = serialize(message);
        writes.add(journal.append(serialized.events(), serialized.entries()).toCompletableFuture());
        answers.add(Optional.empty());
      } catch (Exception e) { // Whatever a serializer throws means the same: rejected.
        writes.add(journal.append(rejected(message), List.of()).toCompletableFuture());
        answers.add(Optional.of(e));
      }
    }
    return FutureConverters.asScala(all(writes).thenApply(_ -> answers));
  }

  @Override
  public Future<Void> doAsyncDeleteMessagesTo(String persistenceId, long toSequenceNr) {
    return FutureConverters.asScala(journal.deleteTo(persistenceId, toSequenceNr));
  }

  /**
   * The first thing that a persistent actor asks for when it starts: from here on it is the only writer. It
   * must also see a write of its former self that is still queued.
   */
  @Override
  public Future<Long> doAsyncReadHighestSequenceNr(String persistenceId, long fromSequenceNr) {
    return FutureConverters.asScala(journal.claim(persistenceId).thenApplyAsync(_ -> {
      long highest = journal.highest(persistenceId);
      if (highest < fromSequenceNr) { // A snapshot of it exists.
        var what = "the history ends at " + highest;
        throw JournalFault.corrupt("the journal", persistenceId, fromSequenceNr, what);
      }
      return highest;
    }, replays));
  }

  @Override
  public Future<Void> doAsyncReplayMessages(
      String persistenceId, long from, long to, long max, Consumer<PersistentRepr> target) {
    Consumer<StoredEvent> each = event -> target.accept(deserialize(event));
    return FutureConverters.asScala(
        CompletableFuture.runAsync(() -> journal.replayWhole(persistenceId, from, to, max, each), replays));
  }

  private static CompletionStage<Void> all(List<CompletableFuture<Void>> writes) {
    return writes.size() == 1
        ? writes.getFirst()
        : CompletableFuture.allOf(writes.toArray(CompletableFuture[]::new));
  }

  private Serialized serialize(AtomicWrite write) {
    var events = new ArrayList<StoredEvent>();
    var entries = new ArrayList<IndexEntry>();
    for (var event : CollectionConverters.asJava(write.payload())) {
      switch (event.payload()) {
        case Tagged tagged -> {
          events.add(store(event, tagged.payload()));
          CollectionConverters.asJava(tagged.tags()).stream()
              .filter(IndexEntry::isTag)
              .map(IndexEntry::fromTag)
              .forEach(entries::add);
        }
        case Object payload -> events.add(store(event, payload));
      }
    }
    return new Serialized(events, entries);
  }

  private List<StoredEvent> rejected(AtomicWrite write) {
    return CollectionConverters.asJava(write.payload()).stream()
        .map(event ->
            StoredEvent.rejected(event.persistenceId(), event.sequenceNr(), at(event), event.writerUuid()))
        .toList();
  }

  private Instant at(PersistentRepr event) {
    return event.timestamp() == 0 ? clock.instant() : Instant.ofEpochMilli(event.timestamp());
  }

  private StoredEvent store(PersistentRepr event, Object payload) {
    var serializer = serialization.findSerializerFor(payload);
    return new StoredEvent(
        event.persistenceId(),
        event.sequenceNr(),
        serializer.identifier(),
        Serializers.manifestFor(serializer, payload),
        serialization.serialize(payload).get(),
        at(event),
        event.writerUuid(),
        event.manifest(),
        MetadataCodec.encode(serialization, event.metadata()));
  }

  private PersistentRepr deserialize(StoredEvent event) {
    var payload = serialization.deserialize(event.payload(), event.serializerId(), event.manifest()).get();
    var found = PersistentRepr.apply(
            payload,
            event.seq(),
            event.persistenceId(),
            event.adapterManifest(),
            false,
            ActorRef.noSender(),
            event.writerUuid())
        .withTimestamp(event.timestamp().toEpochMilli());
    return event.metadata() == StoredEvent.Metadata.NONE
        ? found
        : found.withMetadata(MetadataCodec.decode(serialization, event.metadata()));
  }
}
