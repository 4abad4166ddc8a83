package dev.portcullis.session;

import dev.portcullis.protocol.SessionRow;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;

/**
 * Rows in the order of their last change, and their sums: of all sessions, or of one owner's. What one owner
 * asks costs what its own rows cost, however many there are of others.
 */
final class Shelf {
  /** Never added to. */
  static final Shelf EMPTY = new Shelf();

  /** Newest first; the key decides between equals. */
  private record Place(Instant updatedAt, String key) implements Comparable<Place> {
    private static final Comparator<Place> ORDER =
        Comparator.comparing(Place::updatedAt).reversed().thenComparing(Place::key);

    static Place of(SessionRow row) {
      return new Place(row.updatedAt(), row.key());
    }

    @Override
    public int compareTo(Place other) {
      return ORDER.compare(this, other);
    }

    String cursor() {
      return updatedAt.getEpochSecond() + "." + updatedAt.getNano() + ":" + key;
    }

    static Place from(String cursor) {
      int dot = cursor.indexOf('.');
      int colon = cursor.indexOf(':');
      var at = Instant.ofEpochSecond(
          Long.parseLong(cursor.substring(0, dot)), Long.parseLong(cursor.substring(dot + 1, colon)));
      return new Place(at, cursor.substring(colon + 1));
    }
  }


  private final TreeMap<Place, SessionRow> rows = new TreeMap<>();
  private long accepted;
  private long terminal;
  private long active;
  private long queued;
  private long interrupted;
  private long parked;
  private long quarantined;

  void add(SessionRow row) {
    rows.put(Place.of(row), row);
    count(row, 1);
  }

  /** False when nothing is left. */
  boolean remove(SessionRow row) {
    rows.remove(Place.of(row));
    count(row, -1);
    return !rows.isEmpty();
  }

  /** Newest first. */
  Collection<SessionRow> rows() {
    return rows.values();
  }

  private void count(SessionRow row, int sign) {
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
        rows.size(), accepted, terminal, active + queued + interrupted, active, queued, interrupted, parked,
        quarantined);
  }

  Sessions.Page page(Sessions.Query query) {
    var from = query.cursor().isEmpty() ? rows : rows.tailMap(Place.from(query.cursor()), false);
    var page = new ArrayList<SessionRow>();
    for (var row : from.values()) {
      if (page.size() > query.limit()) {
        break;
      }
      if ((query.agent().isEmpty() || query.agent().equals(row.agent()))
          && (!query.activeOnly() || row.hasActiveRun())) {
        page.add(row);
      }
    }
    return page.size() > query.limit()
        ? new Sessions.Page(
            List.copyOf(page.subList(0, query.limit())), Place.of(page.get(query.limit() - 1)).cursor())
        : new Sessions.Page(List.copyOf(page), "");
  }
}
