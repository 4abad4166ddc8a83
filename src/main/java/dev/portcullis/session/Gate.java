package dev.portcullis.session;

import java.util.concurrent.atomic.AtomicReference;

/**
 * Whether this node takes work: one value, set by the guardian, read by everything that accepts or starts.
 */
public final class Gate {
  /** In the order of a life; a gate never goes back, but for OPEN and STORAGE_LOW. */
  public enum State { BOOTING, OPEN, STORAGE_LOW, DRAINING, FENCED }

  private final AtomicReference<State> state = new AtomicReference<>(State.BOOTING);

  public State state() {
    return state.get();
  }

  /** New turns are taken. */
  public boolean accepts() {
    return state.get() == State.OPEN;
  }

  /** Attempts may be started: also while booting, when recovered runs go on. */
  public boolean starts() {
    return state.get().compareTo(State.DRAINING) < 0;
  }

  /**
   * What counts for a turn that was asked for at a node whose gate is {@code asked}, when its session is
   * here. A node that stops takes no turns, wherever their sessions are; and a turn that another node takes
   * is none of its business: it waits here for the next owner.
   */
  State forTurnOf(State asked) {
    var own = state();
    return switch (own) {
      case FENCED, STORAGE_LOW -> own;
      case BOOTING, OPEN, DRAINING -> asked;
    };
  }

  /** Moves on; a later state is never left for an earlier one, except that storage can come back. */
  public void moveTo(State next) {
    state.updateAndGet(now -> {
      boolean roomAgain = now == State.STORAGE_LOW && next == State.OPEN;
      return roomAgain || next.compareTo(now) > 0 ? next : now;
    });
  }
}
