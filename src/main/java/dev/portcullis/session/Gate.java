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

  /** Moves on; a later state is never left for an earlier one, except that storage can come back. */
  public void moveTo(State next) {
    state.updateAndGet(now -> {
      boolean roomAgain = now == State.STORAGE_LOW && next == State.OPEN;
      return roomAgain || next.compareTo(now) > 0 ? next : now;
    });
  }
}
