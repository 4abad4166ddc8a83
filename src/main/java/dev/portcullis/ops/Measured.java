package dev.portcullis.ops;

import java.util.Map;

/**
 * What metrics show, at one instant.
 *
 * @param runs state to number of runs: active, queued, interrupted, parked
 * @param accepted turns ever accepted; grows only
 * @param terminal runs ever ended; grows only
 * @param harnesses name to whether it can take a turn
 * @param journalEvents events written in this incarnation
 * @param journalBatches commits they took
 * @param quarantined sessions whose history is damaged
 * @param approvals questions of agents that wait for a person
 */
public record Measured(
    boolean ready,
    Map<String, Long> runs,
    long accepted,
    long terminal,
    Map<String, Boolean> harnesses,
    long journalEvents,
    long journalBatches,
    long quarantined,
    long approvals) {
  /** Before anything stands. */
  public static final Measured NOTHING = new Measured(false, Map.of(), 0, 0, Map.of(), 0, 0, 0, 0);

  public Measured {
    runs = Map.copyOf(runs);
    harnesses = Map.copyOf(harnesses);
  }
}
