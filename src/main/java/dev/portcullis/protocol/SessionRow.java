package dev.portcullis.protocol;

import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * One session as lists show it: a function of its state at {@code rev}.
 *
 * @param sessionId changes with every reset; the key does not
 * @param status idle, the word of the run that stands first, or quarantined: the history is damaged, the
 *     session takes no work, and its open runs count as parked
 * @param rev sequence number of the event that this row reflects; of two rows the larger one is true
 * @param owner principal of its first turn; empty in rows of older versions, which only those see who see all
 */
public record SessionRow(
    String key,
    String sessionId,
    String agent,
    String title,
    String status,
    boolean hasActiveRun,
    boolean abortable,
    List<String> activeRunIds,
    int queued,
    int interrupted,
    int parked,
    String lastRunId,
    Usage usage,
    long accepted,
    long terminal,
    Instant createdAt,
    Instant updatedAt,
    long rev,
    String owner) {
  /** The status of a session whose history cannot be proved. */
  public static final String QUARANTINED = "quarantined";

  public SessionRow {
    activeRunIds = List.copyOf(activeRunIds);
    owner = Objects.requireNonNullElse(owner, "");
  }
}
