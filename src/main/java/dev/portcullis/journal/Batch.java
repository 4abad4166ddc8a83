package dev.portcullis.journal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * What becomes one write with one sync. Turns requests into changes: chains events to their predecessors and
 * moves the heads. A request that cannot follow is refused alone and leaves no trace.
 */
final class Batch {

  private final JournalStore store;
  private final Heads heads;
  private final List<JournalStore.Change> changes = new ArrayList<>();
  private final Map<String, Head> moved = new LinkedHashMap<>();
  private final Set<String> claimed = new HashSet<>();
  private final Set<String> snapshotted = new HashSet<>();
  private final List<StoredEvent> events = new ArrayList<>();
  private final List<Request> requests = new ArrayList<>();
  private Optional<JournalFault> unreadable = Optional.empty();
  private long bytes;

  Batch(JournalStore store, Heads heads) {
    this.store = store;
    this.heads = heads;
  }

  /**
   * Whether the request can be answered from the store as it was before this batch, and from the batch's own
   * heads.
   */
  boolean admits(Request request) {
    return unreadable.isEmpty() && switch (request) {
      case Request.Barrier _ -> true;
      // Whoever wrote before the claim may have moved the end meanwhile.
      case Request.Append(var atomic, _, _) ->
          claimed.isEmpty() || atomic.stream().noneMatch(event -> claimed.contains(event.persistenceId()));
      case Request.Claim(var persistenceId, _) -> !moved.containsKey(persistenceId);
      case Request.Stop _ -> false;
      case Request.DeleteTo(var persistenceId, _, _) ->
          !moved.containsKey(persistenceId) && !claimed.contains(persistenceId);
      case Request.Trim(var base, _, _) ->
          !moved.containsKey(base.persistenceId())
              && !claimed.contains(base.persistenceId())
              && !snapshotted.contains(base.persistenceId());
      case Request.RemoveUnchanged _ -> false; // It must see what the batch before it has set.
      case Request.PutSnapshot(var snapshot, _) ->
          !claimed.contains(snapshot.persistenceId()) && (!moved.containsKey(snapshot.persistenceId())
              || snapshot.seq() == moved.get(snapshot.persistenceId()).highest());
      case Request.DeleteSnapshots delete -> !snapshotted.contains(delete.persistenceId());
    };
  }

  void add(Request request) {
    if (unreadable.isPresent()) {
      requests.add(request);
      return;
    }
    try {
      switch (request) {
        case Request.Append append -> append(append);
        case Request.PutSnapshot(var snapshot, _) -> putSnapshot(snapshot);
        case Request.DeleteSnapshots delete -> deleteSnapshots(delete);
        case Request.DeleteTo(var persistenceId, var seq, _) -> deleteTo(persistenceId, seq);
        case Request.Trim trim -> trim(trim);
        case Request.RemoveUnchanged(var space, var entries, _) -> removeUnchanged(space, entries);
        case Request.Claim(var persistenceId, _) -> claim(persistenceId);
        case Request.Barrier _, Request.Stop _ -> {}
      }
      requests.add(request);
    } catch (JournalFault fault) {
      if (fault.code() == JournalFault.Code.IO) {
        unreadable = Optional.of(fault);
        requests.add(request);
      } else {
        request.done().completeExceptionally(fault);
      }
    } catch (RuntimeException e) { // Goes to the one who asked; the others have nothing to do with it.
      request.done().completeExceptionally(e);
    }
  }

  /**
   * The changes of everything added.
   *
   * @throws JournalFault {@code IO} when the store could not be read meanwhile: that concerns everybody
   */
  List<JournalStore.Change> changes() {
    unreadable.ifPresent(fault -> {
      throw fault;
    });
    var all = new ArrayList<>(changes);
    moved.forEach((pid, after) -> all.add(new JournalStore.Change.Move(pid, heads.of(pid), after)));
    return all;
  }

  /** The same without the requests that concern histories which others have claimed; those are refused. */
  Batch without(Set<String> lost) {
    var rest = new Batch(store, heads);
    for (var request : requests) {
      var gone = histories(request).stream().filter(lost::contains).findFirst();
      gone.ifPresentOrElse(
          pid -> request.done().completeExceptionally(JournalFault.lost(store.name(), pid)),
          () -> rest.add(request));
    }
    return rest;
  }

  /** The histories that a request changes or claims. */
  static List<String> histories(Request request) {
    return switch (request) {
      case Request.Append(var atomic, _, _) ->
          atomic.stream().map(StoredEvent::persistenceId).distinct().toList();
      case Request.DeleteTo(var persistenceId, _, _) -> List.of(persistenceId);
      case Request.Trim(var base, _, _) -> List.of(base.persistenceId());
      case Request.PutSnapshot(var snapshot, _) -> List.of(snapshot.persistenceId());
      case Request.DeleteSnapshots delete -> List.of(delete.persistenceId());
      case Request.Claim(var persistenceId, _) -> List.of(persistenceId);
      case Request.RemoveUnchanged _, Request.Barrier _, Request.Stop _ -> List.of();
    };
  }

  /** After the write: the heads it moved are the newest. */
  void written() {
    moved.forEach(heads::put);
  }

  List<StoredEvent> events() {
    return events;
  }

  List<CompletableFuture<Void>> waiting() {
    return requests.stream().map(Request::done).toList();
  }

  int size() {
    return requests.size();
  }

  long bytes() {
    return bytes;
  }

  boolean changesNothing() {
    return unreadable.isEmpty() && changes.isEmpty() && moved.isEmpty();
  }

  private void append(Request.Append append) {
    var records = new LinkedHashMap<StoreKey, byte[]>();
    var next = new LinkedHashMap<String, Head>();
    for (var event : append.events()) {
      var pid = event.persistenceId();
      var head = next.containsKey(pid) ? next.get(pid) : head(pid);
      if (event.seq() != head.highest() + 1) {
        throw new IllegalStateException(
            "event " + event.seq() + " of " + pid + " does not follow " + head.highest());
      }
      var record = EventRecord.encode(event, head.digest());
      records.put(new StoreKey.Event(pid, event.seq()), record);
      next.put(pid, head.next(event.seq(), EventRecord.digestOf(record)));
    }
    records.forEach(this::put);
    moved.putAll(next);
    events.addAll(append.events());
    append.entries().forEach(this::index);
  }

  private void index(IndexEntry entry) {
    switch (entry) {
      case IndexEntry.Put(var space, var key, var value) ->
          put(new StoreKey.Index(space, key), StoreText.encode(value));
      case IndexEntry.Remove(var space, var key) -> remove(new StoreKey.Index(space, key));
    }
  }

  private void removeUnchanged(String space, Map<String, String> entries) {
    entries.forEach((name, value) -> {
      var key = new StoreKey.Index(space, name);
      var seen = StoreText.encode(value);
      // A shared store compares for itself: a look at each would hold up everybody's writes.
      if (store.shared() || store.get(key).filter(now -> Arrays.equals(now, seen)).isPresent()) {
        changes.add(new JournalStore.Change.RemoveSeen(key, seen));
      }
    });
  }

  private void claim(String persistenceId) {
    if (store.shared()) {
      heads.forget(persistenceId);
      claimed.add(persistenceId);
      changes.add(new JournalStore.Change.Claim(persistenceId));
    }
  }

  private void deleteTo(String persistenceId, long seq) {
    var head = head(persistenceId);
    long to = Math.min(seq, head.highest());
    if (to > head.deletedTo()) {
      if (head.hasBase()) {
        throw new IllegalStateException(persistenceId + " stands on a base and can only be trimmed further");
      }
      var anchor = new History(store, persistenceId).digestAt(to, head);
      removeEvents(persistenceId, head, to);
      moved.put(persistenceId, head.without(to, anchor, Head.NONE.base()));
    }
  }

  private void removeEvents(String persistenceId, Head head, long to) {
    for (long each = head.deletedTo() + 1; each <= to; each++) {
      remove(new StoreKey.Event(persistenceId, each));
    }
  }

  private void trim(Request.Trim trim) {
    var base = trim.base();
    var pid = base.persistenceId();
    var head = head(pid);
    if (base.seq() > head.highest()) {
      throw new IllegalStateException(pid + " ends at " + head.highest() + ", before its base " + base.seq());
    }
    if (base.seq() > head.deletedTo()) { // Else it was trimmed as far or farther before.
      var anchor = new History(store, pid).digestAt(base.seq(), head);
      var record = new SnapshotRecord(base, anchor).encode();
      var overtaken = new ArrayList<StoreKey>();
      store.scan(new JournalStore.Range.Snapshots(pid, 0, base.seq()), (key, _) -> overtaken.add(key));
      overtaken.forEach(this::remove);
      removeEvents(pid, head, base.seq());
      put(new StoreKey.Base(pid), record);
      moved.put(pid, head.without(base.seq(), anchor, EventRecord.digestOf(record)));
      trim.entries().forEach(this::index);
    }
  }

  private void putSnapshot(StoredSnapshot snapshot) {
    var pid = snapshot.persistenceId();
    var head = head(pid);
    // A snapshot of a history that has no events at all, as another journal's would be, fits no event.
    var digest = head.highest() == 0 || snapshot.seq() == head.highest()
        ? head.digest()
        : new History(store, pid).digestAt(snapshot.seq(), head);
    snapshotted.add(pid);
    put(new StoreKey.Snapshot(pid, snapshot.seq()), new SnapshotRecord(snapshot, digest).encode());
  }

  private void deleteSnapshots(Request.DeleteSnapshots delete) {
    var range = new JournalStore.Range.Snapshots(delete.persistenceId(), delete.from(), delete.to());
    var unwanted = new ArrayList<StoreKey>();
    store.scan(range, (key, value) -> {
      var found = SnapshotRecord.decode((StoreKey.Snapshot) key, value).map(SnapshotRecord::snapshot);
      if (found.map(delete.which()::test).orElse(true)) {
        unwanted.add(key);
      }
      return true;
    });
    unwanted.forEach(this::remove);
  }

  private Head head(String persistenceId) {
    var head = moved.get(persistenceId);
    return head == null ? heads.of(persistenceId) : head;
  }

  private void put(StoreKey key, byte[] value) {
    changes.add(new JournalStore.Change.Put(key, value));
    bytes += value.length;
  }

  private void remove(StoreKey key) {
    changes.add(new JournalStore.Change.Remove(key));
  }
}
