package dev.portcullis.harness.acp;

import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.acp.AcpConnection.Parts;
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
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * The processes of one harness: one per conversation, one more on standby while there is room. Who finds no
 * room waits in order. Decisions are made under the lock, everything that may call back is done after it.
 */
final class AcpPool {
  /** What a process that nobody needs gets to go quietly. */
  private static final Duration GRACE = Duration.ofSeconds(10);
  /** A new standby waits until the attempt that took the old one is on its way. */
  private static final Duration RESTOCK = Duration.ofSeconds(2);

  private record Waiter(
      String conversation, Path directory, BooleanSupplier wanted, CompletableFuture<AcpConnection> place) {}

  private final Parts parts;
  private final Consumer<HarnessFault> lost;
  private final Set<AcpSlot> slots = new LinkedHashSet<>();
  private final List<Waiter> waiters = new ArrayList<>();
  private Path lastDirectory;
  private boolean closed;

  /**
   * @param directory where the first standby works
   * @param lost hears that a standby died or that no process can be started
   */
  AcpPool(Parts parts, Path directory, Consumer<HarnessFault> lost) {
    this.parts = parts;
    this.lastDirectory = directory;
    this.lost = lost;
  }

  /**
   * Proves that the agent can be started: by the one on standby, by a new one, or by one at work when there
   * is no room.
   */
  CompletionStage<AcpAgent> prove() {
    AcpSlot slot;
    boolean fresh;
    synchronized (this) {
      if (closed) {
        return CompletableFuture.failedStage(closing());
      }
      var room = slots.size() < parts.config().program().processes();
      var known = find(use -> use instanceof AcpSlot.Standby || use instanceof AcpSlot.Starting)
          .or(() -> room ? Optional.empty() : find(use -> !(use instanceof AcpSlot.Ending)));
      if (known.isEmpty() && !room) {
        return slots.iterator().next().gone.thenCompose(_ -> prove());
      }
      fresh = known.isEmpty();
      slot = known.orElseGet(() -> new AcpSlot(lastDirectory, new AcpSlot.Starting()));
      slots.add(slot);
    }
    if (fresh) {
      startStandby(slot);
    }
    return slot.connection.thenCompose(AcpConnection::ready);
  }

  private Optional<AcpSlot> find(Predicate<AcpSlot.Use> fits) {
    return slots.stream().filter(slot -> fits.test(slot.use)).findFirst();
  }

  /**
   * A process for a conversation, the one it had if that lives. {@code wanted} turns false when nobody waits
   * any more.
   */
  CompletionStage<AcpConnection> acquire(String conversation, Path directory, BooleanSupplier wanted) {
    var waiter = new Waiter(conversation, directory, wanted, new CompletableFuture<>());
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
  void release(AcpConnection connection) {
    synchronized (this) {
      for (var slot : slots) {
        if (holds(slot, connection) && slot.use instanceof AcpSlot.Busy(var conversation)) {
          rest(slot, new AcpSlot.Idle(conversation));
        }
      }
    }
    pump();
  }

  /** Ends the process; completes when nothing of it is left. */
  CompletionStage<Void> discard(AcpConnection connection, Duration grace) {
    List<AcpSlot> found;
    synchronized (this) {
      found = slots.stream().filter(slot -> holds(slot, connection)).toList();
    }
    found.forEach(slot -> end(slot, grace));
    return found.isEmpty() ? connection.stop(grace) : found.getFirst().gone;
  }

  CompletionStage<Void> close(Duration grace) {
    List<AcpSlot> all;
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

  private static boolean holds(AcpSlot slot, AcpConnection connection) {
    return slot.connection.getNow(connection) == connection && slot.connection.isDone();
  }

  // ---- giving out
  /** Serves waiters in order. One that needs room lets only those pass that need none. */
  private void pump() {
    var after = new ArrayList<Runnable>();
    synchronized (this) {
      waiters.removeIf(waiter -> !waiter.wanted.getAsBoolean());
      var room = true;
      for (Iterator<Waiter> each = waiters.iterator(); each.hasNext();) {
        var waiter = each.next();
        if (warm(waiter, after)) {
          each.remove();
        } else if (!inUse(waiter.conversation)) {
          room = room && start(waiter, after);
          if (room) {
            each.remove();
          }
        }
      }
    }
    after.forEach(Runnable::run);
  }

  /** The process that has been working for the conversation, else the one on standby. */
  private boolean warm(Waiter waiter, List<Runnable> after) {
    var own = find(use -> use instanceof AcpSlot.Idle(var conversation)
        && conversation.equals(waiter.conversation));
    var found = own.or(() -> find(use -> use instanceof AcpSlot.Standby).filter(slot -> fits(slot, waiter)));
    if (found.isEmpty()) {
      return false;
    }
    var slot = found.get();
    if (!fits(slot, waiter)) {
      retire(slot, after); // Its workspace has changed.
      return false;
    }
    if (!slot.connection.join().alive()) {
      after.add(() -> died(slot, HarnessFault.of(Code.LOST, "the process died while it was not in use")));
      return false;
    }
    if (own.isEmpty()) {
      parts.timer().schedule(this::restock, RESTOCK.toMillis(), TimeUnit.MILLISECONDS);
    }
    slot.use = new AcpSlot.Busy(waiter.conversation);
    after.add(() -> waiter.place.complete(slot.connection.join()));
    return true;
  }

  private static boolean fits(AcpSlot slot, Waiter waiter) {
    return slot.directory.equals(waiter.directory);
  }

  /** One conversation, one process: the next one starts when nothing of the last one is left. */
  private boolean inUse(String wanted) {
    return slots.stream().anyMatch(slot -> switch (slot.use) {
      case AcpSlot.Busy(var conversation) -> conversation.equals(wanted);
      // It did not serve: it is about to be ended.
      case AcpSlot.Idle(var conversation) -> conversation.equals(wanted);
      case AcpSlot.Ending(var conversation) -> conversation.equals(wanted);
      case AcpSlot.Starting _, AcpSlot.Standby _ -> false;
    });
  }

  private boolean start(Waiter waiter, List<Runnable> after) {
    if (slots.size() >= parts.config().program().processes()) {
      slots.stream().filter(slot -> slot.use instanceof AcpSlot.Standby || slot.use instanceof AcpSlot.Idle)
          .findFirst()
          .ifPresent(slot -> retire(slot, after));
      return false;
    }
    var slot = new AcpSlot(waiter.directory, new AcpSlot.Busy(waiter.conversation));
    slots.add(slot);
    lastDirectory = waiter.directory;
    after.add(() -> startFor(waiter, slot));
    return true;
  }

  // ---- starting and ending
  private AcpConnection open(AcpSlot slot) {
    var connection = AcpConnection.open(parts, slot.directory);
    slot.connection.complete(connection);
    connection.ended().thenAccept(fault -> died(slot, fault));
    return connection;
  }

  private void startFor(Waiter waiter, AcpSlot slot) {
    var connection = open(slot);
    connection.ready().whenComplete((_, failure) -> {
      if (failure == null) {
        waiter.place.complete(connection);
        return;
      }
      var fault = AcpAttempt.fault(failure);
      end(slot, Duration.ZERO);
      lost.accept(fault);
      waiter.place.completeExceptionally(fault);
    });
  }

  private void startStandby(AcpSlot slot) {
    open(slot).ready().whenComplete((_, failure) -> {
      if (failure != null) {
        end(slot, Duration.ZERO);
        return;
      }
      synchronized (this) {
        if (slot.use instanceof AcpSlot.Starting) {
          rest(slot, new AcpSlot.Standby());
        }
      }
      pump();
    });
  }

  private void restock() {
    var slot = new AcpSlot(lastDirectory, new AcpSlot.Starting());
    synchronized (this) {
      var stocked = slots.stream()
          .anyMatch(each -> each.use instanceof AcpSlot.Standby || each.use instanceof AcpSlot.Starting);
      if (closed || stocked || !waiters.isEmpty() || slots.size() >= parts.config().program().processes()) {
        return;
      }
      slots.add(slot);
    }
    startStandby(slot);
    slot.connection.thenCompose(AcpConnection::ready).whenComplete((_, failure) -> {
      if (failure != null) {
        lost.accept(AcpAttempt.fault(failure));
      }
    });
  }

  /** Leaves a process to itself, until it is needed or has been unused for too long. */
  private void rest(AcpSlot slot, AcpSlot.Use use) {
    slot.use = use;
    parts.timer().schedule(() -> {
      var after = new ArrayList<Runnable>();
      synchronized (this) {
        if (slot.use == use) {
          retire(slot, after);
        }
      }
      after.forEach(Runnable::run);
    }, parts.config().program().idleClose().toMillis(), TimeUnit.MILLISECONDS);
  }

  private void died(AcpSlot slot, HarnessFault fault) {
    boolean standby;
    synchronized (this) {
      standby = slot.use instanceof AcpSlot.Standby;
    }
    end(slot, Duration.ZERO); // It is dead; what it started may not be.
    if (standby) {
      lost.accept(fault);
    }
  }

  private void end(AcpSlot slot, Duration grace) {
    synchronized (this) {
      if (slot.use instanceof AcpSlot.Ending) {
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
  private void retire(AcpSlot slot, List<Runnable> after) {
    slot.use = ending(slot.use);
    after.add(() -> stop(slot, GRACE));
  }

  private static AcpSlot.Ending ending(AcpSlot.Use use) {
    return new AcpSlot.Ending(switch (use) {
      case AcpSlot.Busy(var conversation) -> conversation;
      case AcpSlot.Idle(var conversation) -> conversation;
      case AcpSlot.Starting _, AcpSlot.Standby _, AcpSlot.Ending _ -> "";
    });
  }

  private void stop(AcpSlot slot, Duration grace) {
    slot.connection.thenCompose(connection -> connection.stop(grace)).whenComplete((_, _) -> {
      synchronized (this) {
        slots.remove(slot);
      }
      slot.gone.complete(null);
      pump();
    });
  }
}
