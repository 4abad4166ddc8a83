package dev.portcullis.session;

import dev.portcullis.alert.Alerts;
import org.slf4j.Logger;

/** What operators are told of a run once it is in the journal. */
record RunLog(Logger log, Alerts alerts) {
  void tell(SessionEvent event) {
    switch (event) {
      case SessionEvent.ApprovalRequested ask ->
          log.info("approval.requested approvalId={} runId={} kind={} digest={} expires={}",
              ask.approvalId(), ask.runId(), ask.kind(), ask.digest(), ask.expiresAt());
      case SessionEvent.ApprovalDecided done ->
          log.info("approval.decided approvalId={} runId={} allowed={} by={} kept={}",
              done.approvalId(), done.runId(), done.allowed(), done.by(), done.kept());
      case SessionEvent.RunCompleted end ->
          log.info("run.ended runId={} status=completed stop={}", end.runId(), end.stopReason());
      case SessionEvent.RunFailed end ->
          log.info("run.ended runId={} status=failed code={}", end.runId(), end.error().code());
      case SessionEvent.RunAborted end -> {
        log.info("run.ended runId={} status=aborted by={}", end.runId(), end.by());
        alerts.resolve("run.parked." + end.runId(), "the run was aborted");
      }
      case SessionEvent.RunParked park when park.reason().equals(Turns.OPERATOR) -> { }
      case SessionEvent.RunInterrupted cut ->
          log.info("run.interrupted runId={} attempt={} cause={}", cut.runId(), cut.attempt(), cut.cause());
      case SessionEvent.RunParked park -> {
        log.warn("run.parked runId={} reason={}", park.runId(), park.reason());
        alerts.raise("run.parked." + park.runId(), "run " + park.runId() + " is parked (" + park.reason()
            + "); look at it with `portcullis runs show`, go on with `portcullis runs resume`");
      }
      case SessionEvent.RunUnparked unpark ->
          alerts.resolve("run.parked." + unpark.runId(), "the run goes on");
      case SessionEvent _ -> { }
    }
  }
}
