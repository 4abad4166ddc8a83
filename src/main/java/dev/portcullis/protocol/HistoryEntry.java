package dev.portcullis.protocol;

import java.time.Instant;

/**
 * One message of a session's transcript.
 *
 * @param seq journal position, the cursor to page with
 */
public record HistoryEntry(long seq, String runId, String role, String text, Instant at) {}
