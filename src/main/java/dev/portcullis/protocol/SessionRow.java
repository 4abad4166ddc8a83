package dev.portcullis.protocol;

import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * One session as lists show it: a function of its state at {@code rev}. A row that contradicts itself, such
 * as an idle one with an active run, cannot be made, nor read from the index.
 *
 * @param sessionId changes with every reset; the key does not
 * @param status idle, the word of the run that stands first, or quarantined: the history is damaged, the
 *     session takes no work, and its open runs count as parked
 * @param abortable whether any run of it can be aborted
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

  /** The status of a session that nobody sees any more: the last that viewers hear of it. */
  public static final String ERASED = "erased";

  private static final String IDLE = "idle";
  private static final Set<String> WITHOUT_RUN = Set.of(IDLE, QUARANTINED, ERASED);

  public SessionRow {
    activeRunIds = List.copyOf(activeRunIds);
    owner = Objects.requireNonNullElse(owner, "");
    var first = RunStatus.of(status).filter(run -> !run.terminal());
    boolean known = first.isPresent() || WITHOUT_RUN.contains(status);
    boolean active = first.filter(RunStatus::active).isPresent();
    // Behind a run that is being aborted there may or may not be others.
    boolean aborts = first.filter(RunStatus.ABORTING::equals).isPresent() ? abortable : first.isPresent();
    if (!known || hasActiveRun != active || activeRunIds.isEmpty() == active || abortable != aborts) {
      throw new IllegalArgumentException("a row that contradicts itself: " + key + " " + status
          + " hasActiveRun=" + hasActiveRun + " activeRunIds=" + activeRunIds + " abortable=" + abortable);
    }
  }

  /** @param first where the run stands that comes first, empty when no run is open */
  public static String status(Optional<RunStatus> first) {
    return first.map(RunStatus::word).orElse(IDLE);
  }

  /** Whether the session is gone from every view. */
  public boolean erased() {
    return status.equals(ERASED);
  }
}
