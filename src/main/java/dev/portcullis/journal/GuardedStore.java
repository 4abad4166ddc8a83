package dev.portcullis.journal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A LevelDB store in use, and what is kept beside it so that its files can be judged after a kill as well as
 * after a clean stop: the list of checksums and the number of the newest acknowledged batch.
 */
final class GuardedStore extends ForwardingStore {

  private static final Logger LOG = LoggerFactory.getLogger(GuardedStore.class);
  /** As much as LevelDB gathers before it makes a table. */
  private static final long LOOK_EVERY_BYTES = 4 << 20;

  private final LevelDbStore real;
  private final LevelDbFiles files;
  private final String identity;
  private final Acked acked;
  private final AtomicBoolean looking = new AtomicBoolean();
  private SortedMap<String, FileSums.Sum> listed;
  private long unlooked;
  private boolean failed;
  private boolean closed;

  private GuardedStore(LevelDbStore real, LevelDbFiles files, String identity, Acked acked,
      SortedMap<String, FileSums.Sum> listed) {
    super(real);
    this.real = real;
    this.files = files;
    this.identity = identity;
    this.acked = acked;
    this.listed = listed;
  }

  /** Says, before anything is changed, that from now on only tables can be vouched for. */
  static SortedMap<String, FileSums.Sum> announce(
      LevelDbFiles files, String identity, SortedMap<String, FileSums.Sum> known) throws IOException {
    var tables = sums(files.tables(), known);
    new FileSums(FileSums.Mark.OPEN, identity, tables).write(files.sums());
    return tables;
  }

  /** @param listed what {@link #announce} has written */
  static GuardedStore over(
      LevelDbStore real, LevelDbFiles files, String identity, SortedMap<String, FileSums.Sum> listed)
      throws IOException {
    var acked = Acked.begin(files.acked(), real.batches());
    // LevelDB goes on writing its words to the deleted file; they would be bytes that nothing vouches for.
    Files.deleteIfExists(files.directory().resolve("LOG"));
    Files.deleteIfExists(files.directory().resolve("LOG.old"));
    var guarded = new GuardedStore(real, files, identity, acked, listed);
    guarded.list();
    return guarded;
  }

  @Override
  public void write(List<Change> batch) {
    try {
      real.write(batch);
      acked.set(real.batches());
    } catch (IOException e) {
      failed = true;
      throw JournalFault.io(name(), "writing", e);
    } catch (RuntimeException | Error e) {
      failed = true;
      throw e;
    }
    for (var change : batch) {
      unlooked += change instanceof Change.Put(_, var value) ? value.length : 0;
    }
    if (unlooked > LOOK_EVERY_BYTES && looking.compareAndSet(false, true)) {
      unlooked = 0;
      Thread.ofVirtual().name("journal-sums").start(this::look);
    }
  }

  /** A list that is not written loses nothing: the tables in question are read whole after a kill. */
  private void look() {
    try {
      list();
    } catch (IOException e) {
      LOG.warn("journal.sums_unwritten cause={}", e.toString());
    } finally {
      looking.set(false);
    }
  }

  private synchronized void list() throws IOException {
    if (!closed) {
      var found = sums(files.tables(), listed);
      found.putAll(FileSums.of(List.of(files.directory().resolve(LevelDbFiles.CURRENT))));
      if (!found.equals(listed)) {
        new FileSums(FileSums.Mark.OPEN, identity, found).write(files.sums());
        listed = found;
      }
    }
  }

  /** Tables never change once they are written to the end, so the sums of those that are known stay. */
  private static SortedMap<String, FileSums.Sum> sums(
      List<Path> tables, SortedMap<String, FileSums.Sum> known) throws IOException {
    var sums = new TreeMap<String, FileSums.Sum>();
    for (var table : tables) {
      var name = LevelDbFiles.name(table);
      if (known.containsKey(name)) {
        sums.put(name, known.get(name));
      } else {
        try {
          if (LevelDbTable.complete(table)) {
            LevelDbFiles.sync(table); // Its length too: LevelDB cuts it after its own sync.
            sums.putAll(FileSums.of(List.of(table)));
          }
        } catch (NoSuchFileException merged) {
          continue; // LevelDB has put what was in it into another one, just now.
        }
      }
    }
    return sums;
  }

  /** After a failed write nobody can say what the files should be. */
  @Override
  public void close() {
    try {
      synchronized (this) {
        if (closed) {
          return;
        }
        closed = true;
      }
      real.close();
      acked.close();
      if (!failed) {
        sealAfterUse();
      }
    } catch (IOException e) {
      throw JournalFault.io(name(), "closing", e);
    }
  }

  /** Without the seal the store counts as killed, and the next start looks more closely: nothing is lost. */
  private void sealAfterUse() {
    try {
      seal(files, identity, listed);
    } catch (IOException e) {
      LOG.warn("journal.sums_unwritten cause={}", e.toString());
    }
  }

  /**
   * Vouches for every file of a store that is closed.
   *
   * @param known sums of tables, which need not be read again
   */
  static void seal(LevelDbFiles files, String identity, SortedMap<String, FileSums.Sum> known)
      throws IOException {
    for (var file : files.data()) {
      LevelDbFiles.sync(file);
    }
    LevelDbFiles.sync(files.directory());
    var all = sums(files.tables(), known);
    var others = files.data().stream().filter(file -> !all.containsKey(LevelDbFiles.name(file))).toList();
    all.putAll(FileSums.of(others));
    new FileSums(FileSums.Mark.CLEAN, identity, all).write(files.sums());
    Files.deleteIfExists(files.acked());
  }

  @Override
  public void compact() {
    real.compact();
    look();
  }

  @Override
  public Map<String, Long> bytes() {
    return files.bytes();
  }
}
