package dev.portcullis.session;

import dev.portcullis.protocol.SessionRow;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Rows in the order of their last change, newest first: all of them, and once more those of each kind that
 * lists ask for, so that a page costs as much as it is long. One thread.
 */
final class RowShelves {
  /** What a list may ask for. {@code owner} and {@code agent} are empty for all. */
  private record Shelf(String owner, String agent, boolean activeOnly) {
    /** Where a row stands; whatever else lists may ask for gets its place here. */
    static Stream<Shelf> of(SessionRow row) {
      var owners = row.owner().isEmpty() ? List.of("") : List.of("", row.owner());
      return owners.stream().flatMap(owner -> Stream.of("", row.agent()).flatMap(agent -> row.hasActiveRun()
          ? Stream.of(new Shelf(owner, agent, false), new Shelf(owner, agent, true))
          : Stream.of(new Shelf(owner, agent, false))));
    }
  }

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

  private static final TreeMap<Place, SessionRow> EMPTY = new TreeMap<>();

  private final Map<Shelf, TreeMap<Place, SessionRow>> shelves = new HashMap<>();

  /** False when {@code cursor} is not one that a page has named. */
  static boolean isCursor(String cursor) {
    return cursor.isEmpty() || cursor.matches("-?[0-9]{1,12}\\.[0-9]{1,9}:.+");
  }

  void add(SessionRow row) {
    var place = Place.of(row);
    Shelf.of(row).forEach(shelf ->
        shelves.computeIfAbsent(shelf, _ -> new TreeMap<>()).put(place, row));
  }

  /** Takes out what {@link #add} has put in. */
  void remove(SessionRow row) {
    Shelf.of(row).forEach(shelf -> shelves.computeIfPresent(shelf, (_, rows) -> {
      rows.remove(Place.of(row));
      return rows.isEmpty() ? null : rows;
    }));
  }

  /** Every row with an active run. */
  Collection<SessionRow> active(Sessions.Watch watch) {
    return rows(new Shelf(watch.owner(), watch.agent(), true)).values();
  }

  Sessions.Page page(Sessions.Query query) {
    var all = rows(new Shelf(query.owner(), query.agent(), query.activeOnly()));
    var from = query.cursor().isEmpty() ? all : all.tailMap(Place.from(query.cursor()), false);
    List<SessionRow> rows = from.values().stream().limit(query.limit() + 1L).toList();
    return rows.size() > query.limit()
        ? new Sessions.Page(
            List.copyOf(rows.subList(0, query.limit())), Place.of(rows.get(query.limit() - 1)).cursor())
        : new Sessions.Page(rows, "");
  }

  private TreeMap<Place, SessionRow> rows(Shelf shelf) {
    return shelves.getOrDefault(shelf, EMPTY);
  }
}
