package dev.portcullis.session;

import dev.portcullis.harness.ProcessIdentity;
import dev.portcullis.journal.Durable;
import dev.portcullis.journal.EventTypes;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.Usage;
import dev.portcullis.run.RunTable.Fact;
import java.time.Instant;
import java.util.List;
import java.util.Objects;

/** What has happened to a session. On disk for ever: names and fields only grow. Why: docs/adr/0002. */
public sealed interface SessionEvent extends Durable {
  Instant at();

  /** A fact about one run. */
  sealed interface OfRun extends SessionEvent {
    String runId();

    /** The row of the run table that this is. {@link TurnAccepted} begins a run and so has none. */
    Fact fact();
  }

  /**
   * @param context messages that came with the turn and that the session did not have
   * @param keys idempotency keys bound by this very write
   * @param deadline instant after which the run is given up
   */
  record TurnAccepted(
      String runId,
      String sessionKey,
      String agent,
      String principal,
      String message,
      List<Message> context,
      List<BoundKey> keys,
      Instant deadline,
      Instant at)
      implements SessionEvent {
    public TurnAccepted {
      context = List.copyOf(context);
      keys = List.copyOf(keys);
    }
  }

  /** @param body digest of what the key stands for; {@code until} ends its retention */
  record BoundKey(String digest, String body, Instant until) {}

  /** @param fence sequence number of this event: no other attempt of any run of this session has it */
  record AttemptStarted(
      String runId, int attempt, long incarnation, long fence, String harness, Instant at) implements OfRun {
    @Override
    public Fact fact() {
      return Fact.ATTEMPT_STARTED;
    }
  }

  record HarnessAttached(
      String runId, int attempt, String nativeSession, List<ProcessIdentity> processes, Instant at)
      implements OfRun {
    public HarnessAttached {
      processes = List.copyOf(processes);
    }

    @Override
    public Fact fact() {
      return Fact.ATTACHED;
    }
  }

  record TextAppended(String runId, int attempt, String text, Instant at) implements OfRun {
    @Override
    public Fact fact() {
      return Fact.TEXT_APPENDED;
    }
  }

  /** All of the attempt's text so far, where the pieces before said something else. */
  record TextReplaced(String runId, int attempt, String text, Instant at) implements OfRun {
    @Override
    public Fact fact() {
      return Fact.TEXT_APPENDED;
    }
  }

  record StepStarted(
      String runId, int attempt, String stepId, String title, String kind, String inputDigest, Instant at)
      implements OfRun {
    @Override
    public Fact fact() {
      return Fact.STEP_STARTED;
    }
  }

  record StepFinished(String runId, int attempt, String stepId, boolean succeeded, Instant at)
      implements OfRun {
    @Override
    public Fact fact() {
      return Fact.STEP_FINISHED;
    }
  }

  /** @param kind of tool; empty in the oldest events, which did not have it */
  record ApprovalRequested(
      String runId,
      int attempt,
      String approvalId,
      String kind,
      String title,
      String input,
      String digest,
      Instant at)
      implements OfRun {
    public ApprovalRequested {
      kind = Objects.requireNonNullElse(kind, "");
    }

    @Override
    public Fact fact() {
      return Fact.APPROVAL_REQUESTED;
    }
  }

  record ApprovalDecided(String runId, int attempt, String approvalId, boolean allowed, String by, Instant at)
      implements OfRun {
    @Override
    public Fact fact() {
      return Fact.APPROVAL_DECIDED;
    }
  }

  record AbortRequested(String runId, String by, Instant at) implements OfRun {
    @Override
    public Fact fact() {
      return Fact.ABORT_REQUESTED;
    }
  }

  /**
   * A planned stop was noted while this attempt was active. It says why, never whether, the attempt was cut.
   */
  record ResumePending(String runId, int attempt, String reason, long incarnation, Instant at)
      implements OfRun {
    @Override
    public Fact fact() {
      return Fact.STOP_NOTED;
    }
  }

  /** @param cause crash, or the reason of the planned stop */
  record RunInterrupted(String runId, int attempt, String cause, boolean planned, Instant at)
      implements OfRun {
    @Override
    public Fact fact() {
      return Fact.INTERRUPTED;
    }
  }

  record RunParked(String runId, String reason, String reference, Instant at) implements OfRun {
    @Override
    public Fact fact() {
      return Fact.PARKED;
    }
  }

  record RunUnparked(String runId, String by, Instant at) implements OfRun {
    @Override
    public Fact fact() {
      return Fact.UNPARKED;
    }
  }

  record RunCompleted(String runId, int attempt, String stopReason, Usage usage, Instant at)
      implements OfRun {
    @Override
    public Fact fact() {
      return Fact.COMPLETED;
    }
  }

  /** @param givenUp by a deadline or an operator, whatever the harness says */
  record RunFailed(String runId, RunError error, boolean givenUp, Instant at) implements OfRun {
    @Override
    public Fact fact() {
      return givenUp ? Fact.GIVEN_UP : Fact.FAILED;
    }
  }

  record RunAborted(String runId, String by, Instant at) implements OfRun {
    @Override
    public Fact fact() {
      return Fact.ABORTED;
    }
  }

  /** The conversation begins anew under the same key. */
  record SessionReset(String by, Instant at) implements SessionEvent {}

  /** The session leaves every view; its keys stay bound until their retention ends. */
  record SessionErased(String by, Instant at) implements SessionEvent {}

  /** The one table of names on disk. A line may be added; none may change. */
  EventTypes TYPES = EventTypes.builder()
      .add("turn-accepted", TurnAccepted.class)
      .add("attempt-started", AttemptStarted.class)
      .add("harness-attached", HarnessAttached.class)
      .add("text-appended", TextAppended.class)
      .add("text-replaced", TextReplaced.class)
      .add("step-started", StepStarted.class)
      .add("step-finished", StepFinished.class)
      .add("approval-requested", ApprovalRequested.class)
      .add("approval-decided", ApprovalDecided.class)
      .add("abort-requested", AbortRequested.class)
      .add("resume-pending", ResumePending.class)
      .add("run-interrupted", RunInterrupted.class)
      .add("run-parked", RunParked.class)
      .add("run-unparked", RunUnparked.class)
      .add("run-completed", RunCompleted.class)
      .add("run-failed", RunFailed.class)
      .add("run-aborted", RunAborted.class)
      .add("session-reset", SessionReset.class)
      .add("session-erased", SessionErased.class)
      .add("session-state", SessionState.class)
      .build();
}
