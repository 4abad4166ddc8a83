package dev.portcullis.session;

import dev.portcullis.protocol.SessionRow;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Every row at the position of its newest change. What a viewer has not seen yet is what stands above the
 * position it has seen, however long it was away and however often a row has changed meanwhile; so nothing
 * is kept for any viewer. Erased rows stay for a while, so that viewers hear of it. One thread.
 */
final class RowChanges {
  /** Rows that one look passes over, wanted or not: the directory has others to serve. */
  private static final int LOOK = 2_000;

  private static final int ERASED_MAX = 10_000;

  private final TreeMap<Long, SessionRow> rows = new TreeMap<>();
  private final Map<String, Long> positions = new HashMap<>();
  private final TreeMap<Long, String> erased = new TreeMap<>();
  private long head;
  private long forgotten;

  void add(SessionRow row) {
    var name = name(row);
    var before = positions.put(name, ++head);
    if (before != null) {
      rows.remove(before);
      erased.remove(before);
    }
    rows.put(head, row);
    if (row.erased()) {
      erased.put(head, name);
    }
    if (erased.size() > ERASED_MAX) {
      var oldest = erased.pollFirstEntry();
      rows.remove(oldest.getKey());
      positions.remove(oldest.getValue());
      forgotten = oldest.getKey();
    }
  }

  /** A key that somebody else begins anew is another row: whose it was must still hear that it is gone. */
  private static String name(SessionRow row) {
    return row.owner() + '\0' + row.key();
  }

  /** Position of the newest change of all. */
  long head() {
    return head;
  }

  /** Whether all that has happened above {@code position} can still be told. */
  boolean reaches(long position) {
    return forgotten <= position && position <= head;
  }

  /**
   * The next rows that {@code next} has not seen, oldest change first, not necessarily all of them.
   *
   * @param after position above which they stand
   * @param snapshot up to there only what exists is told, and of that what the viewer asks for
   */
  Directory.Told after(long after, long snapshot, Directory.Next next, boolean full) {
    var found = new ArrayList<SessionRow>();
    long seen = after;
    int looked = 0;
    for (var entry : rows.tailMap(after, false).entrySet()) {
      if (looked++ == LOOK || found.size() == next.max()) {
        return new Directory.Told(List.copyOf(found), seen, snapshot, full, false);
      }
      seen = entry.getKey();
      var row = entry.getValue();
      boolean wanted = seen > snapshot || !row.erased() && (row.hasActiveRun() || !next.watch().activeOnly());
      if (wanted && next.watch().wants(row)) {
        found.add(row);
      }
    }
    return new Directory.Told(List.copyOf(found), head, snapshot, full, true);
  }
}
