package dev.portcullis.journal;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;

/**
 * How one snapshot lies in the store: {@code version, pid, seq, serializer id, manifest, timestamp, digest of
 * the event at seq, payload, SHA-256 over all of it}; version 2 has the metadata before the SHA-256. A
 * snapshot is a cache, so a bad one is absent, never a fault.
 */
record SnapshotRecord(StoredSnapshot snapshot, byte[] eventDigest) {

  private static final byte PLAIN = 1;
  private static final byte ACCOMPANIED = 2;
  private static final int FIXED_BYTES =
      1 + 2 * Integer.BYTES + 2 * Long.BYTES + 2 * Integer.BYTES + EventRecord.DIGEST_BYTES;
  private static final byte[] NOTHING = {};

  byte[] encode() {
    var pid = StoreText.encode(snapshot.persistenceId());
    var manifest = StoreText.encode(snapshot.manifest());
    boolean plain = snapshot.metadata() == StoredEvent.Metadata.NONE;
    var metadata = plain ? NOTHING : EventRecord.encode(snapshot.metadata());
    int body = FIXED_BYTES + pid.length + manifest.length + snapshot.payload().length + metadata.length;
    var buffer = ByteBuffer.allocate(body + EventRecord.DIGEST_BYTES).put(plain ? PLAIN : ACCOMPANIED);
    EventRecord.put(buffer, pid);
    buffer.putLong(snapshot.seq()).putInt(snapshot.serializerId());
    EventRecord.put(buffer, manifest);
    buffer.putLong(snapshot.timestamp().toEpochMilli()).put(eventDigest);
    EventRecord.put(buffer, snapshot.payload());
    buffer.put(metadata);
    return buffer.put(EventRecord.digest(buffer.array(), body, NOTHING)).array();
  }

  static Optional<SnapshotRecord> decode(StoreKey.Snapshot key, byte[] record) {
    int body = record.length - EventRecord.DIGEST_BYTES;
    if (body < FIXED_BYTES
        || record[0] != PLAIN && record[0] != ACCOMPANIED
        || !Arrays.equals(EventRecord.digest(record, body, NOTHING), EventRecord.digestOf(record))) {
      return Optional.empty();
    }
    try {
      return Optional.of(read(record[0], ByteBuffer.wrap(record, 1, body - 1)))
          .filter(found -> found.snapshot.persistenceId().equals(key.persistenceId()))
          .filter(found -> found.snapshot.seq() == key.seq());
    } catch (BufferUnderflowException | IndexOutOfBoundsException e) {
      return Optional.empty();
    }
  }

  private static SnapshotRecord read(byte version, ByteBuffer buffer) {
    var pid = EventRecord.text(buffer);
    long seq = buffer.getLong();
    int serializerId = buffer.getInt();
    var manifest = EventRecord.text(buffer);
    var timestamp = Instant.ofEpochMilli(buffer.getLong());
    var eventDigest = new byte[EventRecord.DIGEST_BYTES];
    buffer.get(eventDigest);
    var payload = EventRecord.bytes(buffer);
    var metadata = version == PLAIN ? StoredEvent.Metadata.NONE : EventRecord.metadata(buffer);
    return new SnapshotRecord(
        new StoredSnapshot(pid, seq, serializerId, manifest, payload, timestamp, metadata), eventDigest);
  }
}
