package dev.portcullis.session;

import dev.portcullis.protocol.SessionRow;

/** What rows add up to: all of them, or one owner's. One thread. */
final class RowSums {
  /** Never added to. */
  static final RowSums NOTHING = new RowSums();

  private long sessions;
  private long accepted;
  private long terminal;
  private long active;
  private long queued;
  private long interrupted;
  private long parked;
  private long quarantined;

  void add(SessionRow row) {
    count(row, 1);
  }

  /** False when nothing is left. */
  boolean remove(SessionRow row) {
    count(row, -1);
    return sessions > 0;
  }

  private void count(SessionRow row, int sign) {
    sessions += sign;
    accepted += sign * row.accepted();
    terminal += sign * row.terminal();
    active += sign * row.activeRunIds().size();
    queued += sign * row.queued();
    interrupted += sign * row.interrupted();
    parked += sign * row.parked();
    quarantined += row.status().equals(SessionRow.QUARANTINED) ? sign : 0;
  }

  Sessions.Totals totals() {
    return new Sessions.Totals(
        sessions, accepted, terminal, active + queued + interrupted, active, queued, interrupted, parked,
        quarantined);
  }
}
