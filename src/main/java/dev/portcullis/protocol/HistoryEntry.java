package dev.portcullis.protocol;

import java.time.Instant;
import java.util.List;

/**
 * One message of a session's transcript.
 *
 * @param seq journal position, the cursor to page with
 * @param role user or assistant; tool for a turn that only brings results
 * @param images told of, without their bytes
 * @param calls with which the model ended its answer
 * @param results that the turn brought, before its text
 */
public record HistoryEntry(
    long seq,
    String runId,
    String role,
    String text,
    Instant at,
    List<Image> images,
    List<FunctionCall> calls,
    List<FunctionResult> results) {
  public HistoryEntry {
    images = List.copyOf(images);
    calls = List.copyOf(calls);
    results = List.copyOf(results);
  }

  public HistoryEntry(long seq, String runId, String role, String text, Instant at) {
    this(seq, runId, role, text, at, List.of(), List.of(), List.of());
  }

  /** Without the bytes of its images. */
  public HistoryEntry told() {
    return images.isEmpty() ? this : new HistoryEntry(
        seq, runId, role, text, at, images.stream().map(Image::told).toList(), calls, results);
  }
}
