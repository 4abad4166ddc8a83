package dev.portcullis.session;

import dev.portcullis.protocol.SessionRow;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.Terminated;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * The read side: every session's row, and the only publisher of changed rows. A session tells it of a new row
 * before it tells anybody of the event behind it, so a list asked for after an event always knows of it
 * (INV-A2).
 */
public final class Directory {
  // ---- protocol
  public sealed interface Command {}

  /** A session's newest row. Older ones than known are ignored. */
  public record Changed(SessionRow row) implements Command {}

  /** The session's history cannot be proved: its row, if there is one, is shown so. */
  record Quarantined(String entityId) implements Command {}

  public record ListRows(Sessions.Query query, ActorRef<Sessions.Page> replyTo) implements Command {}

  /** Answers with one row, or none. */
  public record GetRow(String key, ActorRef<List<SessionRow>> replyTo) implements Command {}

  public record GetTotals(ActorRef<Sessions.Totals> replyTo) implements Command {}

  /** Sends every row, then every changed one. */
  public record Subscribe(ActorRef<SessionRow> viewer) implements Command {}

  /** Keys of sessions with an attempt under way. */
  public record GetActive(ActorRef<List<String>> replyTo) implements Command {}

  // ---- state
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

  private final Map<String, SessionRow> byKey = new HashMap<>();
  private final TreeMap<Place, SessionRow> byTime = new TreeMap<>();
  private final Set<ActorRef<SessionRow>> viewers = new LinkedHashSet<>();
  private final ActorContext<Command> context;
  private long accepted;
  private long terminal;
  private long active;
  private long queued;
  private long interrupted;
  private long parked;
  private long quarantined;

  // ---- behaviour
  /** @param rows what the journal's index holds at boot */
  public static Behavior<Command> create(List<SessionRow> rows) {
    return Behaviors.setup(context -> {
      var directory = new Directory(context);
      rows.forEach(directory::put);
      return directory.running();
    });
  }

  /** False when {@code cursor} is not one that a page has named. */
  public static boolean isCursor(String cursor) {
    return cursor.isEmpty() || cursor.matches("-?[0-9]{1,12}\\.[0-9]{1,9}:.+");
  }

  private Directory(ActorContext<Command> context) {
    this.context = context;
  }

  private Behavior<Command> running() {
    return Behaviors.receive(Command.class)
        .onAnyMessage(this::onCommand)
        .onSignal(Terminated.class, gone -> {
          viewers.removeIf(viewer -> viewer.equals(gone.getRef()));
          return Behaviors.same();
        })
        .build();
  }

  private Behavior<Command> onCommand(Command command) {
    switch (command) {
      case Changed(var row) -> change(row);
      case Quarantined(var entityId) -> quarantine(entityId);
      case ListRows(var query, var replyTo) -> replyTo.tell(page(query));
      case GetRow(var key, var replyTo) ->
          replyTo.tell(byKey.containsKey(key) ? List.of(byKey.get(key)) : List.of());
      case GetTotals(var replyTo) -> replyTo.tell(totals());
      case GetActive(var replyTo) -> replyTo.tell(
          byKey.values().stream().filter(SessionRow::hasActiveRun).map(SessionRow::key).toList());
      case Subscribe(var viewer) -> subscribe(viewer);
    }
    return Behaviors.same();
  }

  private void change(SessionRow row) {
    var known = byKey.get(row.key());
    if (known != null && known.rev() >= row.rev()) {
      return;
    }
    put(row);
    viewers.forEach(viewer -> viewer.tell(row));
  }

  /** Hashes every key, which is rare enough; what the key becomes is not kept for every session. */
  private void quarantine(String entityId) {
    byKey.values().stream()
        .filter(row -> !row.status().equals(SessionRow.QUARANTINED))
        .filter(row -> new SessionKey(row.key()).entityId().equals(entityId))
        .findFirst()
        .ifPresent(row -> change(Rows.quarantined(row)));
  }

  private void subscribe(ActorRef<SessionRow> viewer) {
    if (viewers.add(viewer)) {
      context.watch(viewer);
    }
    byTime.values().forEach(viewer::tell);
  }

  private void put(SessionRow row) {
    var old = byKey.remove(row.key());
    if (old != null) {
      byTime.remove(Place.of(old));
      count(old, -1);
    }
    if (!row.status().equals("erased")) {
      byKey.put(row.key(), row);
      byTime.put(Place.of(row), row);
      count(row, 1);
    }
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

  private Sessions.Totals totals() {
    return new Sessions.Totals(
        byKey.size(),
        accepted,
        terminal,
        active + queued + interrupted,
        active,
        queued,
        interrupted,
        parked,
        quarantined);
  }

  private Sessions.Page page(Sessions.Query query) {
    var from = query.cursor().isEmpty() ? byTime : byTime.tailMap(Place.from(query.cursor()), false);
    var rows = new ArrayList<SessionRow>();
    for (var row : from.values()) {
      if (rows.size() > query.limit()) {
        break;
      }
      if ((query.agent().isEmpty() || query.agent().equals(row.agent()))
          && (!query.activeOnly() || row.hasActiveRun())) {
        rows.add(row);
      }
    }
    return rows.size() > query.limit()
        ? new Sessions.Page(
            List.copyOf(rows.subList(0, query.limit())), Place.of(rows.get(query.limit() - 1)).cursor())
        : new Sessions.Page(List.copyOf(rows), "");
  }
}
