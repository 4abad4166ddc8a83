package dev.portcullis.cluster;

import dev.portcullis.session.Session;
import dev.portcullis.session.SessionKey;
import dev.portcullis.session.Wire;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.SupervisorStrategy;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.cluster.ClusterEvent.MemberRemoved;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.ClusterSingleton;
import org.apache.pekko.cluster.typed.SingletonActor;
import org.apache.pekko.cluster.typed.Subscribe;

/**
 * Wakes every session with an open run: when the cluster begins, when a node is gone, and now and then in
 * case somebody was forgotten. A session that is awake already takes no notice. One in the whole cluster;
 * what a node left that was gone before this one began is in the index, as everything else.
 */
public final class Recovery {
  // ---- protocol
  public sealed interface Command {}

  /** Asks to be told once a decision about each run that was open is in the journal. */
  public record AwaitDecided(ActorRef<Decided> replyTo) implements Command, Wire {}

  /** @param runs what was found when the cluster, or this singleton, began */
  public record Decided(Session.Recovered runs) implements Wire {}

  record NodeGone(String node, boolean declared) implements Command {}

  record Due() implements Command {}

  record Woken(Session.Recovered runs, Set<SessionKey> silent) implements Command {}

  record Failed(String cause) implements Command {}

  /**
   * What it needs of the node it happens to be on.
   *
   * @param wake wakes sessions, names those that do not answer; done when it has heard of all
   * @param open reads the sessions with open runs; blocks
   * @param retire keeps a node that was declared gone from writing ever again; blocks
   * @param unreadable is told of a session that did not answer again and again
   */
  public record Parts(
      BiFunction<List<SessionKey>, Consumer<SessionKey>, CompletionStage<Session.Recovered>> wake,
      Supplier<List<SessionKey>> open,
      Consumer<String> retire,
      Consumer<SessionKey> unreadable,
      Executor blocking) {}

  private static final Duration INTERVAL = Duration.ofMinutes(1);
  private static final Duration RETRY = Duration.ofSeconds(2);
  private static final Duration ASKING = Duration.ofSeconds(5);
  private static final int TRIES = 3;

  private final ActorContext<Command> context;
  private final TimerScheduler<Command> timers;
  private final Parts parts;
  private final List<ActorRef<Decided>> waiting = new ArrayList<>();
  private final List<NodeGone> departed = new ArrayList<>();
  private List<NodeGone> attended = List.of();
  private Map<SessionKey, Integer> silences = Map.of();
  private List<Decided> first = List.of();
  private boolean waking;

  // ---- behaviour
  /** Takes part in running it; completes when all runs that were found open are decided about. */
  public static CompletionStage<Session.Recovered> start(ActorSystem<?> system, Parts parts) {
    var behavior = Behaviors.supervise(create(parts)).onFailure(SupervisorStrategy.restart());
    var proxy = ClusterSingleton.get(system).init(SingletonActor.of(behavior, "recovery"));
    return decided(system, proxy);
  }

  /** The one that was asked may be on a node that is just lost: then the next one is asked. */
  private static CompletionStage<Session.Recovered> decided(ActorSystem<?> system, ActorRef<Command> proxy) {
    return AskPattern.ask(proxy, AwaitDecided::new, ASKING, system.scheduler())
        .thenApply(Decided::runs)
        .exceptionallyCompose(failure -> failure instanceof TimeoutException
                && !system.getWhenTerminated().toCompletableFuture().isDone()
            ? decided(system, proxy)
            : CompletableFuture.failedFuture(failure));
  }

  static Behavior<Command> create(Parts parts) {
    return Behaviors.setup(context ->
        Behaviors.withTimers(timers -> new Recovery(context, timers, parts).running()));
  }

  private Recovery(ActorContext<Command> context, TimerScheduler<Command> timers, Parts parts) {
    this.context = context;
    this.timers = timers;
    this.parts = parts;
    Cluster.get(context.getSystem()).subscriptions().tell(Subscribe.create(
        context.messageAdapter(MemberRemoved.class, gone -> new NodeGone(
            Membership.name(gone.member().uniqueAddress()), Membership.declaredGone(gone))),
        MemberRemoved.class));
    wake();
  }

  private Behavior<Command> running() {
    return Behaviors.receiveMessage(command -> {
      switch (command) {
        case AwaitDecided(var replyTo) -> {
          waiting.add(replyTo);
          answer();
        }
        case NodeGone gone -> {
          departed.add(gone);
          wake();
        }
        case Due _ -> wake();
        case Woken(var runs, var silent) -> woken(runs, silent);
        case Failed(var cause) -> {
          context.getLog().warn("cluster.recovery_failed cause={}", cause);
          departed.addAll(attended);
          waking = false;
          timers.startSingleTimer(new Due(), RETRY);
        }
      }
      return Behaviors.same();
    });
  }

  private void wake() {
    if (waking) {
      return; // Whatever has come up meanwhile is seen to right after.
    }
    waking = true;
    attended = List.copyOf(departed);
    departed.clear();
    var lost = attended.stream().filter(NodeGone::declared).map(NodeGone::node).toList();
    var silent = ConcurrentHashMap.<SessionKey>newKeySet();
    var woken = CompletableFuture.supplyAsync(() -> {
      lost.forEach(parts.retire());
      return parts.open().get();
    }, parts.blocking()).thenCompose(open -> parts.wake().apply(open, silent::add));
    context.pipeToSelf(woken, (runs, failure) ->
        failure == null ? new Woken(runs, Set.copyOf(silent)) : new Failed(failure.toString()));
  }

  private void woken(Session.Recovered runs, Set<SessionKey> silent) {
    waking = false;
    if (first.isEmpty() || !attended.isEmpty()) {
      var gone = attended.stream().map(NodeGone::node).collect(Collectors.joining(","));
      context.getLog().info("cluster.recovered node={} open={} resumed={} parked={} silent={}",
          gone.isEmpty() ? "none" : gone, runs.open(), runs.resumed(), runs.parked(), silent.size());
    }
    var counted = new HashMap<SessionKey, Integer>();
    silent.forEach(session -> counted.put(session, silences.getOrDefault(session, 0) + 1));
    silences = counted;
    silences.forEach((session, times) -> {
      if (times == TRIES) {
        parts.unreadable().accept(session);
      }
    });
    boolean hope = silences.values().stream().anyMatch(times -> times < TRIES);
    if (!hope && first.isEmpty()) {
      first = List.of(new Decided(runs));
      answer();
    }
    if (!departed.isEmpty()) {
      wake();
    } else {
      timers.startSingleTimer(new Due(), hope ? RETRY : INTERVAL);
    }
  }

  private void answer() {
    if (!first.isEmpty()) {
      waiting.forEach(asker -> asker.tell(first.getFirst()));
      waiting.clear();
    }
  }
}
