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
 */
public record StoredEvent(
    String persistenceId,
    long seq,
    int serializerId,
    String manifest,
    byte[] payload,
    Instant timestamp,
    String writerUuid) {}
