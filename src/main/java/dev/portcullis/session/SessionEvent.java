package dev.portcullis.session;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.portcullis.harness.ProcessIdentity;
import dev.portcullis.journal.Durable;
import dev.portcullis.journal.EventTypes;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.OpenStep;
import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.Usage;
import dev.portcullis.run.RunTable.Fact;
import java.time.Duration;
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
   * @param input what the turn carries besides its message; nothing where it is absent
   * @param note what the edge will want to know of the request; nothing here reads it. Absent in the oldest
   *     events, for empty
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
      Instant at,
      @JsonInclude(value = JsonInclude.Include.CUSTOM, valueFilter = Input.Nothing.class) Input input,
      @JsonInclude(JsonInclude.Include.NON_EMPTY) String note)
      implements SessionEvent {
    public TurnAccepted {
      context = List.copyOf(context);
      keys = List.copyOf(keys);
      note = Objects.requireNonNullElse(note, "");
      input = Objects.requireNonNullElse(input, Input.NONE);
    }

    /** Without the bytes of its images, and without its context. */
    TurnAccepted told() {
      return new TurnAccepted(
          runId, sessionKey, agent, principal, message, List.of(), keys, deadline, at, input.told(), note);
    }

    /** A turn that is text alone. */
    public TurnAccepted(
        String runId,
        String sessionKey,
        String agent,
        String principal,
        String message,
        List<Message> context,
        List<BoundKey> keys,
        Instant deadline,
        Instant at) {
      this(runId, sessionKey, agent, principal, message, context, keys, deadline, at, Input.NONE, "");
    }
  }

  /**
   * @param digest of principal, route and key, or the name of a call: {@link Calls}
   * @param body digest of what the key stands for; {@code until} ends its retention
   */
  record BoundKey(String digest, String body, Instant until) {}

  /** A client has sent a call again, and is answered with the run that the call began. */
  record CallRepeated(String runId, BoundKey call, Instant at) implements SessionEvent {}

  /**
   * @param fence sequence number of this event: no other attempt of any run of this session has it
   * @param cause that ended the attempt before; empty for the first, and in events of older versions
   */
  record AttemptStarted(
      String runId, int attempt, long incarnation, long fence, String harness, Instant at, String cause)
      implements OfRun {
    public AttemptStarted {
      cause = Objects.requireNonNullElse(cause, "");
    }

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

  /**
   * A harness waits for an answer. With an id that was asked before it takes the place of that question.
   *
   * @param kind of tool; empty in the oldest events, which did not have it
   * @param directory where it will run; empty in the oldest events, which did not have it
   * @param request the harness's own id of the question; empty, or absent as in the oldest events, when it is
   *     {@code approvalId}
   * @param expiresAt when the answer is no; absent in the oldest events, for an hour after {@code at}
   */
  record ApprovalRequested(
      String runId,
      int attempt,
      String approvalId,
      String kind,
      String title,
      String input,
      String digest,
      Instant at,
      String directory,
      String request,
      Instant expiresAt)
      implements OfRun {
    public ApprovalRequested {
      kind = Objects.requireNonNullElse(kind, "");
      directory = Objects.requireNonNullElse(directory, "");
      request = Objects.requireNonNullElse(request, "");
      expiresAt = Objects.requireNonNullElse(expiresAt, at.plus(Duration.ofHours(1)));
    }

    @Override
    public Fact fact() {
      return Fact.APPROVAL_REQUESTED;
    }
  }

  /**
   * @param reason one word where {@code by} does not say it all, else empty; absent in the oldest events
   * @param kept no harness waits for it: it counts when a later attempt asks for the same; absent for false
   */
  record ApprovalDecided(
      String runId,
      int attempt,
      String approvalId,
      boolean allowed,
      String by,
      Instant at,
      String reason,
      boolean kept)
      implements OfRun {
    public ApprovalDecided {
      reason = Objects.requireNonNullElse(reason, "");
    }

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

  /**
   * @param cause crash, failover, or the reason of the planned stop
   * @param uncertain the steps that were open; empty in events of older versions, whose open steps they are
   * @param code of the failure that a failover answers, empty for other causes
   */
  record RunInterrupted(
      String runId,
      int attempt,
      String cause,
      boolean planned,
      Instant at,
      List<OpenStep> uncertain,
      String code)
      implements OfRun {
    public RunInterrupted {
      uncertain = uncertain == null ? List.of() : List.copyOf(uncertain);
      code = Objects.requireNonNullElse(code, "");
    }

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

  /** @param calls functions of the client's that the model wants to be called; none where it is absent */
  record RunCompleted(
      String runId,
      int attempt,
      String stopReason,
      Usage usage,
      Instant at,
      @JsonInclude(JsonInclude.Include.NON_EMPTY) List<FunctionCall> calls)
      implements OfRun {
    public RunCompleted {
      calls = calls == null ? List.of() : List.copyOf(calls);
    }

    public RunCompleted(String runId, int attempt, String stopReason, Usage usage, Instant at) {
      this(runId, attempt, stopReason, usage, at, List.of());
    }

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

  /**
   * A queued turn was taken by the attempt of another run, which answers both: it has ended.
   *
   * @param into the run that it went into
   */
  record TurnSteered(String runId, String into, Instant at) implements OfRun {
    @Override
    public Fact fact() {
      return Fact.STEERED;
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
      .add("turn-steered", TurnSteered.class)
      .add("call-repeated", CallRepeated.class)
      .add("session-reset", SessionReset.class)
      .add("session-erased", SessionErased.class)
      .add("session-state", SessionState.class)
      .build();
}
