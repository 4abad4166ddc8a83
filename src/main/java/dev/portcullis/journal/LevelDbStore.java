package dev.portcullis.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.BiPredicate;
import org.fusesource.leveldbjni.JniDBFactory;
import org.fusesource.leveldbjni.internal.NativeDB;
import org.iq80.leveldb.CompressionType;
import org.iq80.leveldb.DB;
import org.iq80.leveldb.DBException;
import org.iq80.leveldb.DBFactory;
import org.iq80.leveldb.DBIterator;
import org.iq80.leveldb.Options;
import org.iq80.leveldb.ReadOptions;
import org.iq80.leveldb.WriteOptions;
import org.iq80.leveldb.impl.DbConstants;
import org.iq80.leveldb.impl.DbImpl;
import org.iq80.leveldb.impl.Iq80DBFactory;
import org.iq80.leveldb.util.Slice;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A {@link JournalStore} in LevelDB, native or pure Java; both read each other's files. Every write is
 * synced, every read checks the block's checksum. Using the native library after close ends the process with
 * SIGSEGV, therefore the lock: whoever uses the database shares it, closing takes it alone.
 */
final class LevelDbStore implements JournalStore {

  /** How strictly the log is read while opening. */
  enum Checks {
    /** Any damage refuses to open. */
    PARANOID,
    /** Damaged parts are left out silently; only good for {@link LevelDbRecovery}, which looks. */
    LENIENT
  }

  private static final Logger LOG = LoggerFactory.getLogger(LevelDbStore.class);
  /** With it a log holds fewer batches than {@link Marks#MAX}. */
  private static final int WRITE_BUFFER_BYTES = 4 << 20;

  /** Below and above every letter that a key begins with. */
  private static final byte[] FIRST_KEY = {0};
  private static final byte[] END_KEY = {'~'};

  private final Path directory;
  private final DB db;
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
  private final WriteOptions sync = new WriteOptions().sync(true);
  private long batches;
  private String identity;
  private boolean named;
  private boolean closed;

  private LevelDbStore(Path directory, DB db) {
    this.directory = directory;
    this.db = db;
    var last = db.get(LevelDbKeys.lastBatch(), reading());
    this.batches = last == null ? 0 : ByteBuffer.wrap(last).getLong();
    var name = db.get(LevelDbKeys.identity(), reading());
    this.named = name != null;
    this.identity = named ? new String(name, StandardCharsets.UTF_8) : "";
  }

  /** The name of the store: its own, or the given one, which the next write then makes its own. */
  String identity(String otherwise) {
    identity = named ? identity : otherwise;
    return identity;
  }

  /** The number of the newest batch. */
  long batches() {
    return batches;
  }

  /** @throws IOException in the words of the library, when the files cannot be opened */
  static LevelDbStore open(Path directory, DBFactory factory, Checks checks, boolean create)
      throws IOException {
    var options = new Options()
        .createIfMissing(create)
        .paranoidChecks(checks == Checks.PARANOID)
        .verifyChecksums(true)
        .writeBufferSize(WRITE_BUFFER_BYTES)
        .compressionType(CompressionType.NONE); // The Java version would need one more library to read it.
    try {
      return new LevelDbStore(directory, factory.open(directory.toFile(), options));
    } catch (RuntimeException e) {
      throw new IOException(e.getMessage(), e); // The Java version reports damage so.
    }
  }

  static DBFactory factory(JournalSettings.Implementation implementation) {
    return switch (implementation) {
      case JAVA -> Iq80DBFactory.factory;
      case NATIVE -> {
        try {
          yield nativeFactory();
        } catch (LinkageError e) {
          throw JournalFault.noNativeLibrary(e);
        }
      }
      case AUTO -> {
        try {
          var factory = nativeFactory();
          LOG.info("journal.leveldb implementation=native");
          yield factory;
        } catch (LinkageError e) {
          LOG.warn("journal.leveldb implementation=java cause={}", e.toString());
          yield Iq80DBFactory.factory;
        }
      }
    };
  }

  private static DBFactory nativeFactory() {
    NativeDB.LIBRARY.load(); // Here rather than in the first call, so that AUTO can choose.
    return JniDBFactory.factory;
  }

  @Override
  public String name() {
    return directory.toString();
  }

  @Override
  public boolean isEmpty() {
    return using("reading", () -> {
      try (var iterator = db.iterator(reading())) {
        iterator.seekToFirst();
        return !iterator.hasNext();
      }
    });
  }

  /** The lock of the directory keeps others out. */
  @Override
  public boolean shared() {
    return false;
  }

  @Override
  public void write(List<Change> batch) {
    long number = batches + 1;
    using("writing", () -> {
      try (var write = db.createWriteBatch()) {
        for (var change : batch) {
          switch (change) {
            case Change.Put(var key, var value) -> write.put(LevelDbKeys.encode(key), value);
            case Change.Remove(var key) -> write.delete(LevelDbKeys.encode(key));
            case Change.RemoveSeen(var key, _) -> write.delete(LevelDbKeys.encode(key));
            case Change.Move(var pid, _, var after) ->
                write.put(LevelDbKeys.encode(new StoreKey.HeadOf(pid)), after.encode());
            case Change.Claim _ -> {}
          }
        }
        write.put(LevelDbKeys.mark(Marks.slot(number)), Marks.value(number));
        write.put(LevelDbKeys.lastBatch(), Marks.value(number));
        if (!named && !identity.isEmpty()) {
          write.put(LevelDbKeys.identity(), identity.getBytes(StandardCharsets.UTF_8));
        }
        return db.write(write, sync) == null;
      }
    });
    batches = number;
    named = !identity.isEmpty();
  }

  /** Writes go on meanwhile. The Java version may leave the newest file of deleted records for later. */
  @Override
  public void compact() {
    using("compacting", () -> {
      if (db instanceof DbImpl java) { // It refuses compactRange(first, end), which the native one knows.
        java.flushMemTable();
        for (int level = 0; level < DbConstants.NUM_LEVELS - 1; level++) {
          java.compactRange(level, new Slice(FIRST_KEY), new Slice(END_KEY));
        }
      } else {
        db.compactRange(FIRST_KEY, END_KEY);
      }
      return true;
    });
  }

  @Override
  public void check() {
    var marks = new Marks(batches);
    scan(LevelDbKeys.marks(), (_, value) -> {
      marks.found(value);
      return true;
    });
    if (marks.missing() != 0) {
      var what = marks.missing() + " batches are missing before batch " + batches;
      throw JournalFault.corruptStore(name(), what);
    }
  }

  @Override
  public Optional<byte[]> get(StoreKey key) {
    return using("reading", () -> Optional.ofNullable(db.get(LevelDbKeys.encode(key), reading())));
  }

  @Override
  public void scan(Range range, Visitor visitor) {
    scan(LevelDbKeys.bounds(range), (key, value) -> visitor.visit(LevelDbKeys.decode(key), value));
  }

  private void scan(LevelDbKeys.Bounds bounds, BiPredicate<byte[], byte[]> visitor) {
    using("reading", () -> {
      try (var iterator = db.iterator(reading())) {
        for (var next = first(iterator, bounds.first()); next.isPresent(); next = next(iterator)) {
          var key = next.get().getKey();
          if (Arrays.compareUnsigned(key, bounds.end()) >= 0 || !visitor.test(key, next.get().getValue())) {
            return false;
          }
        }
        return true;
      }
    });
  }

  private static Optional<Map.Entry<byte[], byte[]>> first(DBIterator iterator, byte[] key)
      throws IOException {
    try {
      iterator.seek(key);
    } catch (RuntimeException e) {
      throw new IOException(e.getMessage(), e);
    }
    return next(iterator);
  }

  /** Both libraries wrap what they find wrong with a block in a bare RuntimeException here. */
  private static Optional<Map.Entry<byte[], byte[]>> next(DBIterator iterator) throws IOException {
    try {
      return iterator.hasNext() ? Optional.of(iterator.next()) : Optional.empty();
    } catch (RuntimeException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    lock.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        db.close();
      }
    } catch (IOException e) {
      throw JournalFault.io(name(), "closing", e);
    } finally {
      lock.writeLock().unlock();
    }
  }

  private static ReadOptions reading() {
    return new ReadOptions().verifyChecksums(true);
  }

  /** A use of the database that may fail as the library does. */
  private interface Use<T> {
    T run() throws IOException;
  }

  private <T> T using(String what, Use<T> use) {
    lock.readLock().lock();
    try {
      if (closed) {
        throw JournalFault.closed(name());
      }
      return use.run();
    } catch (IOException | DBException e) {
      var message = String.valueOf(e.getMessage());
      throw message.contains("orruption")
          ? JournalFault.corruptStore(name(), what, e)
          : JournalFault.io(name(), what, e);
    } finally {
      lock.readLock().unlock();
    }
  }
}
