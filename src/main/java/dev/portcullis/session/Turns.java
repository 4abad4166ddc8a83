package dev.portcullis.session;

import dev.portcullis.config.AgentConfig;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.Usage;
import dev.portcullis.run.Run;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** From a command and the state to facts and an answer. Pure: nothing here has an effect. */
final class Turns {
  /** Reason of a park that the same write ends: the way in the run table from waiting to due. */
  static final String OPERATOR = "operator";

  private static final List<SessionEvent.OfRun> NO_EVENTS = List.of();
  private static final RunError UNBEGUN =
      new RunError("harness_failed", "The agent ended before it had begun.", "");
  /** Timers cannot be set for years ahead; whoever wakes too early sleeps again. */
  private static final Duration LONGEST_SLEEP = Duration.ofDays(1);
  private static final String OVERDUE = "The run took longer than it may.";

  private final GatewayConfig config;
  private final Agenda agenda;
  private final Approvals approvals;

  Turns(GatewayConfig config, Agenda agenda) {
    this.config = config;
    this.agenda = agenda;
    this.approvals = new Approvals(config.approvals(), config.agents());
  }

  Agenda agenda() {
    return agenda;
  }

  Approvals approvals() {
    return approvals;
  }

  /** What becomes of a submitted turn. */
  sealed interface Submitted {}

  /** Nothing is written. */
  record Answer(Receipt receipt) implements Submitted {}

  record Accept(List<SessionEvent> events) implements Submitted {}

  record Control<R>(List<SessionEvent> events, R reply) {
    static <R> Control<R> refuse(R reply) {
      return new Control<>(List.of(), reply);
    }

    static Control<ControlReply> done(RunStatus status, SessionEvent... events) {
      return new Control<>(List.of(events), new ControlReply.Done(status));
    }
  }

  /** @param dropped news of an attempt that is no longer live, or that the run table refuses */
  record Facts(List<SessionEvent> events, List<Run.News> dropped) {}

  /** @param stored what the index has of keys that {@code state} may not know any more, by digest */
  Submitted submit(
      SessionState state,
      Session.Submit submit,
      Map<String, SessionState.KeyEntry> stored,
      Gate.State gate,
      Instant now) {
    if (!submit.anywhere() && state.foreignTo(submit.principal())) {
      return new Answer(new Receipt.Foreign());
    }
    for (var key : submit.keys()) {
      var bound = state.knows(List.of(key))
          ? state.bound(key.digest(), now)
          : Optional.ofNullable(stored.get(key.digest())).filter(entry -> entry.until().isAfter(now));
      if (bound.isPresent()) {
        var runId = bound.get().runId();
        return new Answer(
            bound.get().body().equals(key.body()) ? receipt(state, runId, submit.sessionKey(), true)
                : new Receipt.KeyReused(runId));
      }
    }
    if (gate != Gate.State.OPEN) {
      return new Answer(new Receipt.Closed(gate));
    }
    var agent = new SessionKey(submit.sessionKey()).agent();
    var queueing = Optional.ofNullable(config.agents().get(agent))
        .map(AgentConfig::queue)
        .orElse(AgentConfig.Queueing.QUEUE);
    var ahead = state.active().or(() -> state.in(RunStatus.INTERRUPTED).stream().findFirst());
    if (queueing == AgentConfig.Queueing.REJECT && ahead.isPresent()) {
      return new Answer(new Receipt.Busy(ahead.get().runId()));
    }
    if (state.in(RunStatus.QUEUED).size() >= config.session().queueLimit()) {
      return new Answer(new Receipt.QueueFull(config.session().queueLimit()));
    }
    var events = new ArrayList<SessionEvent>();
    if (queueing == AgentConfig.Queueing.INTERRUPT) {
      state.active().filter(run -> run.status() != RunStatus.ABORTING).ifPresent(run ->
          events.add(new SessionEvent.AbortRequested(run.runId(), "newer turn", now)));
    }
    events.add(turn(submit, agent, now));
    return new Accept(events);
  }

  private SessionEvent turn(Session.Submit submit, String agent, Instant now) {
    var until = now.plus(config.session().keyRetention());
    return new SessionEvent.TurnAccepted(
        submit.runId(),
        submit.sessionKey(),
        agent,
        submit.principal(),
        submit.message(),
        submit.context(),
        submit.keys().stream()
            .map(key -> new SessionEvent.BoundKey(
                key.digest(), key.body(), Calls.isCall(key.digest()) ? now.plus(Calls.WINDOW) : until))
            .toList(),
        now.plus(config.run().deadline()),
        now,
        submit.input(),
        submit.note());
  }

  /** Notes that a call was sent again; refused when it was already, with that count or a higher one. */
  Control<ControlReply> repeat(SessionState state, Session.Repeat repeat, Instant now) {
    var status = state.statusOf(repeat.runId()).orElse(RunStatus.COMPLETED);
    var name = Calls.name(repeat.digest(), repeat.runId());
    var known = state.bound(name, now).map(SessionState.KeyEntry::body).orElse(repeat.seen());
    var call = new SessionEvent.BoundKey(name, Integer.toString(repeat.count()), repeat.until());
    return Calls.repeats(repeat.count(), known)
        ? Control.done(status, new SessionEvent.CallRepeated(repeat.runId(), call, now))
        : Control.refuse(new ControlReply.Refused(status));
  }

  /** The answer to a turn that has just been accepted. */
  Receipt accepted(SessionState state, Session.Submit submit) {
    return receipt(state, submit.runId(), submit.sessionKey(), false);
  }

  private static Receipt receipt(SessionState state, String runId, String sessionKey, boolean replayed) {
    var status = state.statusOf(runId).orElse(RunStatus.COMPLETED);
    int position = 0;
    if (status == RunStatus.QUEUED) {
      for (var run : state.open().values()) {
        if (run.runId().equals(runId)) {
          break;
        }
        position += run.status() == RunStatus.PARKED ? 0 : 1;
      }
    }
    return new Receipt.Accepted(runId, sessionKey, status, position, replayed);
  }

  Control<ControlReply> abort(SessionState state, String runId, String by, Instant now) {
    var status = state.statusOf(runId);
    if (status.isEmpty()) {
      return Control.refuse(new ControlReply.Unknown());
    }
    return switch (status.get()) {
      case STARTING,
          RUNNING -> Control.done(RunStatus.ABORTING, new SessionEvent.AbortRequested(runId, by, now));
      case QUEUED, INTERRUPTED,
          PARKED -> Control.done(RunStatus.ABORTED, new SessionEvent.RunAborted(runId, by, now));
      case ABORTING -> Control.done(RunStatus.ABORTING);
      case COMPLETED, FAILED, ABORTED -> Control.refuse(new ControlReply.Refused(status.get()));
    };
  }

  Control<ControlReply> resume(SessionState state, String runId, String by, Instant now) {
    var status = state.statusOf(runId);
    if (status.isEmpty()) {
      return Control.refuse(new ControlReply.Unknown());
    }
    return switch (status.get()) {
      case PARKED -> Control.done(RunStatus.INTERRUPTED,
          Uncertain.resumed(state.open().get(runId), by, now).toArray(SessionEvent[]::new));
      // It waits for its next attempt; an operator's word makes that due at once.
      case INTERRUPTED -> Control.done(
          RunStatus.INTERRUPTED,
          new SessionEvent.RunParked(runId, OPERATOR, "", now),
          new SessionEvent.RunUnparked(runId, by, now));
      case QUEUED, STARTING, RUNNING, ABORTING, COMPLETED, FAILED, ABORTED ->
          Control.refuse(new ControlReply.Refused(status.get()));
    };
  }

  List<SessionEvent> clear(SessionState state, boolean erase, String by, Instant now) {
    var events = new ArrayList<SessionEvent>();
    for (var run : state.open().values()) {
      if (run.status() == RunStatus.STARTING || run.status() == RunStatus.RUNNING) {
        events.add(new SessionEvent.AbortRequested(run.runId(), by, now));
      }
      events.add(new SessionEvent.RunAborted(run.runId(), by, now));
    }
    events.add(erase ? new SessionEvent.SessionErased(by, now) : new SessionEvent.SessionReset(by, now));
    return events;
  }

  /** Once per attempt: a second planned stop changes nothing about the first. */
  List<SessionEvent> noteStop(SessionState state, String reason, Instant now) {
    return state.active()
        .filter(run -> run.attempt().stopNote().isEmpty())
        .map(run -> (SessionEvent) new SessionEvent.ResumePending(
            run.runId(), run.attempt().number(), reason, agenda.incarnation(), now))
        .stream()
        .toList();
  }

  /** Answers every question that is past its time, and gives up every run that is past its deadline. */
  List<SessionEvent> expired(SessionState state, Instant now) {
    var overdue = state.open().values().stream()
        .filter(run -> run.status() != RunStatus.PARKED && run.status() != RunStatus.ABORTING)
        .filter(run -> !run.deadline().isAfter(now))
        .map(run -> (SessionEvent) new SessionEvent.RunFailed(
            run.runId(), new RunError("deadline_exceeded", OVERDUE, ""), true, now));
    return Stream.concat(approvals.expired(state, now).stream(), overdue).toList();
  }

  /**
   * {@code events}, the answers to what they leave open and, where they leave room for it, the start of the
   * next attempt: what is written at once.
   */
  List<SessionEvent> withNext(SessionState state, List<SessionEvent> events, boolean starts, Instant now) {
    var closed = Approvals.closing(state, events);
    var next = starts ? agenda.nextAttempt(state.applyAll(closed), now) : Optional.<SessionEvent>empty();
    return Stream.concat(closed.stream(), next.stream()).toList();
  }

  /** Time until the state must be looked at again without a command. */
  Optional<Duration> nextWake(SessionState state, boolean starts, Instant now) {
    var due = starts ? agenda.nextDue(state) : Optional.<Instant>empty();
    return Stream.of(due, agenda.nextDeadline(state), approvals.nextExpiry(state))
        .flatMap(Optional::stream)
        .min(Instant::compareTo)
        .map(at -> Duration.between(now, at.isBefore(now) ? now : at))
        .map(delay -> delay.compareTo(LONGEST_SLEEP) < 0 ? delay : LONGEST_SLEEP);
  }

  /**
   * The facts in a report, as far as its attempt is still the live one and the run table lets each follow.
   */
  Facts facts(SessionState state, Run.Report report, Instant now) {
    var live = state.active().filter(run -> run.attempt().fence() == report.fence());
    if (live.isEmpty()) {
      return new Facts(List.of(), report.news());
    }
    var folded = live.get();
    var usage = Usage.NONE;
    var facts = new Facts(new ArrayList<>(), new ArrayList<>());
    for (var news : report.news()) {
      if (news instanceof Run.Happened(HarnessUpdate.Usage used)) {
        usage = new Usage(used.inputTokens(), used.outputTokens(), used.cachedTokens(), used.costMicros());
        continue;
      }
      if (news instanceof Run.Steered(var turn) && folded.status() == RunStatus.RUNNING) {
        var joined = steered(state, facts.events(), turn, folded.runId(), now);
        joined.ifPresentOrElse(facts.events()::add, () -> facts.dropped().add(news));
        continue;
      }
      boolean taken = false;
      // What comes after its end is late, also within one report.
      for (var event : folded.status().active() ? events(folded, news, usage, now) : NO_EVENTS) {
        if (folded.takes(event)) {
          folded = folded.apply(event);
          facts.events().add(event);
          taken = true;
        }
      }
      if (!taken) {
        facts.dropped().add(news);
      }
    }
    return facts;
  }

  private List<SessionEvent.OfRun> events(OpenRun run, Run.News news, Usage usage, Instant now) {
    return switch (news) {
      case Run.Happened(var update) -> happened(run, update, usage, now);
      case Run.Failed(var code, var message, var reference) ->
          ended(run, agenda.fallbacks().failed(run, new RunError(code, message, reference), now), now);
      case Run.Rested _ -> rested(run, now);
      case Run.Steered _ -> List.of(); // It went into an attempt that is being aborted: a turn of its own.
    };
  }

  /** The end of a turn that the harness has taken into the active run, if it still waited. */
  private static Optional<SessionEvent> steered(
      SessionState state, List<SessionEvent> before, String turn, String into, Instant now) {
    var event = new SessionEvent.TurnSteered(turn, into, now);
    return Optional.ofNullable(state.applyAll(before).open().get(turn))
        .filter(run -> run.takes(event))
        .map(_ -> event);
  }

  /**
   * A planned stop may leave a step of unknown outcome too: the agent's settings decide as they do after a
   * crash.
   */
  private List<SessionEvent.OfRun> rested(OpenRun run, Instant now) {
    var end = ended(run, agenda.interruption(run, now), now);
    return end.getFirst() instanceof SessionEvent.RunInterrupted cut
        ? Stream.concat(end.stream(), agenda.afterCut(run.apply(cut), now).stream()).toList()
        : end;
  }

  private List<SessionEvent.OfRun> happened(OpenRun run, HarnessUpdate update, Usage usage, Instant now) {
    var id = run.runId();
    int n = run.attempt().number();
    return switch (update) {
      case HarnessUpdate.Attached(var session, var processes) ->
          List.of(new SessionEvent.HarnessAttached(id, n, session, processes, now));
      case HarnessUpdate.Text(var text) -> List.of(new SessionEvent.TextAppended(id, n, text, now));
      case HarnessUpdate.TextReplaced(var text) ->
          List.of(new SessionEvent.TextReplaced(id, n, text, now));
      case HarnessUpdate.StepStarted(var step, var title, var kind, var digest) ->
          List.of(new SessionEvent.StepStarted(id, n, step, title, kind, digest, now));
      case HarnessUpdate.StepFinished(var step, var ok) ->
          List.of(new SessionEvent.StepFinished(id, n, step, ok, now));
      case HarnessUpdate.ApprovalRequested ask -> approvals.asked(run, ask, now);
      case HarnessUpdate.ApprovalWithdrawn(var request) -> approvals.withdrawn(run, request, now);
      // It broke the port's promise; a run that nobody works on must not look as if somebody did.
      case HarnessUpdate.Completed _ when run.status() == RunStatus.STARTING ->
          List.of(agenda.fallbacks().failed(run, UNBEGUN, true, now));
      case HarnessUpdate.Completed(var reason, var calls) ->
          ended(run, new SessionEvent.RunCompleted(id, n, reason, usage, now, calls), now);
      case HarnessUpdate.Failed(var fault) ->
          ended(run, agenda.fallbacks().failed(run, error(fault), fault.code().elsewhere(), now), now);
      // The peer ended it on its own: as if it had been asked to.
      case HarnessUpdate.Aborted _ when run.status() != RunStatus.ABORTING -> List.of(
          new SessionEvent.AbortRequested(id, "harness", now),
              new SessionEvent.RunAborted(id, "harness", now));
      case HarnessUpdate.Aborted _ -> List.of(new SessionEvent.RunAborted(id, "", now));
      case HarnessUpdate.Usage _, HarnessUpdate.Unknown _ -> List.of();
    };
  }

  /** Of an abort and an end the first in the journal wins: after an abort request every end is an abort. */
  private static List<SessionEvent.OfRun> ended(OpenRun run, SessionEvent.OfRun end, Instant now) {
    return List.of(
        run.status() == RunStatus.ABORTING ? new SessionEvent.RunAborted(run.runId(), "", now) : end);
  }

  private static RunError error(HarnessFault fault) {
    return new RunError(fault.reason(), String.valueOf(fault.getMessage()), "");
  }
}
