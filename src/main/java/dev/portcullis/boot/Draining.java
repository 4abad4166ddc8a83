package dev.portcullis.boot;

import dev.portcullis.config.GatewayConfig;
import dev.portcullis.ops.SdNotify;
import dev.portcullis.session.SessionRegion;
import dev.portcullis.session.Underway;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;

/**
 * A planned stop: note it on every active attempt before any waiting, let runs come to rest, interrupt what
 * is left. Killed at any point of it, recovery decides the same from the runs' own events. Why:
 * docs/adr/0005.
 */
final class Draining {
  sealed interface Command {}

  /** No more patience: what is active now is interrupted. */
  record Hurry() implements Command {}

  private record Noted(int runs) implements Command {}

  private record Rested(int interrupted) implements Command {}

  private record Failed(String step, Throwable cause) implements Command {}

  private record Tick() implements Command {}

  /** Everything rests. */
  record Drained(long completed, int interrupted) {}

  /** @param reason shutdown or restart, as users will read it */
  record Order(String reason, GatewayConfig.Drain limits, SdNotify service) {}

  private static final Duration LOOK = Duration.ofMillis(50);
  private static final Duration EXTENSION = Duration.ofSeconds(15);
  private static final Duration NOTE_ANSWER = Duration.ofSeconds(10);

  private final ActorContext<Command> context;
  private final TimerScheduler<Command> timers;
  private final Order order;
  private final SessionRegion region;
  private final Underway underway;
  private final Standing standing;
  private final Clock clock;
  private final ActorRef<Drained> replyTo;
  private final Instant startedAt;
  private Instant deadline;
  private int noted;
  private int restedLooks;
  private Instant extendedAt;

  /** @param written completes when everything that was being written is in the journal */
  static Behavior<Command> create(
      Order order,
      Supplier<CompletionStage<Void>> written,
      SessionRegion region,
      Underway underway,
      Standing standing,
      Clock clock,
      ActorRef<Drained> replyTo) {
    return Behaviors.setup(context -> Behaviors.withTimers(timers ->
        new Draining(context, timers, order, region, underway, standing, clock, replyTo).settling(written)));
  }

  private Draining(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      Order order,
      SessionRegion region,
      Underway underway,
      Standing standing,
      Clock clock,
      ActorRef<Drained> replyTo) {
    this.context = context;
    this.timers = timers;
    this.order = order;
    this.region = region;
    this.underway = underway;
    this.standing = standing;
    this.clock = clock;
    this.replyTo = replyTo;
    this.startedAt = clock.instant();
    this.deadline = startedAt.plus(order.limits().deadline());
    this.extendedAt = startedAt;
  }

  /** A turn that was accepted just now is still on its way to the disk, and nobody knows of its attempt. */
  private Behavior<Command> settling(Supplier<CompletionStage<Void>> written) {
    context.pipeToSelf(written.get(), (_, _) -> new Tick());
    return Behaviors.receiveMessage(command -> switch (command) {
      case Tick _ -> marking();
      case Hurry _ -> hurried();
      case Noted _, Rested _, Failed _ -> Behaviors.same();
    });
  }

  private Behavior<Command> marking() {
    context.pipeToSelf(
        region.noteStop(underway.entities(), order.reason(), NOTE_ANSWER),
        (runs, failure) -> failure == null ? new Noted(runs) : new Failed("note", failure));
    return Behaviors.receiveMessage(command -> switch (command) {
      case Noted(var runs) -> marked(runs);
      case Failed failed -> {
        // A note only says why; what is started and not ended is resumed without one.
        context.getLog().warn("drain.note_failed cause={}", failed.cause().toString());
        yield marked(0);
      }
      case Hurry _ -> hurried();
      case Rested _, Tick _ -> Behaviors.same();
    });
  }

  private Behavior<Command> marked(int runs) {
    noted = runs;
    context.getLog().info("drain.marked runs={} took_ms={}", runs, sinceStart());
    timers.startTimerWithFixedDelay(new Tick(), Duration.ZERO, LOOK);
    return waiting();
  }

  private Behavior<Command> waiting() {
    return Behaviors.receiveMessage(command -> switch (command) {
      case Tick _ -> counted(underway.entities().size());
      case Hurry _ -> hurried();
      case Failed _, Noted _, Rested _ -> Behaviors.same();
    });
  }

  private Behavior<Command> counted(int active) {
    standing.remaining(active);
    var now = clock.instant();
    restedLooks = active == 0 ? restedLooks + 1 : 0;
    if (restedLooks > 1) {
      // Twice, for an attempt may be between its fact and its start when the first look comes.
      return finished(0);
    }
    if (!now.isBefore(deadline)) {
      timers.cancelAll();
      return interrupting();
    }
    if (Duration.between(extendedAt, now).compareTo(EXTENSION.dividedBy(3)) > 0) {
      extendedAt = now;
      order.service().extendTimeout(EXTENSION);
      order.service().status("draining: " + active + " runs active");
      context.getLog().info("drain.waiting active={} left_s={}", active, left(now).toSeconds());
    }
    return Behaviors.same();
  }

  private Behavior<Command> interrupting() {
    var grace = order.limits().grace();
    // The grace ends with the hard stop; what is over is for its sweep and for the last write.
    context.pipeToSelf(
        region.rest(underway.entities(), grace, grace.plusSeconds(5)),
        (runs, failure) -> failure == null ? new Rested(runs) : new Failed("rest", failure));
    return Behaviors.receiveMessage(command -> switch (command) {
      case Rested(var interrupted) -> finished(interrupted);
      case Failed failed -> {
        context.getLog().warn("drain.rest_failed cause={}", failed.cause().toString());
        yield finished(0);
      }
      case Noted _, Tick _, Hurry _ -> Behaviors.same();
    });
  }

  private Behavior<Command> hurried() {
    deadline = startedAt;
    return Behaviors.same();
  }

  private Behavior<Command> finished(int interrupted) {
    long completed = Math.max(0, noted - interrupted);
    context.getLog().info(
        "drain.rested completed={} interrupted={} took_ms={}", completed, interrupted, sinceStart());
    replyTo.tell(new Drained(completed, interrupted));
    return Behaviors.stopped();
  }

  private long sinceStart() {
    return Duration.between(startedAt, clock.instant()).toMillis();
  }

  private Duration left(Instant now) {
    return Duration.between(now, deadline);
  }
}
