package dev.portcullis.journal;

import java.time.Instant;

/**
 * One event as the journal keeps it: serialised, and addressed by (persistence id, sequence number).
 *
 * @param persistenceId whose history it belongs to; any string
 * @param seq from 1, without gap
 * @param serializerId Pekko's id of the serializer that made the payload
 * @param manifest the short stable name of the event's type
 * @param payload the bytes; not copied, so do not change them
 * @param timestamp when it was handed to the journal; millisecond precision, for people only (INV-J7)
 * @param writerUuid which incarnation of the persistent actor wrote it
 * @param adapterManifest what an event adapter wants to be told when it is read; empty without one
 * @param metadata what the persistent actor said beside the event; {@link Metadata#NONE} where nothing
 */
public record StoredEvent(
    String persistenceId,
    long seq,
    int serializerId,
    String manifest,
    byte[] payload,
    Instant timestamp,
    String writerUuid,
    String adapterManifest,
    Metadata metadata) {

  /** Something serialised that belongs to an event. */
  public record Metadata(int serializerId, String manifest, byte[] payload) {
    public static final Metadata NONE = new Metadata(0, "", new byte[0]);
  }

  /** No serializer has it; it marks a number whose event was rejected. */
  private static final int VOID = 84201;

  /** Without anything beside it. */
  public StoredEvent(
      String persistenceId,
      long seq,
      int serializerId,
      String manifest,
      byte[] payload,
      Instant timestamp,
      String writerUuid) {
    this(persistenceId, seq, serializerId, manifest, payload, timestamp, writerUuid, "", Metadata.NONE);
  }

  /** Takes the place of an event that could not be serialised, so that the next one can follow it. */
  static StoredEvent rejected(String persistenceId, long seq, Instant timestamp, String writerUuid) {
    return new StoredEvent(persistenceId, seq, VOID, "void", new byte[0], timestamp, writerUuid);
  }

  boolean isVoid() {
    return serializerId == VOID;
  }

  boolean isPlain() {
    return adapterManifest.isEmpty() && metadata == Metadata.NONE;
  }
}
