package dev.portcullis.journal;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Where the journal's records lie: an ordered map with one durable, atomic write. Knows nothing of chains and
 * digests. LevelDB is one, the tables of a database are another. Every method may throw {@link JournalFault}
 * {@code IO}, and {@code CLOSED} after {@link #close()}.
 */
interface JournalStore extends AutoCloseable {

  /** One change within a batch. */
  sealed interface Change {
    /** Writes or overwrites a record. */
    record Put(StoreKey key, byte[] value) implements Change {}

    /** Takes a record out. */
    record Remove(StoreKey key) implements Change {}

    /** Takes an index entry out; a shared store only where it is still as {@code seen}. */
    record RemoveSeen(StoreKey.Index key, byte[] seen) implements Change {}

    /** Moves the recorded end of a history; a shared store refuses it where it is not {@code before}. */
    record Move(String persistenceId, Head before, Head after) implements Change {}

    /** From now on this process is the only one that may move the end of a history. */
    record Claim(String persistenceId) implements Change {}
  }

  /** What {@link #scan} goes through, in order of the key. */
  sealed interface Range {
    /** Events of one history, both ends included. */
    record Events(String persistenceId, long from, long to) implements Range {}

    /** All events of all histories. */
    record AllEvents() implements Range {}

    /** The heads of all histories. */
    record Heads() implements Range {}

    /** The bases of all histories. */
    record AllBases() implements Range {}

    /** Of one named index the keys that begin with {@code prefix}; all when it is empty. */
    record Index(String space, String prefix) implements Range {}

    /** All entries of all named indexes. */
    record AllIndexes() implements Range {}

    /** All snapshots of all histories. */
    record AllSnapshots() implements Range {}

    /** The snapshots of one history, both ends included. */
    record Snapshots(String persistenceId, long from, long to) implements Range {}
  }

  /** Takes the records of a range, one by one. */
  @FunctionalInterface
  interface Visitor {
    /** @return whether to go on */
    boolean visit(StoreKey key, byte[] value);
  }

  /** Another process has claimed some of the histories that a batch moves; nothing of it was written. */
  final class Lost extends RuntimeException {
    private final transient Set<String> persistenceIds;

    Lost(Set<String> persistenceIds) {
      super("claimed by another process: " + persistenceIds.size() + " histories");
      this.persistenceIds = Set.copyOf(persistenceIds);
    }

    Set<String> persistenceIds() {
      return persistenceIds;
    }
  }

  /** Says which store it is, in messages. */
  String name();

  /** Whether other processes may write to it too; where none can, nothing need be claimed. */
  boolean shared();

  /** The number of this process's use of a shared store, higher than all before it; 0 where none is kept. */
  default long epoch() {
    return 0;
  }

  /**
   * Ends what the processes of a node have under way in a shared store, and keeps them from writing ever
   * again; one that starts anew is not concerned. Nothing where no others can be.
   */
  default void retire(String node) {}

  /** What it takes on the disk, by kind of file; nothing where it does not know. */
  default Map<String, Long> bytes() {
    return Map.of();
  }

  /** Whether it holds nothing at all. */
  boolean isEmpty();

  /**
   * Writes all or nothing, and returns when it is on the disk. Called by one thread at a time.
   *
   * @throws Lost when it moves a history that another process has claimed
   */
  void write(List<Change> batch);

  Optional<byte[]> get(StoreKey key);

  void scan(Range range, Visitor visitor);

  /** @throws JournalFault {@code CORRUPT} when the store misses something that its records cannot tell of */
  void check();

  /** Gives the room of removed records back; a store that does so by itself has nothing to do. Blocks. */
  default void compact() {}

  @Override
  void close();
}
