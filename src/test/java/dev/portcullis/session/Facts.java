package dev.portcullis.session;

import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.Usage;
import dev.portcullis.run.RunTable.Fact;
import java.time.Instant;
import java.util.List;

/** One event of each kind. */
final class Facts {
  static final Instant AT = Settings.START;

  private Facts() {}

  static SessionEvent.OfRun of(Fact fact, String run) {
    return switch (fact) {
      case ATTEMPT_STARTED -> new SessionEvent.AttemptStarted(run, 1, 1, 2, "echo", AT, "");
      case ATTACHED -> new SessionEvent.HarnessAttached(run, 1, "native", List.of(), AT);
      case TEXT_APPENDED -> new SessionEvent.TextAppended(run, 1, "text", AT);
      case STEP_STARTED -> new SessionEvent.StepStarted(run, 1, "s-1", "ls", "tool", "d", AT);
      case STEP_FINISHED -> new SessionEvent.StepFinished(run, 1, "s-1", true, AT);
      case APPROVAL_REQUESTED -> new SessionEvent.ApprovalRequested(
          run, 1, "a-1", "execute", "rm", "rm x", "d", AT, "/work", "a-0", AT.plusSeconds(60));
      case APPROVAL_DECIDED -> new SessionEvent.ApprovalDecided(run, 1, "a-1", true, "me", AT, "why", false);
      case STOP_NOTED -> new SessionEvent.ResumePending(run, 1, "restart", 1, AT);
      case ABORT_REQUESTED -> new SessionEvent.AbortRequested(run, "me", AT);
      case ABORTED -> new SessionEvent.RunAborted(run, "me", AT);
      case COMPLETED -> new SessionEvent.RunCompleted(run, 1, "end_turn", new Usage(3, 4), AT);
      case STEERED -> new SessionEvent.TurnSteered(run, "into", AT);
      case FAILED -> failed(run, false);
      case GIVEN_UP -> failed(run, true);
      case INTERRUPTED -> new SessionEvent.RunInterrupted(run, 1, "crash", false, AT, List.of(), "");
      case PARKED -> new SessionEvent.RunParked(run, "crash_loop", "", AT);
      case UNPARKED -> new SessionEvent.RunUnparked(run, "me", AT);
    };
  }

  private static SessionEvent.RunFailed failed(String run, boolean givenUp) {
    return new SessionEvent.RunFailed(run, new RunError("harness_failed", "It failed.", "ref"), givenUp, AT);
  }

  static SessionEvent.TurnAccepted accepted(String run, String message) {
    return new SessionEvent.TurnAccepted(
        run, "agent:main:main", "main", "me", message, List.of(), List.of(), AT.plus(Settings.DEADLINE), AT);
  }
}
