package dev.portcullis.journal;

import java.util.Arrays;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;

/** Reads one history and proves it while reading: whole, in order, its own, and as long as recorded. */
final class History {

  private final JournalStore store;
  private final String persistenceId;

  History(JournalStore store, String persistenceId) {
    this.store = store;
    this.persistenceId = persistenceId;
  }

  Head head() {
    return store
        .get(new StoreKey.HeadOf(persistenceId))
        .map(bytes -> Head.decode(store.name(), persistenceId, bytes))
        .orElse(Head.NONE);
  }

  /**
   * What stands for the deleted beginning; empty when nothing does.
   *
   * @throws JournalFault {@code CORRUPT} when the recorded end names a base that is not there as it was
   *     written: it is the only copy of what it stands for
   */
  Optional<StoredSnapshot> base() {
    return steady(this::base);
  }

  private Optional<StoredSnapshot> base(Head head) {
    if (!head.hasBase()) {
      return Optional.empty();
    }
    var key = new StoreKey.Snapshot(persistenceId, head.deletedTo());
    var record = store.get(new StoreKey.Base(persistenceId))
        .orElseThrow(() -> corrupt(head.deletedTo(), "the base of a trimmed history is missing"));
    return Optional.of(SnapshotRecord.decode(key, record)
        .filter(_ -> Arrays.equals(EventRecord.digestOf(record), head.base()))
        .filter(found -> Arrays.equals(found.eventDigest(), head.anchor()))
        .orElseThrow(() -> corrupt(head.deletedTo(), "the base of a trimmed history is not the recorded one"))
        .snapshot());
  }

  /** Reads again what was trimmed between the look at the head and the look at what it speaks of. */
  private <T> T steady(Function<Head, T> read) {
    while (true) {
      var head = head();
      try {
        return read.apply(head);
      } catch (JournalFault fault) {
        if (head().deletedTo() == head.deletedTo()) {
          throw fault;
        }
      }
    }
  }

  /**
   * Hands over the events from {@code from} to {@code to}, both included, at most {@code max}; without those
   * that are deleted. The place of a rejected event is passed over.
   *
   * @return the number of records gone through, those places included
   * @throws JournalFault {@code CORRUPT} at the first event that cannot be proved; those before it were
   *     handed over
   */
  long replay(long from, long to, long max, Consumer<StoredEvent> target) {
    return replayProved(from, to, max, (event, _) -> target.accept(event));
  }

  /** The same with the digest of each event. */
  long replayProved(long from, long to, long max, BiConsumer<StoredEvent, byte[]> target) {
    return replay(from, to, max, target, (_, _) -> {});
  }

  /** The same, but refuses to pass over what a base stands for. */
  void replayWhole(long from, long to, long max, Consumer<StoredEvent> target) {
    replay(from, to, max, (event, _) -> target.accept(event), (head, begin) -> {
      if (head.hasBase() && begin <= head.deletedTo()) {
        throw new IllegalStateException(persistenceId + " was trimmed to " + head.deletedTo()
            + " and cannot be replayed from " + begin);
      }
    });
  }

  private long replay(
      long from,
      long to,
      long max,
      BiConsumer<StoredEvent, byte[]> target,
      BiConsumer<Head, Long> precondition) {
    var head = head();
    if (head.highest() == 0) {
      refuseOrphans();
    }
    long begin = from;
    long left = max;
    long passed = 0;
    while (true) {
      precondition.accept(head, begin);
      long first = Math.max(Math.max(begin, head.deletedTo() + 1), 1);
      long last = Math.min(to, head.highest());
      if (first > last || left <= 0) {
        return passed;
      }
      var walk = new Walk(head, first, last, left, target);
      try {
        walk.through(to);
        return passed + walk.next - first;
      } catch (JournalFault fault) {
        var now = head();
        if (now.deletedTo() == head.deletedTo()) {
          throw fault;
        }
        // What is missing may have been deleted since the replay began: it goes on with what is left.
        passed += walk.next - first;
        begin = walk.next;
        left -= walk.handedOver;
        head = now;
      }
    }
  }

  /**
   * The digest of an event that is still known: stored, the anchor of a deleted beginning, or the very start.
   */
  byte[] digestAt(long seq, Head head) {
    if (seq == head.deletedTo()) {
      return head.anchor();
    }
    return store
        .get(new StoreKey.Event(persistenceId, seq))
        .map(EventRecord::digestOf)
        .orElseThrow(() -> corrupt(seq, "the event is missing"));
  }

  /**
   * Whether the event at {@code seq} has this digest, as far as it is still known.
   *
   * @throws JournalFault {@code CORRUPT} when there is no such event: then not the snapshot is wrong
   */
  boolean holds(long seq, byte[] digest) {
    return steady(head -> {
      if (Arrays.equals(digest, Head.NONE.digest())) { // Taken when the history had no events.
        return head.highest() == 0;
      }
      if (seq > head.highest()) {
        throw corrupt(head.highest() + 1, "the history ends before its snapshot at " + seq);
      }
      // What follows a snapshot below a base is deleted, so the base is the only way to what is left.
      return seq < head.deletedTo() ? !head.hasBase() : Arrays.equals(digestAt(seq, head), digest);
    });
  }

  /**
   * The recorded end; 0 for a history that has none.
   *
   * @throws JournalFault {@code CORRUPT} when there is none, but something of the history is there
   */
  long highest() {
    long highest = head().highest();
    if (highest == 0) {
      refuseOrphans();
    }
    return highest;
  }

  private void refuseOrphans() {
    if (store.get(new StoreKey.Base(persistenceId)).isPresent() && head().highest() == 0) {
      throw corrupt(1, "the recorded end of the history is missing");
    }
    store.scan(new JournalStore.Range.Events(persistenceId, 1, Long.MAX_VALUE), (key, _) -> {
      if (head().highest() == 0) { // Else the first events were written just now.
        throw corrupt(((StoreKey.Event) key).seq(), "the recorded end of the history is missing");
      }
      return false;
    });
  }

  private JournalFault corrupt(long seq, String what) {
    return JournalFault.corrupt(store.name(), persistenceId, seq, what);
  }

  /** The chain while it is followed. */
  private final class Walk implements JournalStore.Visitor {
    private final Head head;
    private final long last;
    private final long max;
    private final BiConsumer<StoredEvent, byte[]> target;
    private final long first;
    private long next;
    private long handedOver;
    private byte[] digest;

    Walk(Head head, long first, long last, long max, BiConsumer<StoredEvent, byte[]> target) {
      this.head = head;
      this.first = first;
      this.next = first;
      this.last = last;
      this.max = max;
      this.target = target;
    }

    void through(long to) {
      digest = digestAt(first - 1, head);
      store.scan(new JournalStore.Range.Events(persistenceId, first, to), this);
      checkEnd();
    }

    @Override
    public boolean visit(StoreKey key, byte[] value) {
      var event = (StoreKey.Event) key;
      if (next > last) {
        if (head().highest() < event.seq()) { // Else it was written since the replay began.
          throw corrupt(event.seq(), "the event lies past the recorded end " + last);
        }
        return false;
      }
      if (event.seq() != next) {
        throw corrupt(next, "the event is missing, the next one is " + event.seq());
      }
      var stored = EventRecord.decode(store.name(), event, value, digest);
      digest = EventRecord.digestOf(value);
      if (!stored.isVoid()) {
        target.accept(stored, digest);
        handedOver++;
      }
      next++;
      return !full();
    }

    private boolean full() {
      return handedOver >= max;
    }

    private void checkEnd() {
      if (!full() && next <= last) {
        throw corrupt(next, "the event is missing, the recorded end is " + head.highest());
      }
      if (next > head.highest() && !Arrays.equals(digest, head.digest())) {
        throw corrupt(head.highest(), "the digest is not the recorded one of the end");
      }
    }
  }
}
