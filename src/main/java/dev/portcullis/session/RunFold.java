package dev.portcullis.session;

import dev.portcullis.protocol.Approval;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.RunView;
import dev.portcullis.protocol.Usage;
import dev.portcullis.run.RunTable;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One run, event by event, from its {@code TurnAccepted} on: its view, and its public events with their
 * numbers.
 */
final class RunFold {
  /** Without the bytes of its images: views tell of them only. */
  private final SessionEvent.TurnAccepted turn;
  private final Map<String, RunView.Step> steps = new LinkedHashMap<>();
  private final Map<String, Approval> approvals = new LinkedHashMap<>();
  private final Map<String, Approval.Decision> decisions = new LinkedHashMap<>();
  private final List<Instant> startedAt = new ArrayList<>();
  private final List<Instant> endedAt = new ArrayList<>();
  private final StringBuilder text = new StringBuilder();
  private RunStatus status = RunStatus.QUEUED;
  private RunView.Outcome outcome = new RunView.Outcome.Open();
  private Usage usage = Usage.NONE;
  private String harness = "";
  private String stopReason = "";
  private List<FunctionCall> calls = List.of();
  private int attempts;
  private int textAttempt;
  private long publicSeq = 1;

  RunFold(SessionEvent.TurnAccepted turn) {
    this.turn = turn.told();
  }

  RunStatus status() {
    return status;
  }

  String text() {
    return text.toString();
  }

  List<FunctionCall> calls() {
    return calls;
  }

  RunEvent first() {
    return RunEvents.of(turn.runId(), turn, 1).orElseThrow();
  }

  /** Folds an event of this run; its public face, if it has one. */
  Optional<RunEvent> add(SessionEvent.OfRun event) {
    status = RunTable.next(status, event.fact())
        .orElseThrow(() -> new IllegalStateException(status + " cannot be followed by " + event));
    switch (event) {
      case SessionEvent.AttemptStarted start -> started(start);
      case SessionEvent.TextAppended more -> append(more.attempt(), more.text());
      case SessionEvent.TextReplaced whole -> {
        text.setLength(0);
        append(whole.attempt(), whole.text());
      }
      // By attempt too: what an earlier one left uncertain stays so, whatever ids the next one uses.
      case SessionEvent.StepStarted step -> steps.put(step.attempt() + " " + step.stepId(), new RunView.Step(
          step.stepId(), step.title(), step.kind(), "running", step.inputDigest()));
      case SessionEvent.StepFinished step -> steps.computeIfPresent(step.attempt() + " " + step.stepId(),
          (_, known) -> known.in(step.succeeded() ? "succeeded" : "failed"));
      case SessionEvent.ResumePending note -> outcome = new RunView.Outcome.ResumePending(note.reason());
      case SessionEvent.RunInterrupted _ -> interrupted();
      case SessionEvent.RunParked park ->
          outcome = new RunView.Outcome.Parked(park.reason(), park.reference());
      case SessionEvent.RunUnparked _ -> outcome = new RunView.Outcome.Open();
      case SessionEvent.RunCompleted end -> {
        usage = end.usage();
        stopReason = end.stopReason();
        calls = end.calls();
        ended(end.at(), new RunView.Outcome.Open());
      }
      case SessionEvent.RunFailed end -> ended(end.at(), new RunView.Outcome.Error(end.error()));
      case SessionEvent.TurnSteered end -> {
        stopReason = RunView.STEERED;
        ended(end.at(), new RunView.Outcome.Steered(end.into()));
      }
      case SessionEvent.RunAborted end -> ended(end.at(), new RunView.Outcome.Open());
      case SessionEvent.ApprovalRequested ask -> {
        decisions.remove(ask.approvalId());
        approvals.put(ask.approvalId(), approval(ask, new SessionKey(turn.sessionKey())));
      }
      case SessionEvent.ApprovalDecided done -> { // Its input, which may be long, is needed no more.
        approvals.remove(done.approvalId());
        decisions.put(done.approvalId(), new Approval.Decision(
            done.allowed(), done.by(), done.reason(), done.kept(), done.at()));
      }
      case SessionEvent.HarnessAttached _, SessionEvent.AbortRequested _ -> { }
    }
    var shown = RunEvents.of(turn.runId(), event, publicSeq + 1);
    publicSeq += shown.isPresent() ? 1 : 0;
    return shown;
  }

  RunView view() {
    return new RunView(
        turn.runId(),
        turn.sessionKey(),
        turn.agent(),
        harness,
        status,
        attempts,
        turn.message(),
        text.toString(),
        List.copyOf(steps.values()),
        outcome,
        stopReason,
        usage,
        publicSeq,
        new RunView.Times(turn.at(), List.copyOf(startedAt), List.copyOf(endedAt)),
        List.copyOf(approvals.values()),
        decisions,
        turn.input(),
        calls);
  }

  /** A question as viewers see it while it waits. */
  static Approval approval(SessionEvent.ApprovalRequested ask, SessionKey session) {
    return new Approval(
        ask.approvalId(),
        ask.runId(),
        session.text(),
        session.agent(),
        ask.kind(),
        ask.title(),
        ask.input(),
        ask.directory(),
        ask.digest(),
        ask.at(),
        ask.expiresAt(),
        List.of());
  }

  private void started(SessionEvent.AttemptStarted start) {
    attempts = start.attempt();
    harness = start.harness();
    outcome = new RunView.Outcome.Open();
    if (startedAt.isEmpty()) {
      startedAt.add(start.at());
    }
  }

  /** The text of a cut attempt stands until a newer attempt has some: then that one replaces it. */
  private void append(int attempt, String more) {
    if (attempt != textAttempt) {
      text.setLength(0);
      textAttempt = attempt;
    }
    text.append(more);
  }

  private void interrupted() {
    leaveUncertain();
    outcome = new RunView.Outcome.Open();
  }

  private void leaveUncertain() {
    steps.replaceAll((_, step) -> step.state().equals("running") ? step.in("uncertain") : step);
  }

  private void ended(Instant at, RunView.Outcome last) {
    leaveUncertain(); // A run may end in the middle of a step: with its process, or by a deadline.
    outcome = last;
    endedAt.add(at);
  }
}
