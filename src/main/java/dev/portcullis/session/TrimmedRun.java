package dev.portcullis.session;

import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.RunView;
import dev.portcullis.protocol.Usage;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What is kept of an ended run whose events were trimmed: everything but its texts. On disk, in the run's
 * index entry, so fields only grow.
 *
 * @param error empty unless it failed
 * @param startedAt empty when it never started
 * @param into the run that a steered turn went into; empty for others, and in entries of older versions
 */
record TrimmedRun(
    String runId,
    String sessionKey,
    String agent,
    String harness,
    RunStatus status,
    int attempts,
    List<RunError> error,
    String stopReason,
    Usage usage,
    long lastSeq,
    Instant acceptedAt,
    List<Instant> startedAt,
    Instant endedAt,
    String into) {
  TrimmedRun {
    into = Objects.requireNonNullElse(into, "");
  }

  /** @param view of a run that has ended */
  static TrimmedRun of(RunView view) {
    return new TrimmedRun(
        view.id(),
        view.sessionKey(),
        view.agent(),
        view.harness(),
        view.status(),
        view.attempts(),
        view.error().stream().toList(),
        view.stopReason(),
        view.usage(),
        view.lastSeq(),
        view.times().acceptedAt(),
        view.times().startedAt(),
        view.times().endedAt().getFirst(),
        view.outcome() instanceof RunView.Outcome.Steered(var into) ? into : "");
  }

  RunView view() {
    return new RunView(
        runId,
        sessionKey,
        agent,
        harness,
        status,
        attempts,
        "",
        "",
        List.of(),
        outcome(),
        stopReason,
        usage,
        lastSeq,
        new RunView.Times(acceptedAt, startedAt, List.of(endedAt)),
        List.of(),
        Map.of());
  }

  private RunView.Outcome outcome() {
    if (!error.isEmpty()) {
      return new RunView.Outcome.Error(error.getFirst());
    }
    return into.isEmpty() ? new RunView.Outcome.Open() : new RunView.Outcome.Steered(into);
  }

  /** Its last event: the one that can still be told. */
  RunEvent end() {
    return new RunEvent(runId, lastSeq, endedAt, switch (status) {
      case COMPLETED -> new RunEvent.Completed(stopReason, usage, into);
      case FAILED -> new RunEvent.Failed(error.getFirst());
      case ABORTED -> new RunEvent.Aborted("");
      case QUEUED, STARTING, RUNNING, ABORTING, INTERRUPTED, PARKED ->
          throw new IllegalStateException(runId + " was trimmed while it was " + status);
    });
  }
}
