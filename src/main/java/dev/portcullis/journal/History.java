package dev.portcullis.journal;

import java.util.Arrays;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

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
   * Hands over the events from {@code from} to {@code to}, both included, at most {@code max}.
   *
   * @return the number handed over
   * @throws JournalFault {@code CORRUPT} at the first event that cannot be proved; those before it were
   *     handed over
   */
  long replay(long from, long to, long max, Consumer<StoredEvent> target) {
    return replayProved(from, to, max, (event, _) -> target.accept(event));
  }

  /** The same with the digest of each event. */
  long replayProved(long from, long to, long max, BiConsumer<StoredEvent, byte[]> target) {
    var head = head();
    long first = Math.max(Math.max(from, head.deletedTo() + 1), 1);
    long last = Math.min(to, head.highest());
    if (head.highest() == 0) {
      refuseOrphans();
    }
    if (first > last || max <= 0) {
      return 0;
    }
    var walk = new Walk(head, first, last, max, target);
    store.scan(new JournalStore.Range.Events(persistenceId, first, to), walk);
    walk.checkEnd();
    return walk.next - first;
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
    var head = head();
    if (seq > head.highest()) {
      throw corrupt(head.highest() + 1, "the history ends before its snapshot at " + seq);
    }
    return seq < head.deletedTo() || Arrays.equals(digestAt(seq, head), digest);
  }

  private void refuseOrphans() {
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
    private byte[] digest;

    Walk(Head head, long first, long last, long max, BiConsumer<StoredEvent, byte[]> target) {
      this.head = head;
      this.first = first;
      this.next = first;
      this.last = last;
      this.max = max;
      this.target = target;
      this.digest = digestAt(first - 1, head);
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
      target.accept(stored, digest);
      next++;
      return !full();
    }

    private boolean full() {
      return next - first >= max;
    }

    void checkEnd() {
      if (!full() && next <= last) {
        throw corrupt(next, "the event is missing, the recorded end is " + head.highest());
      }
      if (next > head.highest() && !Arrays.equals(digest, head.digest())) {
        throw corrupt(head.highest(), "the digest is not the recorded one of the end");
      }
    }
  }
}
