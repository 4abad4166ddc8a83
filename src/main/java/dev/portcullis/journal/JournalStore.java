package dev.portcullis.journal;

import java.util.List;
import java.util.Optional;

/**
 * Where the journal's records lie: an ordered map with one durable, atomic write. Knows nothing of chains and
 * digests. LevelDB is one; a table per kind of {@link StoreKey} in a database would be another. Every method
 * may throw {@link JournalFault} {@code IO}, and {@code CLOSED} after {@link #close()}.
 */
interface JournalStore extends AutoCloseable {

  /** One change within a batch. */
  sealed interface Change {
    /** Writes or overwrites a record. */
    record Put(StoreKey key, byte[] value) implements Change {}

    /** Takes a record out. */
    record Remove(StoreKey key) implements Change {}
  }

  /** What {@link #scan} goes through, in order of the key. */
  sealed interface Range {
    /** Events of one history, both ends included. */
    record Events(String persistenceId, long from, long to) implements Range {}

    /** All events of all histories. */
    record AllEvents() implements Range {}

    /** The heads of all histories. */
    record Heads() implements Range {}

    /** One named index. */
    record Index(String space) implements Range {}

    /** The snapshots of one history, both ends included. */
    record Snapshots(String persistenceId, long from, long to) implements Range {}

    /** The marks of the newest batches. */
    record Marks() implements Range {}
  }

  /** Takes the records of a range, one by one. */
  @FunctionalInterface
  interface Visitor {
    /** @return whether to go on */
    boolean visit(StoreKey key, byte[] value);
  }

  /** Says which store it is, in messages. */
  String name();

  /** Whether it holds nothing at all. */
  boolean isEmpty();

  /** Writes all or nothing, and returns when it is on the disk. */
  void write(List<Change> batch);

  Optional<byte[]> get(StoreKey key);

  void scan(Range range, Visitor visitor);

  @Override
  void close();
}
