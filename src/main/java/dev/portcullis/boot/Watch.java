package dev.portcullis.boot;

import dev.portcullis.alert.Alerts;
import dev.portcullis.harness.Harnesses;
import dev.portcullis.ops.Measured;
import dev.portcullis.ops.SdNotify;
import dev.portcullis.session.Gate;
import dev.portcullis.session.Sessions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at an open gateway: room on the disk, the first success of this life, health line, watchdog, numbers.
 */
final class Watch {
  private static final Logger log = LoggerFactory.getLogger(Watch.class);
  private static final String STORAGE = "storage";
  private static final Duration QUESTIONS_WAIT = Duration.ofSeconds(1);

  private final Premises premises;
  private final Sessions sessions;
  private final Harnesses harnesses;
  private final Alerts alerts;
  private final Clock clock;
  private final long terminalBefore;
  private final AtomicBoolean succeeded = new AtomicBoolean();
  private final AtomicBoolean looking = new AtomicBoolean();
  /** How many questions of agents waited when the journal last said so. */
  private final AtomicInteger questions = new AtomicInteger();
  private volatile Instant pinged = Instant.MIN;

  Watch(House house, Harnesses harnesses, Alerts alerts, Clock clock) {
    this.premises = house.ground().premises();
    this.sessions = house.sessions();
    this.terminalBefore = house.terminal();
    this.harnesses = harnesses;
    this.alerts = alerts;
    this.clock = clock;
  }

  /** Called several times a second; a call that comes while the last one still looks does nothing. */
  boolean look(Gate gate, SdNotify service) {
    if (!looking.compareAndSet(false, true)) {
      return false;
    }
    try {
      lookNow(gate, service);
      return true;
    } finally {
      looking.set(false);
    }
  }

  private void lookNow(Gate gate, SdNotify service) {
    var before = gate.state();
    gate.moveTo(premises.journal().lowSpace() ? Gate.State.STORAGE_LOW : Gate.State.OPEN);
    if (before != gate.state()) {
      storageChanged(gate.state());
    }
    if (!succeeded.get()) {
      sessions.totals().thenAccept(this::noteSuccess);
    }
    ping(service);
  }


  private void storageChanged(Gate.State state) {
    switch (state) {
      case STORAGE_LOW ->
          alerts.raise(STORAGE, "free space is below portcullis.journal.low-space: no new work is taken");
      case OPEN -> alerts.resolve(STORAGE, "there is room on the disk again");
      case BOOTING, DRAINING, FENCED -> { }
    }
  }

  /** A run that ended since this boot shows that the boots before were no loop. */
  private void noteSuccess(Sessions.Totals totals) {
    if (totals.terminal() > terminalBefore && succeeded.compareAndSet(false, true)) {
      premises.succeed();
      alerts.resolve("boot.loop", "a run has ended");
    }
  }

  /**
   * The service manager hears of life only through a journal round trip: a wedged gateway must not look
   * alive.
   */
  private void ping(SdNotify service) {
    Duration interval = service.watchdogInterval();
    var now = clock.instant();
    if (!interval.isZero()
        && (pinged == Instant.MIN || Duration.between(pinged, now).compareTo(interval) >= 0)) {
      pinged = now;
      premises.journal().barrier().thenRun(service::watchdog);
    }
  }

  void logHealth() {
    sessions.totals().whenComplete((totals, failure) -> {
      if (failure != null) {
        log.warn("gateway.health_unknown cause={}", failure.toString());
        return;
      }
      log.info(
          "gateway.health registered={} unavailable={} active={} queued={} parked={} accepted={} terminal={}",
          harnesses.ready(),
          harnesses.missing(),
          totals.active(),
          totals.queued(),
          totals.parked(),
          totals.accepted(),
          totals.terminal());
    });
  }

  CompletionStage<Measured> measure(boolean ready) {
    var journal = premises.journal().stats();
    return sessions.totals().thenCombine(questions(), (now, asked) -> new Measured(
        ready,
        Map.of(
            "active", now.active(), "queued", now.queued(), "interrupted", now.interrupted(), "parked",
                now.parked()),
        now.accepted(),
        now.terminal(),
        harnesses.snapshot().values().stream().collect(Collectors.toMap(
            Harnesses.Entry::name, entry -> entry.state() instanceof Harnesses.State.Ready)),
        journal.events(),
        journal.batches(),
        now.quarantined(),
        asked));
  }

  /** The last number known where the journal does not say in time: the others must not stand still for it. */
  private CompletionStage<Integer> questions() {
    return sessions.approvals().toCompletableFuture().copy()
        .thenApply(List::size)
        .whenComplete((counted, failure) -> {
          if (failure == null) {
            questions.set(counted);
          }
        })
        .completeOnTimeout(questions.get(), QUESTIONS_WAIT.toMillis(), TimeUnit.MILLISECONDS)
        .exceptionally(_ -> questions.get());
  }
}
