package dev.portcullis.journal;

import java.time.Instant;

/**
 * One state of a persistent actor, kept to shorten replay. A cache: deleting them all changes only speed.
 *
 * @param seq the sequence number of the last event folded into it
 * @param payload the bytes; not copied, so do not change them
 * @param timestamp when it was taken; millisecond precision
 * @param metadata what was said beside it; {@link StoredEvent.Metadata#NONE} where nothing
 */
public record StoredSnapshot(
    String persistenceId,
    long seq,
    int serializerId,
    String manifest,
    byte[] payload,
    Instant timestamp,
    StoredEvent.Metadata metadata) {

  /** Without anything beside it. */
  public StoredSnapshot(
      String persistenceId, long seq, int serializerId, String manifest, byte[] payload, Instant timestamp) {
    this(persistenceId, seq, serializerId, manifest, payload, timestamp, StoredEvent.Metadata.NONE);
  }
}
