package dev.portcullis.session;

import dev.portcullis.config.GatewayConfig;
import dev.portcullis.journal.Journal;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * Keeps the journal to its retention, at start and then at intervals: has sessions trim what is too old,
 * finishes erasures that a kill cut off, forgets keys and runs, and gives the room back to the disk. One
 * sweep at a time, one session after the other. One for all nodes is enough. Why: docs/adr/0008.
 */
public final class Sweeper {
  // ---- protocol
  public sealed interface Command {}

  /** Sweeps now, unless a sweep is under way. */
  public record Sweep() implements Command {}

  private record Ended(Swept swept) implements Command {}

  private record Failed(String cause) implements Command {}

  /**
   * What a sweep found to do.
   *
   * @param events trimmed
   */
  record Swept(int sessions, long events, int erased, int keys, int runs, boolean compacted) {}

  /**
   * What a sweep works on and with.
   *
   * @param trim has a session trim
   * @param gate sweeps only while it is open, or the disk is full
   * @param blocking where it may block
   */
  public record Parts(
      GatewayConfig.Retention kept,
      Journal journal,
      Function<SessionKey, CompletionStage<TrimReply>> trim,
      Gate gate,
      Executor blocking,
      Clock clock) {}

  /** Trimmed events that are worth a compaction; an erasure always is. */
  private static final long WORTH_COMPACTING = 10_000;

  private final Parts parts;
  private final Retention retention;

  private Sweeper(Parts parts) {
    this.parts = parts;
    this.retention = new Retention(parts.journal());
  }

  public static Behavior<Command> create(Parts parts) {
    return Behaviors.withTimers(timers -> {
      timers.startTimerWithFixedDelay(new Sweep(), Duration.ZERO, parts.kept().interval());
      return new Sweeper(parts).waiting();
    });
  }

  private Behavior<Command> waiting() {
    return Behaviors.receive((context, command) -> switch (command) {
      case Sweep _ when may() -> {
        context.pipeToSelf(
            sweep(), (swept, failure) -> failure == null ? new Ended(swept) : new Failed(failure.toString()));
        yield sweeping();
      }
      case Sweep _, Ended _, Failed _ -> Behaviors.same();
    });
  }

  private Behavior<Command> sweeping() {
    return Behaviors.receive((context, command) -> switch (command) {
      case Sweep _ -> Behaviors.same();
      case Ended(var swept) -> {
        context.getLog().info(
            "retention.swept sessions={} events={} erased={} keys={} runs={} compacted={}",
            swept.sessions(), swept.events(), swept.erased(), swept.keys(), swept.runs(), swept.compacted());
        yield waiting();
      }
      case Failed(var cause) -> {
        context.getLog().warn("retention.failed cause={}", cause);
        yield waiting();
      }
    });
  }

  private boolean may() {
    return parts.gate().accepts() || parts.gate().state() == Gate.State.STORAGE_LOW;
  }

  private CompletionStage<Swept> sweep() {
    var now = parts.clock().instant();
    return blocking(retention::erased).thenCompose(marks ->
        trimAll(marks.keySet().stream().map(SessionKey::new).toList())
            .thenCompose(erased -> blocking(() -> retention.old(now.minus(parts.kept().transcripts())))
                .thenCompose(this::trimAll)
                .thenCompose(old -> blocking(() -> finish(marks, erased, old, now)))));
  }

  /** One after the other; a session that does not answer, or cannot, is left for the next time. */
  private CompletionStage<Map<SessionKey, Long>> trimAll(List<SessionKey> sessions) {
    CompletionStage<Map<SessionKey, Long>> all = CompletableFuture.completedFuture(new HashMap<>());
    for (var session : sessions) {
      // A node that stops wakes no more sessions; whoever sweeps next begins anew.
      all = all.thenCompose(trimmed -> may() ? trim(session, trimmed)
          : CompletableFuture.completedFuture(trimmed));
    }
    return all;
  }

  private CompletionStage<Map<SessionKey, Long>> trim(SessionKey session, Map<SessionKey, Long> trimmed) {
    return parts.trim().apply(session).handle((reply, _) -> {
      if (reply instanceof TrimReply.Trimmed(var events)) {
        trimmed.put(session, events);
      }
      return trimmed;
    });
  }

  private Swept finish(
      Map<String, String> marks, Map<SessionKey, Long> erased, Map<SessionKey, Long> old, Instant now) {
    long events = sum(erased) + sum(old);
    if (!may()) {
      return new Swept(erased.size() + old.size(), events, 0, 0, 0, false);
    }
    int keys = retention.forgetKeys(now);
    int runs = retention.forgetRuns(now.minus(parts.kept().runs()));
    var done = new HashMap<>(marks);
    done.keySet().removeIf(key -> !erased.containsKey(new SessionKey(key)));
    boolean worth = !done.isEmpty() || events >= WORTH_COMPACTING;
    if (worth) {
      retention.compact();
    }
    retention.unmark(done); // Only now: until then the files may still hold what was erased.
    return new Swept(erased.size() + old.size(), events, done.size(), keys, runs, worth);
  }

  private static long sum(Map<SessionKey, Long> events) {
    return events.values().stream().mapToLong(Long::longValue).sum();
  }

  private <T> CompletionStage<T> blocking(Supplier<T> work) {
    return CompletableFuture.supplyAsync(work, parts.blocking());
  }
}
