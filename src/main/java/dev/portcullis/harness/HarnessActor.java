package dev.portcullis.harness;

import dev.portcullis.alert.Alerts;
import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.Harness.Attempt;
import dev.portcullis.harness.Harness.Registration;
import dev.portcullis.harness.Harnesses.State;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;

/**
 * Keeps one declared harness registered and hands out attempts: Registering, then Ready, and Unavailable when
 * what was proven is lost and can't be proven again. It never stops probing. Why: docs/adr/0006.
 */
public final class HarnessActor {
  // ---- protocol
  public sealed interface Command {}

  /**
   * Starts an attempt, or says at once that it cannot. {@code updates} is called from any thread. While an
   * older attempt of the same conversation lives, it is stopped first and the answer waits for that.
   */
  public record Dispatch(AttemptSpec spec, UpdateSink updates, ActorRef<Dispatched> replyTo)
      implements Command {}

  /** Asks to be told once, when the harness is ready next; at once if it is. */
  public record AwaitReady(ActorRef<Ready> replyTo) implements Command {}

  /** Closes the harness: no attempt starts any more, every process ends. The actor stops after the answer. */
  public record Stop(Duration grace, ActorRef<Stopped> replyTo) implements Command {}

  record Probed(Registration registration) implements Command {}

  record ProbeFailed(HarnessFault fault) implements Command {}

  record ProbeDue() implements Command {}

  /** What was proven is no longer so. */
  record Lost(HarnessFault fault) implements Command {}

  /** The probe after a loss takes so long that nobody may call the harness ready any more. */
  record DoubtPassed() implements Command {}

  /** The harness was not proven again in the time in which the operator must know. */
  record LossDeadlinePassed() implements Command {}

  /** An attempt ended or was stopped: its conversation is free. */
  record AttemptOver(Live live) implements Command {}

  record Closed(Stop stop) implements Command {}

  public record Ready(String name) {}

  public record Stopped(String name) {}

  /** The answer to a dispatch. */
  public sealed interface Dispatched {}

  /** The attempt is under way; its updates go to the consumer given. */
  public record Started(Attempt attempt) implements Dispatched {}

  /** The harness is not registered now. */
  public record Unavailable(String cause) implements Dispatched {}

  // ---- state
  /** What this life of the harness is about; the registry shows a coarser picture. */
  private enum Phase { REGISTERING, READY, DOUBTED, UNAVAILABLE }

  static final Duration DOUBT = Duration.ofSeconds(2);
  static final Duration LOSS_DEADLINE = Duration.ofMillis(4_500);
  static final int FAILURES_MAX = 3;
  private static final Duration FIRST_DELAY = Duration.ofMillis(250);
  private static final Duration LONGEST_DELAY = Duration.ofSeconds(5);

  private final ActorContext<Command> context;
  private final TimerScheduler<Command> timers;
  private final HarnessConfig config;
  private final Harness harness;
  private final Harnesses registry;
  private final Alerts alerts;
  private final Clock clock;
  private final LiveAttempts attempts;
  private final Set<ActorRef<Ready>> waiting = new LinkedHashSet<>();
  private Phase phase = Phase.REGISTERING;
  private int failures;
  private boolean probing;
  private boolean lostWhileProbing;
  private HarnessFault lastFault = HarnessFault.of(HarnessFault.Code.TIMEOUT, "no probe has ended yet");
  private long since;

  // ---- behaviour
  /**
   * Registers {@code harness} under the configured name, as being proven, and starts to prove it. Call
   * {@link Harnesses#declare} right after spawning.
   */
  public static Behavior<Command> create(
      HarnessConfig config, Harness harness, Harnesses registry, Alerts alerts, Clock clock) {
    return Behaviors.setup(context -> Behaviors.withTimers(timers ->
        new HarnessActor(context, timers, new Parts(config, harness, registry, alerts, clock)).running()));
  }

  private record Parts(
      HarnessConfig config, Harness harness, Harnesses registry, Alerts alerts, Clock clock) {}

  private HarnessActor(ActorContext<Command> context, TimerScheduler<Command> timers, Parts parts) {
    this.context = context;
    this.timers = timers;
    this.config = parts.config();
    this.harness = parts.harness();
    this.registry = parts.registry();
    this.alerts = parts.alerts();
    this.clock = parts.clock();
    this.attempts = new LiveAttempts(harness, context.getSelf(), registry.live());
    this.since = clock.millis();
    show(new State.Registering(""));
    var self = context.getSelf();
    harness.onLost(fault -> self.tell(new Lost(fault)));
    probe();
  }

  private Behavior<Command> running() {
    return Behaviors.receive((_, command) -> switch (command) {
      case Dispatch dispatch -> same(() -> dispatch(dispatch));
      case AwaitReady await -> same(() -> await(await));
      case Probed(var registration) -> same(() -> proven(registration));
      case ProbeFailed(var fault) -> same(() -> failed(fault));
      case ProbeDue _ -> same(this::probe);
      case Lost(var fault) -> same(() -> lost(fault));
      case DoubtPassed _ -> same(this::doubt);
      case LossDeadlinePassed _ -> same(() -> unavailable(lastFault));
      case AttemptOver(var live) -> same(() -> attempts.over(live));
      case Stop stop -> stop(stop);
      case Closed _ -> throw new IllegalStateException("closed without a stop");
    }, (_, signal) -> same(() -> {
      if (signal instanceof PostStop) { // A bug ended this actor: nobody may read its last state as true.
        show(new State.Unavailable("its actor has stopped", HarnessFault.Code.LOST));
      }
    }));
  }

  private Behavior<Command> stopping() {
    return Behaviors.receiveMessage(command -> switch (command) {
      case Dispatch dispatch ->
          same(() -> dispatch.replyTo().tell(new Unavailable("the gateway is stopping")));
      case Stop again -> stop(again);
      case Closed(var stop) -> {
        stop.replyTo().tell(new Stopped(config.name()));
        yield Behaviors.stopped();
      }
      case AwaitReady _, Probed _, ProbeFailed _, ProbeDue _, Lost _, DoubtPassed _, LossDeadlinePassed _,
          AttemptOver _ -> Behaviors.same(); // Nothing is proven or handed out any more.
    });
  }

  private static Behavior<Command> same(Runnable effect) {
    effect.run();
    return Behaviors.same();
  }

  private Behavior<Command> stop(Stop stop) {
    timers.cancelAll();
    attempts.refuseWaiting("the gateway is stopping");
    attempts.stopAll(stop.grace());
    show(new State.Unavailable("the gateway is stopping", HarnessFault.Code.LOST));
    context.pipeToSelf(harness.close(stop.grace()), (_, _) -> new Closed(stop));
    return stopping();
  }

  /** Reads the registry, as readiness does, so that the two can't disagree. */
  private void dispatch(Dispatch dispatch) {
    switch (registry.snapshot().get(config.name()).state()) {
      case State.Ready _ -> attempts.start(dispatch);
      case State.Registering(var cause) -> dispatch.replyTo().tell(new Unavailable(
          cause.isEmpty() ? "not proven yet" : cause));
      case State.Unavailable(var cause, _) -> dispatch.replyTo().tell(new Unavailable(cause));
    }
  }

  private void await(AwaitReady await) {
    if (registry.snapshot().get(config.name()).state() instanceof State.Ready) {
      await.replyTo().tell(new Ready(config.name()));
    } else {
      waiting.add(await.replyTo());
    }
  }

  // ---- proving
  private void probe() {
    if (probing) {
      return;
    }
    timers.cancel("probe");
    probing = true;
    lostWhileProbing = false;
    context.pipeToSelf(harness.probe(), (registration, failure) ->
        failure == null ? new Probed(registration) : new ProbeFailed(HarnessFault.in(failure)));
  }

  private void proven(Registration registration) {
    probing = false;
    if (lostWhileProbing) { // The loss may be of what was just proven: the two come from different threads.
      probe();
      return;
    }
    timers.cancel("doubt");
    timers.cancel("loss");
    phase = Phase.READY;
    failures = 0;
    show(new State.Ready(registration));
    context.getLog().info("harness.registered name={} version={} recovery={} took_ms={}",
        config.name(), registration.version(), registration.recovery(), clock.millis() - since);
    alerts.resolve(topic(), "Harness \"" + config.name() + "\" is available again.");
    waiting.forEach(asker -> asker.tell(new Ready(config.name())));
    waiting.clear();
  }

  private void failed(HarnessFault fault) {
    probing = false;
    failures++;
    lastFault = fault;
    context.getLog().warn("harness.probe_failed name={} failures={} code={} cause={}",
        config.name(), failures, fault.code(), fault.getMessage());
    timers.startSingleTimer("probe", new ProbeDue(), delay());
    var hopeless = !fault.code().retryable() || (phase == Phase.DOUBTED && failures >= FAILURES_MAX);
    if (phase == Phase.UNAVAILABLE || hopeless) {
      unavailable(fault);
    } else {
      show(new State.Registering(fault.getMessage()));
    }
  }

  private Duration delay() {
    var delay = FIRST_DELAY.multipliedBy(1L << Math.min(failures - 1, 10));
    return delay.compareTo(LONGEST_DELAY) < 0 ? delay : LONGEST_DELAY;
  }

  private void lost(HarnessFault fault) {
    if (probing) {
      lostWhileProbing = true;
    }
    if (phase != Phase.READY) {
      return;
    }
    context.getLog().warn("harness.lost name={} cause={}", config.name(), fault.getMessage());
    phase = Phase.DOUBTED;
    failures = 0;
    lastFault = fault;
    since = clock.millis();
    timers.startSingleTimer("doubt", new DoubtPassed(), DOUBT);
    timers.startSingleTimer("loss", new LossDeadlinePassed(), LOSS_DEADLINE);
    probe();
  }

  private void doubt() {
    if (phase == Phase.DOUBTED) {
      show(new State.Registering(lastFault.getMessage()));
    }
  }

  private void unavailable(HarnessFault fault) {
    timers.cancel("doubt");
    timers.cancel("loss");
    alerts.raise(topic(), "Harness \"" + config.name() + "\" is unavailable: " + fault.getMessage());
    show(new State.Unavailable(fault.getMessage(), fault.code()));
    if (phase != Phase.UNAVAILABLE) {
      phase = Phase.UNAVAILABLE;
      context.getLog().error("harness.unavailable name={} cause={}", config.name(), fault.getMessage());
    }
  }

  private String topic() {
    return "harness." + config.name();
  }

  private void show(State state) {
    registry.put(new Harnesses.Entry(config.name(), config.kind(), state, context.getSelf()));
  }
}
