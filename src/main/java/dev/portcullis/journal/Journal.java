package dev.portcullis.journal;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The facts of one process, on its disk. Writes are grouped: one thread commits whatever all callers have
 * queued as one batch with one sync, and completes each stage only after it. Reads check what they read.
 * Thread-safe. A stage completes on the writer's thread: what depends on it must not block. Why:
 * docs/adr/0001.
 */
public final class Journal implements AutoCloseable {

  /**
   * What was written since it was opened.
   *
   * @param batches also the number of syncs
   * @param bytes of the records, without the store's own
   * @param lastBatch events in the newest batch
   */
  public record Stats(long events, long batches, long bytes, long lastBatch) {}

  private static final Logger LOG = LoggerFactory.getLogger(Journal.class);
  static final StoreKey FORMAT = new StoreKey.Meta("format");
  private static final StoreKey CANARY = new StoreKey.Meta("canary");
  static final String THIS_FORMAT = "portcullis-journal 1";

  private final DataDirectory directory;
  private final FailStopStore store;
  private final JournalWriter writer;
  private final AtomicBoolean closed = new AtomicBoolean();

  private Journal(DataDirectory directory, JournalStore store, Consumer<JournalFault> onFault) {
    this.directory = directory;
    // A database has a disk of its own.
    this.store = new FailStopStore(store, store.shared() ? () -> {} : directory::requireRoom, onFault);
    this.writer = new JournalWriter(this.store);
  }

  /**
   * Creates or opens the data directory and keeps other processes out of it until {@link #close()}.
   *
   * @param onFault called once, on a thread of its own, at the first I/O error; the process should then end
   * @throws JournalFault {@code LOCKED}, {@code CORRUPT}, {@code FORMAT}, {@code LOW_SPACE}, {@code
   *     PERMISSION}, {@code CANNOT_CREATE} or {@code IO}
   */
  public static Journal open(JournalSettings settings, Consumer<JournalFault> onFault) {
    return open(settings, onFault, UnaryOperator.identity());
  }

  /** Tests put a store of their own between the journal and the disk. */
  static Journal open(
      JournalSettings settings, Consumer<JournalFault> onFault, UnaryOperator<JournalStore> between) {
    var directory = DataDirectory.open(settings.directory(), settings.lowSpaceBytes());
    try {
      var store = between.apply(open(directory, settings.store()));
      try {
        checkFormat(store);
        if (!store.shared()) { // Where others write too, opening has written and read back already.
          checkCanary(store);
        }
        return new Journal(directory, store, onFault);
      } catch (RuntimeException e) {
        store.close();
        throw e;
      }
    } catch (RuntimeException e) {
      directory.close();
      throw e;
    }
  }

  private static JournalStore open(DataDirectory directory, JournalSettings.Store store) {
    return switch (store) {
      case JournalSettings.LevelDb(var implementation) ->
          LevelDbRecovery.open(directory.store(), implementation);
      case JournalSettings.Postgres postgres -> PostgresStore.open(postgres);
    };
  }

  /** Makes what a store in a database needs, without opening it. @throws JournalFault as opening it does */
  public static void createSchema(JournalSettings.Postgres settings) {
    PostgresStore.create(settings);
  }

  /** The statements that make what a store in a database needs, out of nothing. */
  public static String ddl(String schema) {
    return PostgresSchema.ddl(schema);
  }

  /**
   * Appends events and what follows from them, all or nothing. Completes when both are on the disk; fails
   * with {@link JournalFault} {@code IO} when that is unknown, {@code CLOSED}, or {@link
   * IllegalStateException} when an event does not follow the highest of its history.
   */
  public CompletionStage<Void> append(List<StoredEvent> atomic, List<IndexEntry> entries) {
    return writer.submit(done -> new Request.Append(List.copyOf(atomic), List.copyOf(entries), done));
  }

  /** Changes index entries that follow from no event, all or nothing. */
  public CompletionStage<Void> index(List<IndexEntry> entries) {
    return append(List.of(), entries);
  }

  /** Completes when everything queued before is on the disk; fails when the journal has failed. */
  public CompletionStage<Void> barrier() {
    return writer.submit(Request.Barrier::new);
  }

  /** The value of an index entry. */
  public Optional<String> get(String space, String key) {
    return store.get(new StoreKey.Index(space, key)).map(Journal::text);
  }

  /** All entries of an index space, ordered by key. Keeps {@link #close()} waiting. */
  public void scan(String space, BiConsumer<String, String> entry) {
    scan(space, "", entry);
  }

  /** Those of which the key begins with {@code prefix}; it ends in an ASCII character, or is empty. */
  public void scan(String space, String prefix, BiConsumer<String, String> entry) {
    store.scan(new JournalStore.Range.Index(space, prefix), (key, value) -> {
      entry.accept(((StoreKey.Index) key).key(), text(value));
      return true;
    });
  }

  /**
   * Hands over the events of one history from {@code fromSeq} to {@code toSeq}, both included, at most {@code
   * max}.
   *
   * @throws JournalFault {@code CORRUPT}, naming the first event that is missing, changed, out of place or
   *     another's; the events before it have been handed over
   */
  public void replay(String persistenceId, long fromSeq, long toSeq, long max, Consumer<StoredEvent> to) {
    new History(store, persistenceId).replay(fromSeq, toSeq, max, to);
  }

  /**
   * The same for one who would take what is handed over for everything from {@code fromSeq} on.
   *
   * @throws IllegalStateException when what {@code fromSeq} begins in was trimmed: load the base first, or
   *     again, if the history was trimmed since
   */
  void replayWhole(String persistenceId, long fromSeq, long toSeq, long max, Consumer<StoredEvent> to) {
    new History(store, persistenceId).replayWhole(fromSeq, toSeq, max, to);
  }

  /**
   * The events of one history from {@code fromSeq} as JSON, at most {@code max}, an object for each: {@code
   * persistenceId, seq, at, type, digest, event}.
   *
   * @throws JournalFault {@code CORRUPT} as {@link #replay} does
   */
  public void export(String persistenceId, long fromSeq, long max, Consumer<JsonNode> to) {
    JournalExport.of(store, persistenceId, fromSeq, max, to);
  }

  /** How much there is. Reads all of it. */
  public JournalFigures figures() {
    return JournalFigures.of(store);
  }

  /**
   * Makes this process the only writer of a history, where others could be: what they have not written yet
   * fails with {@link JournalFault} {@code LOST}. Completes when that is so and all writes queued before are
   * on the disk.
   */
  public CompletionStage<Void> claim(String persistenceId) {
    return writer.claim(persistenceId);
  }

  /**
   * The number of this life among all that have used a shared store, higher than those before it; 0 for a
   * store that no other process uses.
   */
  public long epoch() {
    return store.epoch();
  }

  /**
   * Keeps the processes that opened a shared store as this node from writing anything from now on; what they
   * have under way has ended when it returns. Blocks. Does nothing where no others can be.
   */
  public void retire(String node) {
    store.retire(node);
  }

  /**
   * The highest sequence number ever written, also after deletion; 0 for an unknown id.
   *
   * @throws JournalFault {@code CORRUPT} when the recorded end is missing or unreadable: nobody may begin
   *     anew over what is there
   */
  public long highest(String persistenceId) {
    return new History(store, persistenceId).highest();
  }

  /** Every id that has ever had an event. */
  public void persistenceIds(Consumer<String> to) {
    store.scan(new JournalStore.Range.Heads(), (key, _) -> {
      to.accept(((StoreKey.HeadOf) key).persistenceId());
      return true;
    });
  }

  /**
   * Reads everything there is. @throws JournalFault {@code CORRUPT} at the first thing that cannot be proved
   */
  public void verify() {
    Proof.require(store);
  }

  /**
   * Deletes the events up to {@code seq}, included; the rest stays provable. Fails with {@link
   * IllegalStateException} for a history that was trimmed.
   */
  public CompletionStage<Void> deleteTo(String persistenceId, long seq) {
    return writer.submit(done -> new Request.DeleteTo(persistenceId, seq, done));
  }

  /**
   * Puts {@code base}, the state that all events up to {@code base.seq()} add up to, in the place of these
   * events, and changes index entries with it; all or nothing. Snapshots up to there are deleted too. The
   * base is no cache: it is the only copy of the beginning, and the history is corrupt without it. Nothing
   * happens to a history that was trimmed as far before. The rest stays provable. Why: docs/adr/0008.
   */
  public CompletionStage<Void> trim(StoredSnapshot base, List<IndexEntry> entries) {
    return writer.submit(done -> new Request.Trim(base, List.copyOf(entries), done));
  }

  /**
   * What stands for the trimmed beginning of a history; empty when it was never trimmed.
   *
   * @throws JournalFault {@code CORRUPT} when it is missing or damaged
   */
  public Optional<StoredSnapshot> base(String persistenceId) {
    return new History(store, persistenceId).base();
  }

  /** Number of the first event that is not deleted, or that will be the first. */
  public long firstKept(String persistenceId) {
    return new History(store, persistenceId).head().deletedTo() + 1;
  }

  /** Takes out those entries of an index space that still have the value given here. */
  public CompletionStage<Void> removeUnchanged(String space, Map<String, String> entries) {
    return writer.submit(done -> new Request.RemoveUnchanged(space, Map.copyOf(entries), done));
  }

  /** Gives the room of deleted records back to the disk, as far as the store does not by itself. Blocks. */
  public void compact() {
    store.compact();
  }

  /** Keeps a snapshot beside the older ones. */
  public CompletionStage<Void> putSnapshot(StoredSnapshot snapshot) {
    return writer.submit(done -> new Request.PutSnapshot(snapshot, done));
  }

  /**
   * The sound snapshots that fit the history, newest first. A bad one is left out with a warning.
   *
   * @throws JournalFault {@code CORRUPT} when the history ends before a sound snapshot
   */
  public List<StoredSnapshot> snapshots(String persistenceId) {
    var history = new History(store, persistenceId);
    var sound = new ArrayList<StoredSnapshot>();
    var range = new JournalStore.Range.Snapshots(persistenceId, 0, Long.MAX_VALUE);
    store.scan(range, (key, value) -> {
      SnapshotRecord.decode((StoreKey.Snapshot) key, value)
          .filter(found -> history.holds(found.snapshot().seq(), found.eventDigest()))
          .ifPresentOrElse(
              found -> sound.addFirst(found.snapshot()),
              () -> LOG.warn("journal.bad_snapshot ignored key={}", key));
      return true;
    });
    return sound;
  }

  /**
   * Deletes the snapshots between two sequence numbers, both included, that are wanted gone or are
   * unreadable.
   */
  public CompletionStage<Void> deleteSnapshots(
      String persistenceId, long fromSeq, long toSeq, Predicate<StoredSnapshot> which) {
    return writer.submit(done -> new Request.DeleteSnapshots(persistenceId, fromSeq, toSeq, which, done));
  }

  public Stats stats() {
    return writer.stats();
  }

  /** Whether a write or a read has failed; nothing is acknowledged any more. */
  public boolean failed() {
    return store.failed();
  }

  /** Whether the disk has less room than the watermark: take no new work. Cheap enough for each request. */
  public boolean lowSpace() {
    return directory.lowSpace();
  }

  /** Gives the reserved room to the last writes of a drain. */
  public void releaseReserve() {
    directory.releaseReserve();
  }

  /** Writes what is queued, then closes the store and lets the directory go. Repeatable. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      try {
        writer.close();
        store.close();
      } finally {
        directory.close();
      }
    }
  }

  private static void checkFormat(JournalStore store) {
    if (isNew(store)) {
      var format = THIS_FORMAT.getBytes(StandardCharsets.UTF_8);
      store.write(List.of(new JournalStore.Change.Put(FORMAT, format)));
    }
  }

  /**
   * Whether nobody has said yet what the store holds.
   *
   * @throws JournalFault {@code FORMAT} when it is something else than we would write
   */
  static boolean isNew(JournalStore store) {
    var found = format(store);
    if (found.isEmpty()) {
      if (store.isEmpty()) {
        return true;
      }
      found = format(store); // Another process may have begun it just now.
    }
    if (!found.equals(Optional.of(THIS_FORMAT))) {
      throw JournalFault.format(store.name(), found.orElse("something else"), THIS_FORMAT);
    }
    return false;
  }

  private static Optional<String> format(JournalStore store) {
    return store.get(FORMAT).map(value -> new String(value, StandardCharsets.UTF_8));
  }

  /** A disk that takes a write and does not give it back is found at boot, not by the first message. */
  private static void checkCanary(JournalStore store) {
    long last = store.get(CANARY).map(value -> ByteBuffer.wrap(value).getLong()).orElse(0L);
    var next = ByteBuffer.allocate(Long.BYTES).putLong(last + 1).array();
    store.write(List.of(new JournalStore.Change.Put(CANARY, next)));
    if (!store.get(CANARY).filter(read -> Arrays.equals(read, next)).isPresent()) {
      throw JournalFault.io(store.name(), "reading back", new IllegalStateException("canary differs"));
    }
  }

  private static String text(byte[] value) {
    return StoreText.decode(value, 0, value.length);
  }
}
