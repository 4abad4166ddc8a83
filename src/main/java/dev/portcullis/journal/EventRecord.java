package dev.portcullis.journal;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;

/**
 * How one event lies in the store. It describes itself, so that a record found under another key is noticed,
 * and ends with SHA-256 over itself and its predecessor's digest: {@code version, pid, seq, serializer id,
 * manifest, timestamp, writer, payload, digest}. Texts and payload have a length in front; numbers are
 * big-endian. Version 2 has {@code adapter manifest, serializer id, manifest} and {@code payload} of the
 * metadata before the digest; it is written only for an event that has one of them.
 */
final class EventRecord {

  static final int DIGEST_BYTES = 32;

  private static final byte PLAIN = 1;
  private static final byte ACCOMPANIED = 2;
  private static final byte[] NOTHING = {};
  private static final int FIXED_BYTES = 1 + 3 * Integer.BYTES + 2 * Long.BYTES + 2 * Integer.BYTES;

  private EventRecord() {}

  static byte[] encode(StoredEvent event, byte[] predecessor) {
    var pid = StoreText.encode(event.persistenceId());
    var manifest = StoreText.encode(event.manifest());
    var writer = StoreText.encode(event.writerUuid());
    var beside = event.isPlain() ? NOTHING : beside(event);
    int body =
        FIXED_BYTES + pid.length + manifest.length + writer.length + event.payload().length + beside.length;
    var buffer = ByteBuffer.allocate(body + DIGEST_BYTES).put(event.isPlain() ? PLAIN : ACCOMPANIED);
    put(buffer, pid);
    buffer.putLong(event.seq()).putInt(event.serializerId());
    put(buffer, manifest);
    buffer.putLong(event.timestamp().toEpochMilli());
    put(buffer, writer);
    put(buffer, event.payload());
    buffer.put(beside);
    return buffer.put(digest(buffer.array(), body, predecessor)).array();
  }

  private static byte[] beside(StoredEvent event) {
    var adapter = StoreText.encode(event.adapterManifest());
    var metadata = encode(event.metadata());
    var buffer = ByteBuffer.allocate(Integer.BYTES + adapter.length + metadata.length);
    put(buffer, adapter);
    return buffer.put(metadata).array();
  }

  static byte[] encode(StoredEvent.Metadata metadata) {
    var manifest = StoreText.encode(metadata.manifest());
    var buffer = ByteBuffer.allocate(3 * Integer.BYTES + manifest.length + metadata.payload().length);
    buffer.putInt(metadata.serializerId());
    put(buffer, manifest);
    put(buffer, metadata.payload());
    return buffer.array();
  }

  /** The digest that the successor is chained to. */
  static byte[] digestOf(byte[] record) {
    return Arrays.copyOfRange(record, Math.max(0, record.length - DIGEST_BYTES), record.length);
  }

  /** @throws JournalFault {@code CORRUPT} when it is not the record that was written under this key */
  static StoredEvent decode(String where, StoreKey.Event key, byte[] record, byte[] predecessor) {
    int body = record.length - DIGEST_BYTES;
    if (body < FIXED_BYTES || record[0] != PLAIN && record[0] != ACCOMPANIED) {
      throw corrupt(where, key, "the record cannot be read");
    }
    var event = read(where, key, record[0], ByteBuffer.wrap(record, 1, body - 1));
    if (!event.persistenceId().equals(key.persistenceId()) || event.seq() != key.seq()) {
      throw corrupt(where, key, "the record belongs elsewhere, to seq " + event.seq());
    }
    if (!Arrays.equals(digest(record, body, predecessor), digestOf(record))) {
      throw corrupt(where, key, "the digest does not follow from the record and its predecessor");
    }
    return event;
  }

  /** When the event was written, as far as the record can be read; it is not proved. */
  static Optional<Instant> timestamp(String where, StoreKey.Event key, byte[] record) {
    int body = record.length - DIGEST_BYTES;
    try {
      return body < FIXED_BYTES
          ? Optional.empty()
          : Optional.of(read(where, key, record[0], ByteBuffer.wrap(record, 1, body - 1)).timestamp());
    } catch (JournalFault unreadable) {
      return Optional.empty();
    }
  }

  /** SHA-256 over the first bytes of a record and a digest it depends on. */
  static byte[] digest(byte[] record, int length, byte[] predecessor) {
    try {
      var sha = MessageDigest.getInstance("SHA-256");
      sha.update(record, 0, length);
      sha.update(predecessor);
      return sha.digest();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private static StoredEvent read(String where, StoreKey.Event key, byte version, ByteBuffer buffer) {
    try {
      var pid = text(buffer);
      long seq = buffer.getLong();
      int serializerId = buffer.getInt();
      var manifest = text(buffer);
      var timestamp = Instant.ofEpochMilli(buffer.getLong());
      var writer = text(buffer);
      var payload = bytes(buffer);
      var adapter = version == PLAIN ? "" : text(buffer);
      var metadata = version == PLAIN ? StoredEvent.Metadata.NONE : metadata(buffer);
      return new StoredEvent(
          pid, seq, serializerId, manifest, payload, timestamp, writer, adapter, metadata);
    } catch (BufferUnderflowException | IndexOutOfBoundsException e) {
      throw corrupt(where, key, "the record ends too early");
    }
  }

  static StoredEvent.Metadata metadata(ByteBuffer buffer) {
    var found = new StoredEvent.Metadata(buffer.getInt(), text(buffer), bytes(buffer));
    boolean none = found.serializerId() == 0 && found.manifest().isEmpty() && found.payload().length == 0;
    return none ? StoredEvent.Metadata.NONE : found;
  }

  static void put(ByteBuffer buffer, byte[] bytes) {
    buffer.putInt(bytes.length).put(bytes);
  }

  static String text(ByteBuffer buffer) {
    var bytes = bytes(buffer);
    return StoreText.decode(bytes, 0, bytes.length);
  }

  static byte[] bytes(ByteBuffer buffer) {
    int length = buffer.getInt();
    if (length < 0 || length > buffer.remaining()) {
      throw new BufferUnderflowException();
    }
    var bytes = new byte[length];
    buffer.get(bytes);
    return bytes;
  }

  private static JournalFault corrupt(String where, StoreKey.Event key, String what) {
    return JournalFault.corrupt(where, key.persistenceId(), key.seq(), what);
  }
}
