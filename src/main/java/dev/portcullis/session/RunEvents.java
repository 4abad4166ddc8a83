package dev.portcullis.session;

import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunView;
import dev.portcullis.protocol.Usage;
import java.util.Optional;

/** The public face of a run's events: which of them viewers see, and as what. Pure. */
final class RunEvents {
  private RunEvents() {}

  static boolean isPublic(SessionEvent event) {
    return body(event).isPresent();
  }

  /** @param seq the number it gets if it is public */
  static Optional<RunEvent> of(String runId, SessionEvent event, long seq) {
    return body(event).map(body -> new RunEvent(runId, seq, event.at(), body));
  }

  private static Optional<RunEvent.Body> body(SessionEvent event) {
    return switch (event) {
      case SessionEvent.TurnAccepted turn ->
          Optional.of(new RunEvent.Accepted(turn.sessionKey(), turn.agent()));
      case SessionEvent.AttemptStarted start when start.attempt() == 1 ->
          Optional.of(new RunEvent.Started(1, start.harness()));
      case SessionEvent.AttemptStarted again ->
          Optional.of(new RunEvent.Resumed(again.attempt(), again.harness(), again.cause()));
      case SessionEvent.TextAppended text -> Optional.of(new RunEvent.Text(text.attempt(), text.text()));
      case SessionEvent.TextReplaced text ->
          Optional.of(new RunEvent.TextReplaced(text.attempt(), text.text()));
      case SessionEvent.StepStarted step ->
          Optional.of(new RunEvent.StepStarted(step.stepId(), step.title(), step.kind()));
      case SessionEvent.StepFinished step ->
          Optional.of(new RunEvent.StepFinished(step.stepId(), step.succeeded()));
      case SessionEvent.ApprovalRequested ask ->
          Optional.of(
              new RunEvent.ApprovalRequested(
                  ask.approvalId(), ask.kind(), ask.title(), ask.input(), ask.directory(), ask.digest(),
                  ask.expiresAt()));
      case SessionEvent.ApprovalDecided done ->
          Optional.of(new RunEvent.ApprovalDecided(
              done.approvalId(), done.allowed(), done.by(), done.reason(), done.kept()));
      case SessionEvent.RunInterrupted cut ->
          Optional.of(new RunEvent.Interrupted(cut.attempt(), cut.cause(), cut.code(), cut.uncertain()));
      case SessionEvent.RunParked park -> Optional.of(new RunEvent.Parked(park.reason(), park.reference()));
      case SessionEvent.RunCompleted end ->
          Optional.of(new RunEvent.Completed(end.stopReason(), end.usage(), "", end.calls()));
      case SessionEvent.TurnSteered turn ->
          Optional.of(new RunEvent.Completed(RunView.STEERED, Usage.NONE, turn.into()));
      case SessionEvent.RunFailed(_, RunError error, _, _) -> Optional.of(new RunEvent.Failed(error));
      case SessionEvent.RunAborted end -> Optional.of(new RunEvent.Aborted(end.by()));
      case SessionEvent.HarnessAttached _,
          SessionEvent.AbortRequested _,
          SessionEvent.ResumePending _,
          SessionEvent.RunUnparked _,
          SessionEvent.CallRepeated _,
          SessionEvent.SessionReset _,
          SessionEvent.SessionErased _ -> Optional.empty();
    };
  }
}
