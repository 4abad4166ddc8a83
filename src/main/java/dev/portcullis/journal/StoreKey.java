package dev.portcullis.journal;

/**
 * The address of one record in a {@link JournalStore}. A store is free to keep each kind in a table of its
 * own.
 */
sealed interface StoreKey {

  /** One event of one history. */
  record Event(String persistenceId, long seq) implements StoreKey {}

  /** The {@link Head} of one history. */
  record HeadOf(String persistenceId) implements StoreKey {}

  /** One entry of a named index. */
  record Index(String space, String key) implements StoreKey {}

  /** One snapshot of one history. */
  record Snapshot(String persistenceId, long seq) implements StoreKey {}

  /** What stands for the deleted beginning of one history. */
  record Base(String persistenceId) implements StoreKey {}

  /** A fact about the whole store. */
  record Meta(String name) implements StoreKey {}
}
