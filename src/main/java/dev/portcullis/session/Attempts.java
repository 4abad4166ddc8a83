package dev.portcullis.session;

import dev.portcullis.config.AgentConfig;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.protocol.OpenStep;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.run.Run;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.javadsl.ActorContext;

/** The live attempt of one session: at most one child, the one that the state asks for. */
final class Attempts {
  /**
   * @param fence of the attempt it runs
   * @param offered turns that this attempt was asked to take
   */
  private record Child(long fence, ActorRef<Run.Command> run, Set<String> offered) {}

  private final String entityId;
  private final SessionNode node;
  private final ActorRef<Run.Report> reports;
  private final Fallbacks fallbacks;
  private Optional<Child> child = Optional.empty();

  Attempts(String entityId, SessionNode node, ActorRef<Run.Report> reports) {
    this.entityId = entityId;
    this.node = node;
    this.reports = reports;
    this.fallbacks = new Fallbacks(node.config().agents(), Abilities.of(node.run().harnesses()));
  }

  /** Makes the children what {@code state} says. */
  void reconcile(ActorContext<Session.Command> context, SessionState state) {
    var active = state.active();
    if (child.isPresent() && (active.isEmpty() || active.get().attempt().fence() != child.get().fence())) {
      child.get().run().tell(new Run.Discard());
      child = Optional.empty();
    }
    if (active.isPresent() && child.isEmpty()) {
      child = Optional.of(start(context, state, active.get()));
    }
    if (active.isPresent() && active.get().status() == RunStatus.ABORTING) {
      child.ifPresent(running -> running.run().tell(new Run.Abort()));
    }
    active.filter(this::steers).ifPresent(run -> child.ifPresent(running -> offer(running, state)));
  }

  /** An attempt that is about to be stopped is given nothing more. */
  private boolean steers(OpenRun run) {
    var agent = node.config().agents().get(run.agent());
    return agent != null
        && agent.queue() == AgentConfig.Queueing.STEER
        && run.status() == RunStatus.RUNNING
        && run.attempt().stopNote().isEmpty()
        && node.run().harnesses().steers(run.attempt().harness());
  }

  /**
   * Offers the turn that waits first, once. One that is not taken keeps its place, and the others behind it
   * theirs. A turn that brings more than its text is more than a word to a running one.
   */
  private static void offer(Child running, SessionState state) {
    state.in(RunStatus.QUEUED).stream()
        .findFirst()
        .filter(turn -> turn.context().isEmpty() && turn.needs().isEmpty())
        .filter(turn -> running.offered().add(turn.runId()))
        .ifPresent(turn -> running.run().tell(new Run.Steer(turn.runId(), turn.message())));
  }

  /** True when the attempt that {@code state} asks for has died without a word. */
  boolean lost(SessionState state, long fence) {
    return child.isPresent()
        && child.get().fence() == fence
        && state.active().filter(run -> run.attempt().fence() == fence).isPresent();
  }

  void decide(Run.Decide decision) {
    child.ifPresent(running -> running.run().tell(decision));
  }

  void stop(Duration grace) {
    child.ifPresent(running -> running.run().tell(new Run.Stop(grace)));
  }

  private Child start(ActorContext<Session.Command> context, SessionState state, OpenRun run) {
    var attempt = run.attempt();
    context.getLog().info(
        "run.attempt runId={} attempt={} harness={} session={}",
        run.runId(),
        attempt.number(),
        attempt.harness(),
        state.key());
    var assignment = new Run.Assignment(
        state.key(), run.runId(), attempt.fence(), attempt.harness(), fallbacks.next(run).isPresent(),
        () -> spec(state, run));
    var behavior = Run.create(node.run(), assignment, reports);
    var child = context.spawn(behavior, "attempt-" + attempt.fence());
    context.watchWith(child, new Session.AttemptDied(attempt.fence()));
    return new Child(attempt.fence(), child, new HashSet<>());
  }

  private CompletionStage<AttemptSpec> spec(SessionState state, OpenRun run) {
    var agent = Optional.ofNullable(node.config().agents().get(run.agent()));
    var peer = state.nativeSession();
    var nativeSession = peer.harness().equals(run.attempt().harness()) ? peer.id() : "";
    var workspace = agent.map(AgentConfig::workspace).orElse(node.config().data());
    return node.transcripts()
        .told(entityId, state, run)
        .thenApply(told -> new AttemptSpec(
            // Not the session id: attempts before and after a reset must not overlap either.
            entityId,
            run.runId(),
            run.attempt().number(),
            workspace,
            run.message(),
            told.before(),
            nativeSession,
            interruption(run),
            told.input()));
  }

  private static AttemptSpec.Interruption interruption(OpenRun run) {
    var cut = run.attempt().cut();
    // To the harness that takes over it is a new turn: nobody has begun a step of it.
    return run.attempt().number() == 1 || cut.cause().equals(Fallbacks.FAILOVER)
        ? new AttemptSpec.Interruption.None()
        : new AttemptSpec.Interruption.Cut(
            cut.cause(), run.finishedSteps(), cut.uncertain().stream().map(OpenStep::words).toList());
  }
}
