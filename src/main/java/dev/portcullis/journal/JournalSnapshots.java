package dev.portcullis.journal;

import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.pekko.dispatch.MessageDispatcher;
import org.apache.pekko.persistence.SelectedSnapshot;
import org.apache.pekko.persistence.SnapshotMetadata;
import org.apache.pekko.persistence.SnapshotSelectionCriteria;
import org.apache.pekko.persistence.snapshot.japi.SnapshotStore;
import org.apache.pekko.serialization.Serialization;
import org.apache.pekko.serialization.SerializationExtension;
import org.apache.pekko.serialization.Serializers;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.concurrent.Future;
import scala.jdk.javaapi.FutureConverters;

/**
 * The Pekko snapshot plugin {@code portcullis.persistence.snapshot-store}, in the same store as the events. A
 * snapshot that is damaged, does not fit its history or cannot be decoded any more is passed over with a
 * warning. The base of a trimmed history counts as its oldest snapshot, and is never passed over.
 */
public final class JournalSnapshots extends SnapshotStore {

  private static final Logger LOG = LoggerFactory.getLogger(JournalSnapshots.class);

  private final Journal journal = JournalSetup.of(context().system()).journal();
  private final Serialization serialization = SerializationExtension.get(context().system());
  private final MessageDispatcher replays =
      context().system().dispatchers().lookup("portcullis.persistence.replay-dispatcher");

  @Override
  public Future<Optional<SelectedSnapshot>> doLoadAsync(
      String persistenceId, SnapshotSelectionCriteria criteria) {
    return FutureConverters.asScala(CompletableFuture.supplyAsync(
        () -> {
          // First, because it must be sound whether or not a snapshot takes its place.
          var base = journal.base(persistenceId).map(this::decodeBase);
          return journal.snapshots(persistenceId).stream()
              .filter(snapshot -> criteria.matches(metadata(snapshot)))
              .flatMap(snapshot -> decode(snapshot).stream())
              .findFirst()
              .or(() -> base);
        },
        replays));
  }

  /** Unlike a snapshot it cannot be passed over: the events that it stands for are gone. */
  private SelectedSnapshot decodeBase(StoredSnapshot base) {
    var state = serialization.deserialize(base.payload(), base.serializerId(), base.manifest());
    if (state.isFailure()) {
      throw new IllegalStateException(
          "the base of " + base.persistenceId() + " at " + base.seq() + " cannot be decoded",
          state.failed().get());
    }
    return SelectedSnapshot.create(metadata(base), state.get());
  }

  @Override
  public Future<Void> doSaveAsync(SnapshotMetadata metadata, Object snapshot) {
    var serializer = serialization.findSerializerFor(snapshot);
    return FutureConverters.asScala(journal.putSnapshot(new StoredSnapshot(
        metadata.persistenceId(),
        metadata.sequenceNr(),
        serializer.identifier(),
        Serializers.manifestFor(serializer, snapshot),
        serialization.serialize(snapshot).get(),
        Instant.ofEpochMilli(metadata.timestamp()),
        MetadataCodec.encode(serialization, metadata.metadata()))));
  }

  @Override
  public Future<Void> doDeleteAsync(SnapshotMetadata metadata) {
    long seq = metadata.sequenceNr();
    return FutureConverters.asScala(journal.deleteSnapshots(metadata.persistenceId(), seq, seq, _ -> true));
  }

  @Override
  public Future<Void> doDeleteAsync(String persistenceId, SnapshotSelectionCriteria criteria) {
    return FutureConverters.asScala(journal.deleteSnapshots(
        persistenceId,
        criteria.minSequenceNr(),
        criteria.maxSequenceNr(),
        snapshot -> criteria.matches(metadata(snapshot))));
  }

  private Optional<SelectedSnapshot> decode(StoredSnapshot snapshot) {
    var decoded =
        serialization.deserialize(snapshot.payload(), snapshot.serializerId(), snapshot.manifest());
    if (decoded.isFailure()) {
      LOG.warn(
          "journal.bad_snapshot ignored manifest={} seq={} cause={}",
          snapshot.manifest(), snapshot.seq(), decoded.failed().get().toString());
      return Optional.empty();
    }
    return Optional.of(SelectedSnapshot.create(withMetadata(snapshot), decoded.get()));
  }

  private SnapshotMetadata withMetadata(StoredSnapshot snapshot) {
    var beside = snapshot.metadata();
    return beside == StoredEvent.Metadata.NONE
        ? metadata(snapshot)
        : metadata(snapshot).withMetadata(MetadataCodec.decode(serialization, beside));
  }

  private static SnapshotMetadata metadata(StoredSnapshot snapshot) {
    return new SnapshotMetadata(
        snapshot.persistenceId(), snapshot.seq(), snapshot.timestamp().toEpochMilli());
  }
}
