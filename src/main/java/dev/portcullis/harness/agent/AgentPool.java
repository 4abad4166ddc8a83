package dev.portcullis.harness.agent;

import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.Harness.Registration;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The processes of one harness: one per conversation, one more on standby while there is room. Who finds no
 * room waits in order. Decisions are made under the lock, everything that may call back is done after it.
 */
final class AgentPool {
  /** What a process that nobody needs gets to go quietly. */
  private static final Duration GRACE = Duration.ofSeconds(10);
  /** A new standby waits until the attempt that took the old one is on its way. */
  private static final Duration RESTOCK = Duration.ofSeconds(2);

  private static final Logger log = LoggerFactory.getLogger(AgentPool.class);

  /** What is needed to start the processes of one harness. */
  record Parts(HarnessConfig.Program program, AgentHarness.Opener opener, ScheduledExecutorService timer) {}

  private record Waiter(
      String conversation,
      Path directory,
      String session,
      BooleanSupplier wanted,
      CompletableFuture<AgentConnection> place) {}

  private final Parts parts;
  private final Consumer<HarnessFault> lost;
  private final Set<AgentSlot> slots = new LinkedHashSet<>();
  private final List<Waiter> waiters = new ArrayList<>();
  private Path lastDirectory;
  private boolean closed;

  /**
   * @param directory where the first standby works
   * @param lost hears that a standby died or that no process can be started
   */
  AgentPool(Parts parts, Path directory, Consumer<HarnessFault> lost) {
    this.parts = parts;
    this.lastDirectory = directory;
    this.lost = lost;
  }

  /**
   * Proves that the agent can be started: by the one on standby, by a new one, or by one at work when there
   * is no room.
   */
  CompletionStage<Registration> prove() {
    AgentSlot slot;
    boolean fresh;
    synchronized (this) {
      if (closed) {
        return CompletableFuture.failedStage(closing());
      }
      var room = slots.size() < parts.program().processes();
      var known = find(use -> use instanceof AgentSlot.Standby || use instanceof AgentSlot.Starting)
          .or(() -> room ? Optional.empty() : find(use -> !(use instanceof AgentSlot.Ending)));
      if (known.isEmpty() && !room) {
        return slots.iterator().next().gone.thenCompose(_ -> prove());
      }
      fresh = known.isEmpty();
      slot = known.orElseGet(() -> new AgentSlot(lastDirectory, "", new AgentSlot.Starting()));
      slots.add(slot);
    }
    if (fresh) {
      startStandby(slot);
    }
    return slot.connection.thenCompose(AgentConnection::ready);
  }

  private Optional<AgentSlot> find(Predicate<AgentSlot.Use> fits) {
    return slots.stream().filter(slot -> fits.test(slot.use)).findFirst();
  }

  /**
   * A process for a conversation, the one it had if that lives.
   *
   * @param session the agent's own id of the conversation, empty when there is none
   * @param wanted turns false when nobody waits any more
   */
  CompletionStage<AgentConnection> acquire(
      String conversation, Path directory, String session, BooleanSupplier wanted) {
    var waiter = new Waiter(conversation, directory, session, wanted, new CompletableFuture<>());
    synchronized (this) {
      if (closed) {
        return CompletableFuture.failedStage(closing());
      }
      waiters.add(waiter);
    }
    pump();
    return waiter.place;
  }

  /** The turn is over: the process stays warm for the next one of its conversation. */
  void release(AgentConnection connection) {
    synchronized (this) {
      for (var slot : slots) {
        if (holds(slot, connection) && slot.use instanceof AgentSlot.Busy(var conversation)) {
          rest(slot, new AgentSlot.Idle(conversation));
        }
      }
    }
    pump();
  }

  /** Ends the process; completes when nothing of it is left. */
  CompletionStage<Void> discard(AgentConnection connection, Duration grace) {
    List<AgentSlot> found;
    synchronized (this) {
      found = slots.stream().filter(slot -> holds(slot, connection)).toList();
    }
    found.forEach(slot -> end(slot, grace));
    return found.isEmpty() ? connection.stop(grace) : found.getFirst().gone;
  }

  CompletionStage<Void> close(Duration grace) {
    List<AgentSlot> all;
    List<Waiter> refused;
    synchronized (this) {
      closed = true;
      all = List.copyOf(slots);
      refused = List.copyOf(waiters);
      waiters.clear();
    }
    refused.forEach(waiter -> waiter.place.completeExceptionally(closing()));
    all.forEach(slot -> end(slot, grace));
    return CompletableFuture.allOf(all.stream().map(slot -> slot.gone).toArray(CompletableFuture[]::new));
  }

  private static HarnessFault closing() {
    return HarnessFault.of(Code.LOST, "the harness is being closed");
  }

  private static boolean holds(AgentSlot slot, AgentConnection connection) {
    return slot.connection.getNow(connection) == connection && slot.connection.isDone();
  }

  // ---- giving out
  /** Serves waiters in order. One that needs room lets only those pass that need none. */
  private void pump() {
    var after = new ArrayList<Runnable>();
    synchronized (this) {
      waiters.removeIf(waiter -> !waiter.wanted.getAsBoolean());
      var room = true;
      var unserved = 0;
      for (Iterator<Waiter> each = waiters.iterator(); each.hasNext();) {
        var waiter = each.next();
        if (warm(waiter, after)) {
          each.remove();
        } else if (!inUse(waiter.conversation)) {
          room = room && start(waiter, after);
          if (room) {
            each.remove();
          } else {
            unserved++;
          }
        }
      }
      makeRoom(unserved, after);
    }
    after.forEach(Runnable::run);
  }

  /** The process that has been working for the conversation, else the one on standby. */
  private boolean warm(Waiter waiter, List<Runnable> after) {
    var own = find(use -> use instanceof AgentSlot.Idle(var conversation)
        && conversation.equals(waiter.conversation));
    var found = own.or(() ->
        find(use -> use instanceof AgentSlot.Standby).filter(slot -> fits(slot, waiter)));
    if (found.isEmpty()) {
      return false;
    }
    var slot = found.get();
    if (!fits(slot, waiter)) {
      retire(slot, after); // Its workspace has changed, or it can only go on with another session.
      return false;
    }
    if (!slot.connection.join().alive()) {
      after.add(() -> died(slot, HarnessFault.of(Code.LOST, "the process died while it was not in use")));
      return false;
    }
    if (own.isEmpty()) {
      parts.timer().schedule(this::restock, RESTOCK.toMillis(), TimeUnit.MILLISECONDS);
    }
    slot.use = new AgentSlot.Busy(waiter.conversation);
    after.add(() -> waiter.place.complete(slot.connection.join()));
    return true;
  }

  private static boolean fits(AgentSlot slot, Waiter waiter) {
    return slot.directory.equals(waiter.directory) && slot.connection.join().serves(waiter.session);
  }

  /** One conversation, one process: the next one starts when nothing of the last one is left. */
  private boolean inUse(String wanted) {
    return slots.stream().anyMatch(slot -> switch (slot.use) {
      case AgentSlot.Busy(var conversation) -> conversation.equals(wanted);
      // It did not serve: it is about to be ended.
      case AgentSlot.Idle(var conversation) -> conversation.equals(wanted);
      case AgentSlot.Ending(var conversation) -> conversation.equals(wanted);
      case AgentSlot.Starting _, AgentSlot.Standby _ -> false;
    });
  }

  private boolean start(Waiter waiter, List<Runnable> after) {
    if (slots.size() >= parts.program().processes()) {
      return false;
    }
    var slot = new AgentSlot(waiter.directory, waiter.session, new AgentSlot.Busy(waiter.conversation));
    slots.add(slot);
    lastDirectory = waiter.directory;
    after.add(() -> startFor(waiter, slot));
    return true;
  }

  /** Ends processes that nobody uses: as many as are missing, with those that are ending already. */
  private void makeRoom(int places, List<Runnable> after) {
    long ending = slots.stream().filter(slot -> slot.use instanceof AgentSlot.Ending).count();
    slots.stream()
        .filter(slot -> slot.use instanceof AgentSlot.Standby || slot.use instanceof AgentSlot.Idle)
        .limit(Math.max(0, places - ending))
        .toList()
        .forEach(slot -> retire(slot, after));
  }

  // ---- starting and ending
  private AgentConnection open(AgentSlot slot) {
    var connection = parts.opener().open(slot.directory, slot.session);
    slot.connection.complete(connection);
    connection.ended().thenAccept(fault -> died(slot, fault));
    return connection;
  }

  private void startFor(Waiter waiter, AgentSlot slot) {
    var connection = open(slot);
    connection.ready().whenComplete((_, failure) -> {
      if (failure == null) {
        waiter.place.complete(connection);
        return;
      }
      var fault = HarnessFault.in(failure);
      end(slot, Duration.ZERO);
      lost.accept(fault);
      waiter.place.completeExceptionally(fault);
    });
  }

  private void startStandby(AgentSlot slot) {
    open(slot).ready().whenComplete((_, failure) -> {
      if (failure != null) {
        var fault = HarnessFault.in(failure);
        // What the program itself says of it; nobody has said anything to it yet.
        log.warn("agent.not_started name={} code={} cause=\"{}\" stderr=\"{}\"", parts.program().name(),
            fault.code(), fault.getMessage(), slot.connection.join().errorTail());
        end(slot, Duration.ZERO);
        return;
      }
      synchronized (this) {
        if (slot.use instanceof AgentSlot.Starting) {
          rest(slot, new AgentSlot.Standby());
        }
      }
      pump();
    });
  }

  private void restock() {
    var slot = new AgentSlot(lastDirectory, "", new AgentSlot.Starting());
    synchronized (this) {
      var stocked = slots.stream()
          .anyMatch(each -> each.use instanceof AgentSlot.Standby || each.use instanceof AgentSlot.Starting);
      if (closed || stocked || !waiters.isEmpty() || slots.size() >= parts.program().processes()) {
        return;
      }
      slots.add(slot);
    }
    startStandby(slot);
    slot.connection.thenCompose(AgentConnection::ready).whenComplete((_, failure) -> {
      if (failure != null) {
        lost.accept(HarnessFault.in(failure));
      }
    });
  }

  /** Leaves a process to itself, until it is needed or has been unused for too long. */
  private void rest(AgentSlot slot, AgentSlot.Use use) {
    slot.use = use;
    parts.timer().schedule(() -> {
      var after = new ArrayList<Runnable>();
      synchronized (this) {
        if (slot.use == use) {
          retire(slot, after);
        }
      }
      after.forEach(Runnable::run);
    }, parts.program().idleClose().toMillis(), TimeUnit.MILLISECONDS);
  }

  private void died(AgentSlot slot, HarnessFault fault) {
    boolean standby;
    synchronized (this) {
      standby = slot.use instanceof AgentSlot.Standby;
    }
    end(slot, Duration.ZERO); // It is dead; what it started may not be.
    if (standby) {
      lost.accept(fault);
    }
  }

  private void end(AgentSlot slot, Duration grace) {
    synchronized (this) {
      if (slot.use instanceof AgentSlot.Ending) {
        return;
      }
      slot.use = ending(slot.use);
    }
    stop(slot, grace);
  }

  /**
   * Takes a process out of use under the lock, or the next look would still give it out, and ends it after
   * that.
   */
  private void retire(AgentSlot slot, List<Runnable> after) {
    slot.use = ending(slot.use);
    after.add(() -> stop(slot, GRACE));
  }

  private static AgentSlot.Ending ending(AgentSlot.Use use) {
    return new AgentSlot.Ending(switch (use) {
      case AgentSlot.Busy(var conversation) -> conversation;
      case AgentSlot.Idle(var conversation) -> conversation;
      case AgentSlot.Starting _, AgentSlot.Standby _, AgentSlot.Ending _ -> "";
    });
  }

  private void stop(AgentSlot slot, Duration grace) {
    slot.connection.thenCompose(connection -> connection.stop(grace)).whenComplete((_, _) -> {
      synchronized (this) {
        slots.remove(slot);
      }
      slot.gone.complete(null);
      pump();
    });
  }
}
