package dev.portcullis.session;

import dev.portcullis.config.AgentConfig;
import dev.portcullis.config.AgentConfig.OnUncertain;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.protocol.RunStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a session must do next: pure decisions over its state, the same after a crash, a drain and an ordinary
 * end.
 *
 * @param incarnation this life of the process
 * @param abilities of the harnesses that agents name
 * @param autoResume false when the last boots all died: interrupted runs then wait for an operator
 */
record Agenda(
    GatewayConfig.Run limits,
    Map<String, AgentConfig> agents,
    Abilities abilities,
    long incarnation,
    boolean autoResume) {
  /** Cause of an attempt that nobody planned to cut. */
  static final String CRASH = "crash";

  private static final String UNCERTAIN_STEP = "uncertain_step";

  Agenda {
    agents = Map.copyOf(agents);
  }

  Fallbacks fallbacks() {
    return new Fallbacks(agents, abilities);
  }

  /**
   * Closes what the last owner of this session left under way: started and not ended means interrupted.
   * Decided once per attempt, because the answer is persisted before anything else happens.
   */
  List<SessionEvent> takeOver(SessionState state, Instant now) {
    var events = new ArrayList<SessionEvent>();
    state.active().ifPresent(run -> {
      if (run.status() == RunStatus.ABORTING) {
        events.add(new SessionEvent.RunAborted(run.runId(), "recovery", now));
      } else {
        var cut = interruption(run, now);
        events.add(cut);
        events.addAll(afterCut(run.apply(cut), now));
      }
    });
    if (!autoResume) { // Also those that were cut in an older life and only wait for their time.
      state.applyAll(events).in(RunStatus.INTERRUPTED)
          .forEach(run -> events.add(parked(run, "boot_loop", now)));
    }
    return events;
  }

  /**
   * Ends the active attempt of {@code run}: planned when a stop was noted on this very attempt, else a crash.
   */
  SessionEvent.OfRun interruption(OpenRun run, Instant now) {
    var note = run.attempt().stopNote();
    boolean planned = !note.isEmpty();
    return new SessionEvent.RunInterrupted(
        run.runId(), run.attempt().number(), planned ? note : CRASH, planned, now,
        List.copyOf(run.openSteps().values()), "");
  }

  /**
   * Parks an interrupted run that must not go on by itself. The question that it may be parked for comes
   * first, so that whoever looks until the park has seen it.
   */
  List<SessionEvent.OfRun> afterCut(OpenRun run, Instant now) {
    var events = new ArrayList<SessionEvent.OfRun>();
    parkingReason(run).ifPresent(reason -> {
      if (reason.equals(UNCERTAIN_STEP) && agents.get(run.agent()).onUncertain() == OnUncertain.ASK) {
        events.add(Uncertain.question(run, now));
      }
      events.add(parked(run, reason, now));
    });
    return events;
  }

  private Optional<String> parkingReason(OpenRun run) {
    var agent = agents.get(run.agent());
    if (agent == null) {
      return Optional.of("agent_not_found");
    }
    var attempt = run.attempt();
    if (!attempt.cut().planned() && attempt.resumes() >= limits.attempts()) {
      return Optional.of("crash_loop");
    }
    if (!attempt.cut().uncertain().isEmpty() && agent.onUncertain() != OnUncertain.TELL) {
      return Optional.of(UNCERTAIN_STEP);
    }
    return abilities.resumes(attempt.harness()) ? Optional.empty() : Optional.of("not_resumable");
  }

  private static SessionEvent.OfRun parked(OpenRun run, String reason, Instant now) {
    return new SessionEvent.RunParked(run.runId(), reason, "", now);
  }

  /**
   * The next attempt, when one may begin: an interrupted run goes before every queued one, in order, and is
   * waited for until it is due.
   */
  Optional<SessionEvent> nextAttempt(SessionState state, Instant now) {
    return candidate(state)
        .filter(run -> !due(run).isAfter(now))
        // Past its deadline it is given up next; its harness must hear nothing of it.
        .filter(run -> run.deadline().isAfter(now))
        .map(run -> new SessionEvent.AttemptStarted(
            run.runId(), run.attempt().number() + 1, incarnation, state.seq() + 1, fallbacks().harness(run),
            now, run.attempt().cut().cause()));
  }

  /** When {@link #nextAttempt} will have something that it does not have now. */
  Optional<Instant> nextDue(SessionState state) {
    return candidate(state).map(this::due);
  }

  /** The earliest instant at which an open run must be given up; parked ones wait for a person. */
  Optional<Instant> nextDeadline(SessionState state) {
    return state.open().values().stream()
        .filter(run -> run.status() != RunStatus.PARKED && run.status() != RunStatus.ABORTING)
        .map(OpenRun::deadline)
        .min(Instant::compareTo);
  }

  private Optional<OpenRun> candidate(SessionState state) {
    if (state.active().isPresent()) {
      return Optional.empty();
    }
    return state.in(RunStatus.INTERRUPTED).stream()
        .findFirst()
        .or(() -> state.in(RunStatus.QUEUED).stream().findFirst());
  }

  private Instant due(OpenRun run) {
    var attempt = run.attempt();
    if (run.status() != RunStatus.INTERRUPTED || attempt.cut().planned()) {
      return Instant.MIN;
    }
    var delays = limits.resumeDelays();
    Duration delay = delays.get(Math.min(attempt.resumes(), delays.size() - 1));
    return attempt.cut().at().plus(delay);
  }
}
