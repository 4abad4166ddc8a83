package dev.portcullis.session;

import dev.portcullis.protocol.SessionRow;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.receptionist.Receptionist;
import org.apache.pekko.actor.typed.receptionist.ServiceKey;

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

  /** Counts this owner's sessions, or all of them. */
  public record GetTotals(String owner, ActorRef<Sessions.Totals> replyTo) implements Command {}

  /** Names a viewer for as long as it looks; one that asks again takes back what it asked before. */
  static final class Viewer {}

  /**
   * Answered with rows that have changed above a position.
   *
   * @param after what the viewer has seen; below zero for one that has seen nothing
   * @param snapshot up to there it is told only of what exists, and what it asked for
   * @param waits whether it is answered only once there is something to tell
   */
  record Next(
      Viewer viewer, long after, long snapshot, Sessions.Watch watch, int max, boolean waits,
      ActorRef<Told> replyTo)
      implements Command {}

  /**
   * @param seen the position that the viewer has seen with these rows
   * @param full whether this begins with everything there is, because {@code after} reaches nothing here
   * @param head whether there is nothing more now
   */
  record Told(List<SessionRow> rows, long seen, long snapshot, boolean full, boolean head) {}

  /**
   * Rows that this node has not from a session of its own: of a session on another node, or out of the index.
   * Never told on to other nodes.
   */
  public record Heard(List<SessionRow> rows) implements Command, Wire {
    public Heard {
      rows = List.copyOf(rows);
    }
  }

  /** From another node's directory: from now on it tells this one of every change. */
  public record Greeting() implements Command, Wire {}

  record PeersChanged(Set<ActorRef<Command>> directories) implements Command {}

  record RereadDue() implements Command {}

  /** @param before what was known, and as of which revision, when the reading began */
  record Reread(List<SessionRow> rows, Map<String, Long> before) implements Command {}

  record RereadFailed(String cause) implements Command {}

  static final ServiceKey<Command> PEERS = ServiceKey.create(Command.class, "directory");
  private static final Duration REREAD = Duration.ofSeconds(30);
  private static final int ERASED_MAX = 10_000;

  // ---- state
  private final Map<String, SessionRow> byKey = new HashMap<>();
  private final RowShelves shelves = new RowShelves();
  private final RowChanges changes = new RowChanges();
  private final RowSums all = new RowSums();
  private final Map<String, RowSums> byOwner = new HashMap<>();
  private final Map<Viewer, Next> waiting = new LinkedHashMap<>();
  /** As of which revision: an older row may still be on its way from another node, or out of the index. */
  private final Map<String, Long> erased = new LinkedHashMap<>() {
    @Override
    protected boolean removeEldestEntry(Map.Entry<String, Long> eldest) {
      return size() > ERASED_MAX;
    }
  };
  private final ActorContext<Command> context;
  private final Supplier<CompletionStage<List<SessionRow>>> index;
  private Set<ActorRef<Command>> peers = Set.of();
  private boolean rereading;
  private boolean rereadAgain;

  // ---- behaviour
  /** @param rows what the journal's index holds at boot */
  public static Behavior<Command> create(List<SessionRow> rows) {
    return Behaviors.setup(context ->
        new Directory(context, () -> CompletableFuture.completedFuture(List.of())).running(rows));
  }

  /**
   * One of several, on as many nodes. Each tells the others of the sessions of its own node; what gets lost
   * is found in the index, which is read again when a node comes or goes, and now and then.
   *
   * @param rows what the journal's index holds at boot
   * @param index reads it again
   */
  public static Behavior<Command> clustered(
      List<SessionRow> rows, Supplier<CompletionStage<List<SessionRow>>> index) {
    return Behaviors.setup(context -> Behaviors.withTimers(timers -> {
      var receptionist = context.getSystem().receptionist();
      receptionist.tell(Receptionist.register(PEERS, context.getSelf()));
      receptionist.tell(Receptionist.subscribe(PEERS, context.messageAdapter(
          Receptionist.Listing.class, listing -> new PeersChanged(listing.getServiceInstances(PEERS)))));
      timers.startTimerWithFixedDelay(new RereadDue(), REREAD);
      return new Directory(context, index).running(rows);
    }));
  }

  /** False when {@code cursor} is not one that a page has named. */
  public static boolean isCursor(String cursor) {
    return RowShelves.isCursor(cursor);
  }

  private Directory(
      ActorContext<Command> context, Supplier<CompletionStage<List<SessionRow>>> index) {
    this.context = context;
    this.index = index;
  }

  private Behavior<Command> running(List<SessionRow> rows) {
    // In the order of their changes, as if they had been told one by one.
    rows.stream().sorted(Comparator.comparing(SessionRow::updatedAt)).forEach(this::put);
    return Behaviors.receiveMessage(this::onCommand);
  }

  private Behavior<Command> onCommand(Command command) {
    switch (command) {
      case Changed(var row) -> changeHere(row);
      case Quarantined(var entityId) -> quarantine(entityId);
      case ListRows(var query, var replyTo) -> replyTo.tell(shelves.page(query));
      case GetRow(var key, var replyTo) ->
          replyTo.tell(byKey.containsKey(key) ? List.of(byKey.get(key)) : List.of());
      case GetTotals(var owner, var replyTo) -> replyTo.tell(sums(owner).totals());
      case Next next -> next(next);
      case Heard(var rows) -> rows.forEach(this::change);
      case PeersChanged(var directories) -> peersChanged(directories);
      case Greeting _, RereadDue _ -> reread();
      case Reread(var rows, var before) -> reread(rows, before);
      case RereadFailed(var cause) -> {
        context.getLog().warn("directory.reread_failed cause={}", cause);
        rereading = false;
      }
    }
    return Behaviors.same();
  }

  /** What a peer had not been told before the greeting, it finds in the index after it. */
  private void peersChanged(Set<ActorRef<Command>> directories) {
    var others = new HashSet<>(directories);
    others.remove(context.getSelf());
    others.stream().filter(other -> !peers.contains(other)).forEach(other -> other.tell(new Greeting()));
    if (!others.equals(peers)) {
      peers = Set.copyOf(others);
      reread(); // A peer that is gone may have taken its last words with it.
    }
  }

  private void reread() {
    if (rereading) {
      rereadAgain = true;
      return;
    }
    rereading = true;
    rereadAgain = false;
    var before = byKey.values().stream().collect(Collectors.toMap(SessionRow::key, SessionRow::rev));
    context.pipeToSelf(index.get(), (rows, failure) ->
        failure == null ? new Reread(rows, before) : new RereadFailed(failure.toString()));
  }

  private void reread(List<SessionRow> rows, Map<String, Long> before) {
    rows.forEach(this::change);
    // Known before the reading, on the disk before it was known, and not there any more: erased.
    var gone = new HashMap<>(before);
    rows.forEach(row -> gone.remove(row.key()));
    gone.forEach((key, rev) -> {
      var known = byKey.get(key);
      // What damage has left of a session may be in no row of the index; nobody can erase that.
      if (known != null && known.rev() == rev && !known.status().equals(SessionRow.QUARANTINED)) {
        change(erased(known));
      }
    });
    rereading = false;
    if (rereadAgain) {
      reread();
    }
  }

  private static SessionRow erased(SessionRow row) {
    return new SessionRow(row.key(), row.sessionId(), row.agent(), row.title(), SessionRow.ERASED,
        false, false,
        List.of(), 0, 0, 0, row.lastRunId(), row.usage(), 0, 0, row.createdAt(), row.updatedAt(),
        row.rev() + 1, row.owner());
  }

  /** A session of this node: the others hear of it too. */
  private void changeHere(SessionRow row) {
    change(row);
    peers.forEach(peer -> peer.tell(new Heard(List.of(row))));
  }

  private void change(SessionRow row) {
    var known = byKey.get(row.key());
    if (row.rev() <= (known == null ? erased.getOrDefault(row.key(), -1L) : known.rev())) {
      return;
    }
    if (row.erased()) {
      erased.put(row.key(), row.rev());
      if (known == null) {
        return;
      }
    }
    if (known != null && !known.owner().equals(row.owner())) { // Erased, and begun by somebody else.
      changes.add(erased(known));
    }
    put(row);
    List.copyOf(waiting.values()).forEach(this::next);
  }

  /** Hashes every key, which is rare enough; what the key becomes is not kept for every session. */
  private void quarantine(String entityId) {
    byKey.values().stream()
        .filter(row -> !row.status().equals(SessionRow.QUARANTINED))
        .filter(row -> new SessionKey(row.key()).entityId().equals(entityId))
        .findFirst()
        .map(Rows::quarantined)
        .ifPresent(this::changeHere);
  }

  private void next(Next next) {
    waiting.remove(next.viewer());
    var told = told(next);
    if (next.waits() && told.rows().isEmpty() && told.head() && !told.full()) {
      waiting.put(next.viewer(), next); // One that has given up stays until the next change, no longer.
    } else {
      next.replyTo().tell(told);
    }
  }

  private Told told(Next next) {
    // Of what a snapshot is about only what there is must be told: what was erased since is not missed.
    boolean full = next.after() < 0 || !changes.reaches(Math.max(next.after(), next.snapshot()));
    if (full && next.watch().activeOnly()) {
      var active = List.copyOf(shelves.active(next.watch()));
      return new Told(active, changes.head(), changes.head(), true, true);
    }
    return full
        ? changes.after(0, changes.head(), next, true)
        : changes.after(next.after(), next.snapshot(), next, false);
  }

  private void put(SessionRow row) {
    changes.add(row);
    var old = byKey.remove(row.key());
    if (old != null) {
      shelves.remove(old);
      all.remove(old);
      byOwner.computeIfPresent(old.owner(), (_, sums) -> sums.remove(old) ? sums : null);
    }
    if (!row.erased()) {
      byKey.put(row.key(), row);
      shelves.add(row);
      all.add(row);
      byOwner.computeIfAbsent(row.owner(), _ -> new RowSums()).add(row);
    }
  }

  private RowSums sums(String owner) {
    return owner.isEmpty() ? all : byOwner.getOrDefault(owner, RowSums.NOTHING);
  }
}
