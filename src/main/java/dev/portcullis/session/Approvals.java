package dev.portcullis.session;

import dev.portcullis.config.AgentConfig;
import dev.portcullis.config.ApprovalPolicy;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.run.Run;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * May the agent do this? From questions, answers and time to facts: pure, and the same whether the answer
 * comes from a person, a setting, or from before a restart. Why: docs/adr/0013.
 */
record Approvals(GatewayConfig.Approvals limits, Map<String, AgentConfig> agents) {
  /** Who has decided, where it was no principal. */
  static final String POLICY = "policy";

  static final String HARNESS = "harness";
  static final String EXPIRY = "expiry";
  static final String RUN_ENDED = "expired";

  /** Reason of a denial by policy: nobody can be shown all of it. */
  static final String TOO_LONG = "input_too_long";

  private static final ApprovalPolicy ASK = ApprovalPolicy.always(AgentConfig.Approvals.ASK);

  /** The question and, where there is an answer already, the answer. */
  List<SessionEvent.OfRun> asked(OpenRun run, HarnessUpdate.ApprovalRequested update, Instant now) {
    if (run.status() == RunStatus.ABORTING) { // Nobody is asked any more, and nothing is allowed.
      return List.of();
    }
    var carried = carried(run, update.digest(), now);
    var agent = Optional.ofNullable(agents.get(run.agent()));
    var ask = new SessionEvent.ApprovalRequested(
        run.runId(),
        run.attempt().number(),
        // Whoever was asked before the restart knows it by its first id, and answers to that.
        carried.map(Map.Entry::getKey).orElse(update.approvalId()),
        update.kind(),
        update.title(),
        update.input(),
        update.digest(),
        now,
        update.directory().isEmpty()
            ? agent.map(known -> known.workspace().toString()).orElse("")
            : update.directory(),
        carried.isPresent() ? update.approvalId() : "",
        now.plus(limits.expire()));
    if (update.title().length() + update.input().length() > limits.inputChars()) {
      return List.of(ask, decided(ask, false, POLICY, TOO_LONG));
    }
    return switch (agent.map(AgentConfig::approvals).orElse(ASK).of(update.kind())) {
      case ALLOW -> List.of(ask, decided(ask, true, POLICY, ""));
      case DENY -> List.of(ask, decided(ask, false, POLICY, ""));
      case ASK -> Stream.concat(
              Stream.of(ask),
              carried.stream()
                  .flatMap(entry -> entry.getValue().answer().stream())
                  .map(given -> decided(ask, given.allowed(), given.by(), "")))
          .toList();
    };
  }

  /**
   * A question of an attempt before about exactly this, which is still open or answered. An answer given
   * while nobody waited is good for as long as its question was: the world goes on meanwhile.
   */
  private static Optional<Map.Entry<String, Question>> carried(OpenRun run, String digest, Instant now) {
    return run.questions().entrySet().stream()
        .filter(entry -> entry.getValue().attempt() < run.attempt().number())
        .filter(entry -> entry.getValue().digest().equals(digest))
        .filter(entry -> entry.getValue().expiresAt().isAfter(now))
        .min((one, other) -> Boolean.compare(one.getValue().pending(), other.getValue().pending()));
  }

  private static SessionEvent.OfRun decided(
      SessionEvent.ApprovalRequested ask, boolean allowed, String by, String reason) {
    return new SessionEvent.ApprovalDecided(
        ask.runId(), ask.attempt(), ask.approvalId(), allowed, by, ask.at(), reason, false);
  }

  /** The harness of {@code run} no longer asks. */
  List<SessionEvent.OfRun> withdrawn(OpenRun run, String request, Instant now) {
    return run.questions().entrySet().stream()
        .filter(entry -> entry.getValue().waits(run) && entry.getValue().request().equals(request))
        .map(entry -> denied(run, entry.getKey(), HARNESS, now))
        .toList();
  }

  private static SessionEvent.OfRun denied(OpenRun run, String id, String by, Instant now) {
    return new SessionEvent.ApprovalDecided(
        run.runId(), run.attempt().number(), id, false, by, now, "", false);
  }

  /** A person's answer. */
  Turns.Control<DecisionReply> decide(SessionState state, Session.Decide decide, Instant now) {
    return Optional.ofNullable(state.open().get(decide.runId()))
        .flatMap(run -> Optional.ofNullable(run.questions().get(decide.approvalId()))
            .filter(Question::pending)
            .map(asked -> decide(run, asked, decide, now)))
        .orElseGet(() -> Turns.Control.refuse(new DecisionReply.NotOpen()));
  }

  private static Turns.Control<DecisionReply> decide(
      OpenRun run, Question asked, Session.Decide decide, Instant now) {
    var id = decide.approvalId();
    if (run.status() == RunStatus.ABORTING) { // Its end is on its way, and with it the answer: no.
      return Turns.Control.refuse(new DecisionReply.Refused(run.status()));
    }
    if (!asked.expiresAt().isAfter(now)) { // The timer is about to say so.
      return new Turns.Control<>(
          List.of(denied(run, id, EXPIRY, now)), new DecisionReply.Decided(false, EXPIRY));
    }
    if (!decide.digest().isEmpty() && !decide.digest().equals(asked.digest())) {
      return Turns.Control.refuse(new DecisionReply.Changed(asked.digest()));
    }
    if (Uncertain.isAsked(run, id)) {
      return new Turns.Control<>(
          List.of(
              new SessionEvent.ApprovalDecided(
                  run.runId(), run.attempt().number(), id, decide.allow(), decide.by(), now, "", false),
              Uncertain.answered(run, decide.allow(), decide.by(), now)),
          new DecisionReply.Taken(decide.allow() ? RunStatus.INTERRUPTED : RunStatus.ABORTED, false));
    }
    boolean kept = !asked.waits(run);
    return new Turns.Control<>(
        List.of(new SessionEvent.ApprovalDecided(
            run.runId(), run.attempt().number(), id, decide.allow(), decide.by(), now, "", kept)),
        new DecisionReply.Taken(run.status(), kept));
  }

  /** Answers with no what nobody has answered in time. */
  List<SessionEvent> expired(SessionState state, Instant now) {
    return pending(state)
        .filter(open -> !open.question().expiresAt().isAfter(now))
        .map(open -> (SessionEvent) denied(open.run(), open.id(), EXPIRY, now))
        .toList();
  }

  Optional<Instant> nextExpiry(SessionState state) {
    return pending(state).map(open -> open.question().expiresAt()).min(Instant::compareTo);
  }

  private record Open(OpenRun run, String id, Question question) {}

  /** Questions that have time left or are about to be answered with no; an abort answers its own. */
  private static Stream<Open> pending(SessionState state) {
    return state.open().values().stream()
        .filter(run -> run.status() != RunStatus.ABORTING)
        .flatMap(run -> run.questions().entrySet().stream()
            .filter(entry -> entry.getValue().pending())
            .map(entry -> new Open(run, entry.getKey(), entry.getValue())));
  }

  /** {@code events}, and before each end of a run an answer to each question that it leaves open. */
  static List<SessionEvent> closing(SessionState before, List<SessionEvent> events) {
    if (events.stream().noneMatch(Approvals::ends)) {
      return events;
    }
    var all = new ArrayList<SessionEvent>();
    var state = before;
    for (var event : events) {
      if (event instanceof SessionEvent.OfRun end && ends(end)) {
        var run = state.open().get(end.runId());
        run.questions().entrySet().stream()
            .filter(entry -> entry.getValue().pending())
            .map(entry -> denied(run, entry.getKey(), RUN_ENDED, end.at()))
            .forEach(all::add);
      }
      all.add(event);
      state = state.apply(event);
    }
    return all;
  }

  private static boolean ends(SessionEvent event) {
    return event instanceof SessionEvent.RunCompleted
        || event instanceof SessionEvent.RunFailed
        || event instanceof SessionEvent.RunAborted;
  }

  /** What {@code events} have to say to the attempt that is under way before and after them. */
  static List<Run.Decide> answers(SessionState before, List<SessionEvent> events) {
    if (events.stream().noneMatch(SessionEvent.ApprovalDecided.class::isInstance)) {
      return List.of();
    }
    var answers = new ArrayList<Run.Decide>();
    var state = before;
    for (var event : events) {
      if (event instanceof SessionEvent.ApprovalDecided done) {
        var run = state.open().get(done.runId());
        Optional.ofNullable(run.questions().get(done.approvalId()))
            .filter(asked -> asked.waits(run))
            .ifPresent(asked -> answers.add(new Run.Decide(asked.request(), asked.digest(), done.allowed())));
      }
      state = state.apply(event);
    }
    return fence(before) == fence(state) ? answers : List.of();
  }

  private static long fence(SessionState state) {
    return state.active().map(run -> run.attempt().fence()).orElse(0L);
  }
}
