package dev.portcullis.run;

import dev.portcullis.alert.Alerts;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.HarnessActor;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.Harnesses;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.Signal;
import org.apache.pekko.actor.typed.javadsl.AbstractMatchingBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;

/**
 * One attempt of one run: finds the harness, starts the attempt and hands what happens to its owner in
 * batches, the next only after the last is in the journal. It keeps nothing that must survive; when it dies
 * the attempt is given up.
 */
public final class Run extends AbstractMatchingBehavior<Run.Command> {
  // ---- protocol
  public sealed interface Command {}

  /** The newest report is in the journal. */
  public record Persisted() implements Command {}

  /** The user wants it to end; the end is reported. */
  public record Abort() implements Command {}

  /** @param digest of the action that was decided about */
  public record Decide(String approvalId, String digest, boolean allow) implements Command {}

  /** Offers a turn that waits to the running one; what becomes of it is reported only if it is taken. */
  public record Steer(String turnId, String message) implements Command {}

  /** Gives the attempt up: the harness is stopped in order, then {@link Rested} is reported. */
  public record Stop(Duration grace) implements Command {}

  /** Nobody waits for this attempt any more: whatever lives of it is stopped, nothing is reported. */
  public record Discard() implements Command {}

  record SpecLoaded(AttemptSpec spec) implements Command {}

  record SpecFailed(String cause) implements Command {}

  record Dispatched(HarnessActor.Dispatched answer) implements Command {}

  record HarnessReady() implements Command {}

  /** @param updates what came at once, in order */
  record Updated(List<HarnessUpdate> updates) implements Command {}

  /** @param last what is reported of the attempt now that nothing of it is left */
  record Stopped(News last) implements Command {}

  record SteerAnswered(String turnId) implements Command {}

  record WindowClosed() implements Command {}

  record WaitPassed() implements Command {}

  record SilencePassed() implements Command {}

  record AbortPassed() implements Command {}

  /** What the owner hears: what happened since the last report, in order. {@code fence} names the attempt. */
  public record Report(String runId, long fence, List<News> news, ActorRef<Command> replyTo) {
    public Report {
      news = List.copyOf(news);
    }
  }

  public sealed interface News {}

  public record Happened(HarnessUpdate update) implements News {}

  /**
   * The attempt ends without a word from the harness. {@code reference} is empty when no operator was told.
   */
  public record Failed(String code, String message, String reference) implements News {}

  /** The attempt was given up as asked; nothing of it is left. */
  public record Rested() implements News {}

  /** The harness has taken this waiting turn into the running one. */
  public record Steered(String turnId) implements News {}

  /** What an attempt needs of the world. */
  public record Parts(GatewayConfig.Run limits, Harnesses harnesses, Alerts alerts) {}

  /**
   * @param replaceable whether another harness takes over at once when this one is not available
   * @param spec loads what the harness is told; called once
   */
  public record Assignment(
      String sessionKey, String runId, long fence, String harness, boolean replaceable,
          Supplier<CompletionStage<AttemptSpec>> spec) {}

  private final ActorContext<Command> context;
  private final TimerScheduler<Command> timers;
  private final Parts parts;
  private final Assignment assignment;
  private final ActorRef<Report> owner;
  private final Outbound outbound;
  private final Backlog backlog;
  private final Output output;
  /** Weight of the updates that the next report will carry, and of those that the one under way does. */
  private long gathered;
  private long reported;
  private Phase phase = new Loading();
  private boolean abortWanted;
  private boolean asked;
  private boolean attached;
  private boolean discarded;
  /** It is over, and nothing is reported of that until nothing of it is left. */
  private boolean stopping;
  /** Waiting turns that the harness was asked to take, and what it answers. */
  private final Map<String, CompletableFuture<Boolean>> offers = new LinkedHashMap<>();
  /** Answers to questions of an attempt that is not here yet. */
  private final List<Decide> early = new ArrayList<>();
  /** Updates that came after the attempt was over. */
  private int late;
  private final Set<String> openApprovals = new HashSet<>();

  private sealed interface Phase {}

  private record Loading() implements Phase {}

  private record Waiting(AttemptSpec spec) implements Phase {}

  private record Dispatching(AttemptSpec spec) implements Phase {}

  private record Live(Harness.Attempt attempt) implements Phase {}

  private record Over() implements Phase {}

  // ---- behaviour
  public static Behavior<Command> create(Parts parts, Assignment assignment, ActorRef<Report> owner) {
    return Behaviors.setup(
        context -> Behaviors.withTimers(timers -> new Run(context, timers, parts, assignment, owner)));
  }

  private Run(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      Parts parts,
      Assignment assignment,
      ActorRef<Report> owner) {
    super(context);
    this.context = context;
    this.timers = timers;
    this.parts = parts;
    this.assignment = assignment;
    this.owner = owner;
    this.outbound = new Outbound(parts.limits().textInterval());
    this.output = new Output(parts.limits().outputChars());
    context.setLoggerName(Run.class); // What is guessed is Pekko's own name, whose lines are not shown.
    var self = context.getSelf();
    this.backlog = new Backlog(updates -> self.tell(new Updated(updates)));
    context.pipeToSelf(
        assignment.spec().get(),
        (spec, failure) -> failure == null ? new SpecLoaded(spec) : new SpecFailed(String.valueOf(failure)));
  }

  @Override
  public Behavior<Command> onMessage(Command command) {
    switch (command) {
      case SpecLoaded(var spec) -> dispatch(spec);
      case SpecFailed(var cause) ->
          fail("internal_error", "the conversation could not be read: " + cause, "");
      case Dispatched(HarnessActor.Started(var attempt)) -> whenStarted(attempt);
      case Dispatched(HarnessActor.Unavailable(var cause)) -> whenUnavailable(cause);
      case HarnessReady _ -> whenReady();
      case Updated(var updates) -> whenUpdated(updates);
      case Persisted _ -> persisted();
      case WindowClosed _ -> flush(outbound.windowClosed());
      case Abort _ -> abort();
      case Decide decision -> decide(decision);
      case Steer(var turn, var message) -> steer(turn, message);
      case SteerAnswered(var turn) -> steerAnswered(turn);
      case Stop(var grace) -> stop(grace, new Rested());
      case Stopped(var last) -> {
        answerOffers(); // Its conversation goes on: what it has taken must not be said to it again.
        end(last);
      }
      case WaitPassed _ -> unavailable();
      case SilencePassed _ -> silent();
      case AbortPassed _ -> giveUp(new Happened(new HarnessUpdate.Aborted()));
      case Discard _ -> discarded = true;
    }
    // An attempt that is on its way from the harness must be met and stopped, else nobody ever would.
    return discarded && !asked ? Behaviors.stopped() : this;
  }

  @Override
  public Behavior<Command> onSignal(Signal signal) {
    if (signal instanceof PostStop) {
      backlog.close();
      if (late > 0) {
        context.getLog().info(
            "run.late_output runId={} fence={} dropped={}", assignment.runId(), assignment.fence(), late);
      }
      if (phase instanceof Live(var attempt)) {
        // Its owner is gone; another one, perhaps on another node, may begin the next attempt at any moment.
        attempt.stop(Duration.ZERO);
      }
    }
    return this;
  }

  private void dispatch(AttemptSpec spec) {
    var entry = parts.harnesses().snapshot().get(assignment.harness());
    if (phase instanceof Over) {
      return;
    }
    if (abortWanted) {
      end(new Happened(new HarnessUpdate.Aborted()));
    } else if (entry == null) {
      phase = new Waiting(spec);
      whenUnavailable("not declared");
    } else if (!parts.harnesses().takes(assignment.harness(), spec.input().needs(List.of()))) {
      // It had not told when the turn was accepted, or said otherwise.
      fail("input_not_supported", "The agent's harness cannot take what the turn carries.", "");
    } else {
      phase = new Dispatching(spec);
      asked = true;
      entry.actor().tell(new HarnessActor.Dispatch(
          spec,
          backlog,
          context.messageAdapter(HarnessActor.Dispatched.class, Dispatched::new)));
    }
  }

  private void whenStarted(Harness.Attempt attempt) {
    asked = false;
    if (phase instanceof Over || discarded) {
      attempt.stop(parts.limits().abortGrace());
      return;
    }
    timers.cancel(WaitPassed.class);
    phase = new Live(attempt);
    // What it says may be here before it is, and so may be the answer to its question.
    listen();
    early.forEach(this::decide);
    early.clear();
    if (abortWanted) {
      abort();
    }
  }

  /**
   * The turn is in the journal already: it may wait, the operator must know, and each try to run it says so.
   */
  private void whenUnavailable(String cause) {
    asked = false;
    if (phase instanceof Over || discarded) {
      return;
    }
    context.getLog().error(
        "[gateway] CRITICAL: declared harness \"{}\" missing from registry on dispatch "
            + "session={} run={} cause={}",
        assignment.harness(),
        assignment.sessionKey(),
        assignment.runId(),
        cause);
    if (abortWanted) {
      end(new Happened(new HarnessUpdate.Aborted()));
      return;
    }
    if (assignment.replaceable()) {
      fail("harness_unavailable", "The harness is not available: " + cause, "");
      return;
    }
    if (phase instanceof Dispatching(var spec)) {
      phase = new Waiting(spec);
    }
    if (!timers.isTimerActive(WaitPassed.class)) {
      timers.startSingleTimer(WaitPassed.class, new WaitPassed(), parts.limits().harnessWait());
    }
    var entry = parts.harnesses().snapshot().get(assignment.harness());
    if (entry != null) {
      entry.actor().tell(new HarnessActor.AwaitReady(
          context.messageAdapter(HarnessActor.Ready.class, _ -> new HarnessReady())));
    }
  }

  private void whenReady() {
    if (phase instanceof Waiting(var spec)) {
      dispatch(spec);
    }
  }

  private void unavailable() {
    if (phase instanceof Live || phase instanceof Over) {
      return;
    }
    var reference = parts.alerts().raise(
        "harness." + assignment.harness(), "harness \"" + assignment.harness()
            + "\" is not available; runs fail");
    fail(
        "harness_unavailable",
        "The gateway needs its operator: the agent's harness is not available. Reference: " + reference,
        reference);
  }

  private void persisted() {
    backlog.taken(reported);
    reported = 0;
    flush(outbound.persisted());
  }

  private void whenUpdated(List<HarnessUpdate> updates) {
    var news = new ArrayList<News>();
    for (var update : updates) {
      if (phase instanceof Over) {
        late++;
        backlog.taken(Backlog.weightOf(update));
      } else if (!output.fits(update)) {
        backlog.taken(Backlog.weightOf(update));
        flush(outbound.addAll(news));
        news.clear();
        tooMuch();
      } else {
        if (update instanceof HarnessUpdate.End && !offers.isEmpty()) {
          flush(outbound.addAll(news));
          news.clear();
        }
        take(update);
        news.add(new Happened(update));
      }
    }
    listen();
    if (!news.isEmpty()) {
      flush(outbound.addAll(news));
    }
  }

  private void take(HarnessUpdate update) {
    if (update instanceof HarnessUpdate.Usage) { // Only the newest is kept, and that alone makes no report.
      backlog.taken(Backlog.weightOf(update));
    } else {
      gathered += Backlog.weightOf(update);
    }
    switch (update) {
      case HarnessUpdate.ApprovalRequested ask -> openApprovals.add(ask.approvalId());
      case HarnessUpdate.ApprovalWithdrawn(var id) -> openApprovals.remove(id);
      case HarnessUpdate.End _ -> {
        // Its answer to an offer may come to us a moment after its end.
        answerOffers();
        phase = new Over();
        timers.cancel(SilencePassed.class);
        timers.cancel(AbortPassed.class);
      }
      case HarnessUpdate.Attached _ -> attached = true;
      case HarnessUpdate.Text _,
          HarnessUpdate.TextReplaced _,
          HarnessUpdate.StepStarted _,
          HarnessUpdate.StepFinished _,
          HarnessUpdate.Usage _,
          HarnessUpdate.Unknown _ -> { }
    }
  }

  /** Silence is measured only while the harness, and not a queue for it or a person, has the word. */
  private void listen() {
    if (phase instanceof Live && attached && openApprovals.isEmpty()) {
      timers.startSingleTimer(SilencePassed.class, new SilencePassed(), parts.limits().idleDeadline());
    } else {
      timers.cancel(SilencePassed.class);
    }
  }

  /** Reported only when nothing of the attempt is left: the next one may be on another harness. */
  private void silent() {
    var text = "The agent was silent for " + parts.limits().idleDeadline().toSeconds() + " s.";
    if (phase instanceof Live) {
      stop(parts.limits().abortGrace(), new Failed("harness_timeout", text, ""));
    }
  }

  private void tooMuch() {
    var text = "The agent's output is longer than the " + parts.limits().outputChars()
        + " characters that are stored of one attempt.";
    stop(parts.limits().abortGrace(), new Failed("output_limit", text, ""));
  }

  private void decide(Decide decision) {
    if (phase instanceof Live(var attempt)) {
      openApprovals.remove(decision.approvalId());
      listen();
      attempt.decide(decision.approvalId(), decision.digest(), decision.allow());
    } else if (phase instanceof Dispatching) {
      early.add(decision);
    }
  }

  private void steer(String turn, String message) {
    if (phase instanceof Live(var attempt) && !abortWanted) {
      var offer = attempt.steer(message).exceptionally(_ -> false).toCompletableFuture();
      offers.put(turn, offer);
      context.pipeToSelf(offer, (_, _) -> new SteerAnswered(turn));
    }
  }

  /** Looks at an offer once: when it is answered, or when the attempt ends, which it is before that. */
  private void steerAnswered(String turn) {
    var offer = offers.remove(turn);
    if (offer == null || !(phase instanceof Live || stopping)) {
      return;
    }
    boolean taken = offer.getNow(false);
    context.getLog().info("run.steer runId={} turn={} taken={}", assignment.runId(), turn, taken);
    if (taken) {
      flush(outbound.add(new Steered(turn)));
    }
  }

  private void answerOffers() {
    List.copyOf(offers.keySet()).forEach(this::steerAnswered);
  }

  private void abort() {
    abortWanted = true;
    switch (phase) {
      // The owner repeats itself after each report; that must not give the harness ever more time.
      case Live _ when timers.isTimerActive(AbortPassed.class) -> { }
      case Live(var attempt) -> {
        attempt.abort(parts.limits().abortGrace());
        // The port promises an end within the grace; this is for a harness that breaks its promise.
        timers.startSingleTimer(
            AbortPassed.class, new AbortPassed(), parts.limits().abortGrace().plusSeconds(5));
      }
      case Waiting _ -> end(new Happened(new HarnessUpdate.Aborted()));
      case Loading _, Dispatching _, Over _ -> { }
    }
  }

  private void stop(Duration grace, News last) {
    switch (phase) {
      case Live(var attempt) -> {
        phase = new Over();
        stopping = true;
        context.pipeToSelf(attempt.stop(grace), (_, _) -> new Stopped(last));
      }
      case Loading _, Waiting _, Dispatching _ -> end(last);
      case Over _ -> { }
    }
  }

  private void giveUp(News last) {
    if (phase instanceof Live(var attempt)) {
      attempt.stop(parts.limits().abortGrace());
      end(last);
    }
  }

  private void fail(String code, String message, String reference) {
    if (!(phase instanceof Over)) {
      end(new Failed(code, message, reference));
    }
  }

  private void end(News last) {
    phase = new Over();
    stopping = false;
    timers.cancelAll();
    flush(outbound.add(last));
  }

  private void flush(Outbound.Step step) {
    switch (step) {
      case Outbound.Send(var news) -> {
        reported = gathered;
        gathered = 0;
        owner.tell(new Report(assignment.runId(), assignment.fence(), news, context.getSelf()));
      }
      case Outbound.Gather(var delay) when delay.isZero() -> {
        timers.cancel(WindowClosed.class);
        context.getSelf().tell(new WindowClosed()); // Behind whatever has come meanwhile.
      }
      case Outbound.Gather(var delay) ->
          timers.startSingleTimer(WindowClosed.class, new WindowClosed(), delay);
      case Outbound.Hold _ -> { }
    }
  }
}
