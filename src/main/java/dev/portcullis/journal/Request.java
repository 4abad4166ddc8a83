package dev.portcullis.journal;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;

/** What waits for the writer. */
sealed interface Request {

  /** Completed by the writer once the request is on the disk, or can never be. */
  CompletableFuture<Void> done();

  /** Events of one atomic write, and the index entries that follow from them. */
  record Append(List<StoredEvent> events, List<IndexEntry> entries, CompletableFuture<Void> done)
      implements Request {}

  /** Takes the beginning of a history out. */
  record DeleteTo(String persistenceId, long seq, CompletableFuture<Void> done) implements Request {}

  /** Puts the folded state of a history's beginning in the place of its events. */
  record Trim(StoredSnapshot base, List<IndexEntry> entries, CompletableFuture<Void> done)
      implements Request {}

  /** Takes out the entries of an index space that still have the value given here. */
  record RemoveUnchanged(String space, Map<String, String> entries, CompletableFuture<Void> done)
      implements Request {}

  record PutSnapshot(StoredSnapshot snapshot, CompletableFuture<Void> done) implements Request {}

  /**
   * Takes out the snapshots between two sequence numbers, both included, that are wanted gone or unreadable.
   */
  record DeleteSnapshots(
      String persistenceId, long from, long to, Predicate<StoredSnapshot> which, CompletableFuture<Void> done)
      implements Request {}

  /** Makes this process the only writer of a history; done when all before it is. */
  record Claim(String persistenceId, CompletableFuture<Void> done) implements Request {}

  /** Writes nothing: done when all before it is. */
  record Barrier(CompletableFuture<Void> done) implements Request {}

  /** The last one. */
  record Stop(CompletableFuture<Void> done) implements Request {}
}
