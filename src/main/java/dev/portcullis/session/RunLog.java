package dev.portcullis.session;

import dev.portcullis.alert.Alerts;
import dev.portcullis.run.Run;
import java.util.List;
import org.slf4j.Logger;

/** What operators are told of a run once it is in the journal. */
record RunLog(Logger log, Alerts alerts) {
  /** @param state after {@code event} */
  void tell(SessionEvent event, SessionState state) {
    switch (event) {
      case SessionEvent.ApprovalRequested ask ->
          log.info("approval.requested approvalId={} runId={} kind={} digest={} expires={}",
              ask.approvalId(), ask.runId(), ask.kind(), ask.digest(), ask.expiresAt());
      case SessionEvent.ApprovalDecided done ->
          log.info("approval.decided approvalId={} runId={} allowed={} by={} kept={}",
              done.approvalId(), done.runId(), done.allowed(), done.by(), done.kept());
      case SessionEvent.AttemptStarted start when start.cause().equals(Fallbacks.FAILOVER) -> {
        var failed = state.open().get(start.runId()).attempt().cut().tried().getLast();
        log.info("run.failover runId={} from={} to={} code={}",
            start.runId(), failed.harness(), start.harness(), failed.code());
      }
      case SessionEvent.TurnSteered turn ->
          log.info("run.steered runId={} into={}", turn.runId(), turn.into());
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
          log.info("run.interrupted runId={} attempt={} cause={} uncertain={}",
              cut.runId(), cut.attempt(), cut.cause(), cut.uncertain().size());
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

  /** What came too late is dropped, and its number said. */
  void late(String runId, List<Run.News> dropped) {
    if (!dropped.isEmpty()) {
      log.info("run.late_report runId={} dropped={} news={}", runId, dropped.size(),
          dropped.stream().map(news -> news.getClass().getSimpleName()).distinct().toList());
    }
  }
}
