package dev.portcullis.journal;

import java.time.Instant;

/**
 * One state of a persistent actor, kept to shorten replay. A cache: deleting them all changes only speed.
 *
 * @param seq the sequence number of the last event folded into it
 * @param payload the bytes; not copied, so do not change them
 * @param timestamp when it was taken; millisecond precision
 */
public record StoredSnapshot(
    String persistenceId, long seq, int serializerId, String manifest, byte[] payload, Instant timestamp) {}
