package dev.portcullis.session;

import com.fasterxml.jackson.annotation.JsonIgnore;
import dev.portcullis.journal.JournalFault;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.run.Run;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.SupervisorStrategy;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.cluster.sharding.typed.javadsl.ClusterSharding;
import org.apache.pekko.cluster.sharding.typed.javadsl.EntityTypeKey;
import org.apache.pekko.persistence.typed.EventAdapter;
import org.apache.pekko.persistence.typed.JournalPersistFailed;
import org.apache.pekko.persistence.typed.PersistenceId;
import org.apache.pekko.persistence.typed.RecoveryCompleted;
import org.apache.pekko.persistence.typed.RecoveryFailed;
import org.apache.pekko.persistence.typed.javadsl.CommandHandlerWithReply;
import org.apache.pekko.persistence.typed.javadsl.EffectBuilder;
import org.apache.pekko.persistence.typed.javadsl.EventHandler;
import org.apache.pekko.persistence.typed.javadsl.EventSourcedBehaviorWithEnforcedReplies;
import org.apache.pekko.persistence.typed.javadsl.ReplyEffect;
import org.apache.pekko.persistence.typed.javadsl.RetentionCriteria;
import org.apache.pekko.persistence.typed.javadsl.SignalHandler;

/**
 * One durable conversation: the single writer of its journal, with at most one active run. Every command
 * becomes facts or an answer; what follows from the facts (a run to start, a viewer to tell) is derived from
 * the state after each write, so that a crash between the two loses nothing. Why: docs/adr/0003, 0004, 0005.
 */
public final class Session
    extends EventSourcedBehaviorWithEnforcedReplies<Session.Command, Recorded, SessionState> {

  // ---- protocol
  public sealed interface Command extends Wire {}

  /**
   * Accepts one turn. Repeatable by key: a bound one is answered with its run and starts nothing.
   *
   * @param runId the run's id if it is accepted; the asker's choice, never used twice
   * @param gate of the node that was asked
   * @param note kept with the turn
   * @param anywhere whether the principal may speak in sessions of others, too; absent for no
   */
  public record Submit(
      String runId, String sessionKey, String principal, String message, List<Message> context, Input input,
      List<Sessions.Key> keys, Gate.State gate, ActorRef<Receipt> replyTo, String note, boolean anywhere)
      implements Command {
    public Submit {
      context = List.copyOf(context);
      keys = List.copyOf(keys);
    }
  }

  /** Notes that a client has sent a call for the {@code count}th time again; {@code seen} is what it was. */
  public record Repeat(
      String runId, String digest, int count, String seen, Instant until, ActorRef<ControlReply> replyTo)
      implements Command {}

  public record Abort(String runId, String by, ActorRef<ControlReply> replyTo) implements Command {}

  public record Resume(String runId, String by, ActorRef<ControlReply> replyTo) implements Command {}

  /** Answers a question. {@code digest} of what was decided about; empty when the asker does not say. */
  public record Decide(
      String runId, String approvalId, String digest, boolean allow, String by,
      ActorRef<DecisionReply> replyTo)
      implements Command {}

  /** Begins the conversation anew, or removes it; open runs are aborted in the same write. */
  public record Clear(boolean erase, String by, ActorRef<ClearReply> replyTo) implements Command {}

  /** Asks where the journal stands, once it stands beyond {@code seq}. Asked again after a time-out. */
  public record AwaitBeyond(long seq, ActorRef<PositionReply> replyTo) implements Command {}

  /** Wakes the session after a boot; answered when a decision about each open run is in the journal. */
  public record Recover(ActorRef<Recovered> replyTo) implements Command {}

  /** Notes a planned stop on the active attempt; answered when the note is in the journal. */
  public record NoteStop(String reason, ActorRef<StopNoted> replyTo) implements Command {}

  /** Ends the active attempt; answered when none is active. */
  public record Rest(Duration grace, ActorRef<Rested> replyTo) implements Command {}

  /** Trims what is erased and what retention does not keep; answered when that is on the disk, or failed. */
  public record Trim(ActorRef<TrimReply> replyTo) implements Command {}

  /** @param asker who is answered by it */
  record TrimEnded(ActorRef<TrimReply> asker, long events, String fault) implements Command {}

  record TakeOver() implements Command {}

  record Reported(Run.Report report) implements Command {}

  /** A bug ended the attempt's actor; the run must not wait for it. */
  record AttemptDied(long fence) implements Command {}

  /** What the index has of the keys of the turn that waits first. */
  record KeysRead(Submit submit, Map<String, SessionState.KeyEntry> found) implements Command {}

  record KeysUnread(Submit submit, String cause) implements Command {}

  /** The turn before is in the journal, with its keys: the next one may be looked up. */
  record NextLookup() implements Command {}

  record TimePassed() implements Command {}

  record IdlePassed() implements Command {}

  /** What sharding sends when the session must leave this node or memory. */
  public record Leave() implements Command {}

  public sealed interface ClearReply extends Wire permits Cleared, Quarantined {}

  public sealed interface PositionReply extends Wire permits Position, Quarantined {}

  /** @param rows the row before, empty when there was no session */
  public record Cleared(List<SessionRow> rows) implements ClearReply {}

  /**
   * @param since position at which the current conversation begins
   * @param erasedTo position up to which everything was erased
   * @param rows the row as of {@code seq}; none on a node on its own, or when there never was a session
   * @param newest the events up to {@code seq} that are at hand; never sent to another node
   */
  public record Position(
      long seq, long since, long erasedTo, List<SessionRow> rows, @JsonIgnore List<SessionEvent> newest)
      implements PositionReply {
    public Position {
      rows = List.copyOf(rows);
      newest = Objects.requireNonNullElse(newest, List.of());
    }
  }

  public record Recovered(int resumed, int parked, int open) implements Wire {}

  /** @param runs active attempts that carry a note now */
  public record StopNoted(int runs) implements Wire {}

  public record Rested(int interrupted) implements Wire {}

  // ---- behaviour
  public static final EntityTypeKey<Command> TYPE_KEY = EntityTypeKey.create(Command.class, "session");

  static final int SNAPSHOT_EVERY = 200;
  private static final Recovered NOTHING_FOUND = new Recovered(0, 0, 0);
  private static final String HANDED_OVER = "handover";
  private static final Duration RESTART_FIRST = Duration.ofMillis(200);
  private static final Duration RESTART_LONGEST = Duration.ofSeconds(30);

  private final String entityId;
  private final ActorContext<Command> context;
  private final ActorRef<ClusterSharding.ShardCommand> shard;
  private final SessionNode node;
  private final Recovering recovering;
  private final Turns turns;
  private final Attempts attempts;
  private final RunLog log;
  private final Waiters waiters;
  private final TimerScheduler<Command> timers;
  private final KeyLookups lookups;
  private final Trims trims;
  private final AtomicBoolean lost;
  private boolean owned;
  private boolean leaving;
  private boolean used;
  private Recovered recovered = NOTHING_FOUND;
  private final List<ActorRef<Rested>> resting = new ArrayList<>();

  public static Behavior<Command> create(
      String entityId, ActorRef<ClusterSharding.ShardCommand> shard, SessionNode node) {
    var lost = new AtomicBoolean();
    Behavior<Command> session = Behaviors.setup(context -> lost.get()
        // Another node writes this history now and answers for it; to start here again would take it back.
        ? Behaviors.stopped()
        : node.quarantine().of(entityId)
            .map(QuarantinedSession::create)
            .orElseGet(() -> Recovering.around(recovering -> Behaviors.withTimers(timers ->
                new Session(entityId, context, timers, shard, node, recovering, lost)))));
    // A bug ends the attempt, not the session: what was open is taken over as after a crash, and as often.
    return Behaviors.supervise(session)
        .onFailure(SupervisorStrategy.restartWithBackoff(RESTART_FIRST, RESTART_LONGEST, 0.2));
  }

  static PersistenceId persistenceId(String entityId) {
    return PersistenceId.of(TYPE_KEY.name(), entityId);
  }

  private Session(
      String entityId, ActorContext<Command> context, TimerScheduler<Command> timers,
      ActorRef<ClusterSharding.ShardCommand> shard, SessionNode node, Recovering recovering,
      AtomicBoolean lost) {
    super(persistenceId(entityId));
    this.entityId = entityId;
    this.context = context;
    this.timers = timers;
    this.shard = shard;
    this.node = node;
    this.recovering = recovering;
    this.lost = lost;
    this.lookups = new KeyLookups(entityId, node.transcripts(), context);
    this.waiters = new Waiters(new Newest(node.config().cluster().enabled()));
    this.trims = new Trims(entityId, node, context);
    var agenda = new Agenda(node.config().run(), node.config().agents(), Abilities.of(node.run().harnesses()),
        node.incarnation(), node.autoResume());
    this.turns = new Turns(node.config(), agenda);
    this.attempts = new Attempts(entityId, node, context.messageAdapter(Run.Report.class, Reported::new));
    this.log = new RunLog(context.getLog(), node.run().alerts());
    // One timer for all: a timeout that each message sets anew costs more than most messages.
    timers.startTimerWithFixedDelay(new IdlePassed(), node.config().session().idle());
  }

  @Override
  public SessionState emptyState() {
    return SessionState.empty();
  }

  @Override
  public EventHandler<SessionState, Recorded> eventHandler() {
    return (state, recorded) -> state.apply(recorded.event());
  }

  @Override
  public EventAdapter<Recorded, ?> eventAdapter() {
    return new Recorded.Adapter();
  }

  @Override
  public Set<String> tagsFor(Recorded recorded) {
    return recorded.tags();
  }

  @Override
  public RetentionCriteria retentionCriteria() {
    return RetentionCriteria.snapshotEvery(SNAPSHOT_EVERY, 2);
  }

  @Override
  public SignalHandler<SessionState> signalHandler() {
    return newSignalHandlerBuilder()
        .onSignal(RecoveryCompleted.instance(), _ -> {
          recovering.completed();
          context.getSelf().tell(new TakeOver());
        })
        .onSignal(RecoveryFailed.class, (_, failed) ->
            JournalFault.corruptionIn(failed.getFailure()).ifPresent(this::damaged))
        .onSignal(JournalPersistFailed.class, (_, failed) -> refused(failed.failure()))
        .onSignal(PostStop.instance(), _ -> node.underway().over(entityId))
        .build();
  }

  private void damaged(JournalFault fault) {
    node.underway().over(entityId); // It was under way if this is a restart, and a stop must not wait for it.
    recovering.failed(node.quarantine().add(entityId, fault));
  }

  private void refused(Throwable failure) {
    JournalFault.in(failure).filter(JournalFault::elsewhere).ifPresent(fault -> {
      context.getLog().warn("session.lost session={} cause={}", entityId, fault.code());
      lost.set(true);
      node.underway().over(entityId);
    });
  }

  @Override
  public CommandHandlerWithReply<Command, Recorded, SessionState> commandHandler() {
    // Before the take-over an attempt of the last owner may look alive; nothing may be answered from that.
    return (state, command) ->
        owned || command instanceof TakeOver ? handle(state, command) : Effect().stash();
  }

  private ReplyEffect<Recorded, SessionState> handle(SessionState state, Command command) {
    var now = node.clock().instant();
    used |= !(command instanceof IdlePassed);
    return switch (command) {
      case TakeOver _ -> takeOver(state, now);
      case Submit submit when state.knows(submit.keys()) -> submit(state, submit, Map.of(), now);
      case Submit submit -> quietly(() -> lookups.add(submit));
      case KeysRead(var submit, var found) ->
          lookups.end(submit) ? submit(state, submit, found, now) : Effect().noReply();
      case KeysUnread unread -> quietly(() -> lookups.failed(unread));
      case NextLookup _ -> quietly(lookups::next);
      case Repeat repeat -> control(state, turns.repeat(state, repeat, now), repeat.replyTo());
      case Abort abort -> control(state, turns.abort(state, abort.runId(), abort.by(), now), abort.replyTo());
      case Resume resume ->
          control(state, turns.resume(state, resume.runId(), resume.by(), now), resume.replyTo());
      case Decide decide -> control(state, turns.approvals().decide(state, decide, now), decide.replyTo());
      case Clear clear -> clear(state, clear, now);
      case AwaitBeyond await -> quietly(() -> waiters.add(await, state, now));
      case Trim(var replyTo) -> quietly(() -> trims.add(replyTo, state, now));
      case TrimEnded ended -> quietly(() -> trims.ended(ended, state, now));
      case Recover(var replyTo) -> recover(replyTo);
      case NoteStop(var reason, var replyTo) -> noteStop(state, reason, replyTo, now);
      case Rest(var grace, var replyTo) -> rest(state, grace, replyTo);
      case Reported(var report) -> reported(state, report, now);
      case AttemptDied(var fence) -> attemptDied(state, fence, now);
      case TimePassed _ -> persist(state, turns.expired(state, now), now).thenNoReply();
      case IdlePassed _ -> idle(state);
      case Leave _ -> leave(state, now);
    };
  }

  private ReplyEffect<Recorded, SessionState> quietly(Runnable work) {
    work.run();
    return Effect().noReply();
  }

  /** What was found is said once: whoever is woken again has found nothing new. */
  private ReplyEffect<Recorded, SessionState> recover(ActorRef<Recovered> replyTo) {
    var found = recovered;
    recovered = NOTHING_FOUND;
    return Effect().reply(replyTo, found);
  }

  private ReplyEffect<Recorded, SessionState> takeOver(SessionState state, Instant now) {
    owned = true;
    int open = state.open().size();
    return persist(state, turns.agenda().takeOver(state, now), now)
        .thenRun((SessionState after) -> {
          int parked = after.in(RunStatus.PARKED).size() - state.in(RunStatus.PARKED).size();
          int ended = open - after.open().size();
          recovered = new Recovered(open - ended - after.in(RunStatus.PARKED).size(), parked, open);
        })
        .thenNoReply()
        .thenUnstashAll();
  }

  private ReplyEffect<Recorded, SessionState> submit(
      SessionState state, Submit submit, Map<String, SessionState.KeyEntry> stored, Instant now) {
    return switch (turns.submit(state, submit, stored, node.gate().forTurnOf(submit.gate()), now)) {
      case Turns.Answer(var receipt) -> Effect().reply(submit.replyTo(), receipt);
      case Turns.Accept(var events) -> persist(state, events, now)
          .thenReply(submit.replyTo(), after -> turns.accepted(after, submit));
    };
  }

  private <R> ReplyEffect<Recorded, SessionState> control(
      SessionState state, Turns.Control<R> control, ActorRef<R> replyTo) {
    return persist(state, control.events(), node.clock().instant()).thenReply(replyTo, _ -> control.reply());
  }

  private ReplyEffect<Recorded, SessionState> clear(SessionState state, Clear clear, Instant now) {
    if (state.erased()) {
      return Effect().reply(clear.replyTo(), new Cleared(List.of()));
    }
    return persist(state, turns.clear(state, clear.erase(), clear.by(), now), now)
        .thenRun((SessionState after) -> {
          if (after.erased()) {
            context.getSelf().tell(new Trim(context.getSystem().ignoreRef()));
          }
        })
        .thenReply(clear.replyTo(), after -> new Cleared(List.of(Rows.of(clear.erase() ? state : after))));
  }

  private ReplyEffect<Recorded, SessionState> noteStop(
      SessionState state, String reason, ActorRef<StopNoted> replyTo, Instant now) {
    return persist(state, turns.noteStop(state, reason, now), now)
        .thenReply(replyTo, after -> new StopNoted(after.active().isPresent() ? 1 : 0));
  }

  private ReplyEffect<Recorded, SessionState> rest(
      SessionState state, Duration grace, ActorRef<Rested> replyTo) {
    if (state.active().isEmpty()) {
      return Effect().reply(replyTo, new Rested(0));
    }
    resting.add(replyTo);
    return quietly(() -> attempts.stop(grace));
  }

  private ReplyEffect<Recorded, SessionState> reported(SessionState state, Run.Report report, Instant now) {
    var facts = turns.facts(state, report, now);
    return persist(state, facts.events(), now)
        .thenRun((SessionState _) -> {
          report.replyTo().tell(new Run.Persisted());
          log.late(report.runId(), facts.dropped());
        })
        .thenNoReply();
  }

  private ReplyEffect<Recorded, SessionState> attemptDied(SessionState state, long fence, Instant now) {
    if (!attempts.lost(state, fence)) {
      return Effect().noReply();
    }
    context.getLog().error("run.attempt_died fence={}", fence);
    return persist(state, turns.agenda().takeOver(state, now), now).thenNoReply();
  }

  private ReplyEffect<Recorded, SessionState> idle(SessionState state) {
    if (state.open().isEmpty() && !used) {
      shard.tell(new ClusterSharding.Passivate<>(context.getSelf()));
    }
    used = false;
    return Effect().noReply();
  }

  /**
   * What is under way comes to rest first, as in a planned stop. A turn may also have come in after the wish
   * to leave; where a run is open, sharding makes this session anew at once, here or on another node.
   */
  private ReplyEffect<Recorded, SessionState> leave(SessionState state, Instant now) {
    leaving = true;
    if (state.active().isPresent()) {
      return persist(state, turns.noteStop(state, HANDED_OVER, now), now)
          .thenRun((SessionState _) -> attempts.stop(node.config().drain().grace()))
          .thenNoReply();
    }
    if (!state.open().isEmpty() && (node.gate().starts() || node.config().cluster().enabled())) {
      ClusterSharding.get(context.getSystem()).entityRefFor(TYPE_KEY, entityId)
          .tell(new Recover(context.getSystem().ignoreRef()));
    }
    return Effect().stop().thenNoReply();
  }

  private boolean starts() {
    return !leaving && node.gate().starts();
  }

  /**
   * Persists {@code events} and, in the same write, the start of the next attempt if they leave room for one;
   * then does what follows from the new state.
   */
  private EffectBuilder<Recorded, SessionState> persist(
      SessionState before, List<SessionEvent> events, Instant now) {
    var all = turns.withNext(before, events, starts(), now);
    var records = Recorded.of(before, all);
    return records.isEmpty()
        ? Effect().none().thenRun((SessionState state) -> settle(before, state))
        : Effect().persist(records).thenRun((SessionState state) -> {
          waiters.written(all, state);
          all.forEach(event -> log.tell(event, state));
          Approvals.answers(before, all).forEach(attempts::decide);
          settle(before, state);
        });
  }

  private void drain(OpenRun active) {
    if (active.attempt().stopNote().isEmpty()) {
      // Started while the drain began: it must carry the note too.
      context.getSelf().tell(new NoteStop("restart", context.getSystem().ignoreRef()));
    } else if (active.questions().values().stream().anyMatch(question -> question.waits(active))) {
      // It waits for a person, and a drain does not: the attempt ends here and is resumed after the restart.
      attempts.stop(node.config().drain().grace());
    }
  }

  /** What follows from a state. Idempotent: it compares what is with what must be. */
  private void settle(SessionState before, SessionState after) {
    if (after.rev() != before.rev()) {
      node.directory().tell(new Directory.Changed(Rows.of(after)));
    }
    after.active().ifPresentOrElse(
        _ -> node.underway().began(entityId), () -> node.underway().over(entityId));
    attempts.reconcile(context, after);
    if (after.active().isEmpty()) {
      resting.forEach(asker -> asker.tell(new Rested(after.in(RunStatus.INTERRUPTED).size())));
      resting.clear();
      if (leaving) {
        context.getSelf().tell(new Leave());
      }
    } else if (node.gate().state() == Gate.State.DRAINING) {
      drain(after.active().get());
    }
    waiters.release(before, after);
    turns.nextWake(after, starts(), node.clock().instant()).ifPresentOrElse(
        delay -> timers.startSingleTimer(TimePassed.class, new TimePassed(), delay),
        () -> timers.cancel(TimePassed.class));
  }
}
