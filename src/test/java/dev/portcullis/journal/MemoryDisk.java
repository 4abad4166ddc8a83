package dev.portcullis.journal;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/** A disk in memory that outlives the journals opened on it, and whose next write can be told to fail. */
public final class MemoryDisk {
  /** How a write fails: whether its data is there afterwards is exactly what the writer cannot know. */
  public enum Fault {
    NONE,
    LOST,
    WRITTEN,
    /** Nothing is written, because another process has claimed the histories meanwhile; not unknown at all. */
    CLAIMED
  }

  private final TreeMap<byte[], byte[]> records = new TreeMap<>(Arrays::compareUnsigned);
  private Fault next = Fault.NONE;

  /** The next write fails so; {@code NONE} calls that off. Returns what was still to come. */
  public synchronized Fault failNext(Fault fault) {
    var before = next;
    next = fault;
    return before;
  }

  /** Loses one event behind the journal's back; what is returned puts it back. */
  public synchronized Runnable loseEvent(String persistenceId, long seq) {
    var key = LevelDbKeys.encode(new StoreKey.Event(persistenceId, seq));
    var record = Optional.ofNullable(records.remove(key)).orElseThrow();
    return () -> {
      synchronized (MemoryDisk.this) {
        records.put(key, record);
      }
    };
  }

  /** Loses every event of a history and its recorded end behind the journal's back. */
  public synchronized void forget(String persistenceId) {
    var bounds = LevelDbKeys.bounds(new JournalStore.Range.Events(persistenceId, 1, Long.MAX_VALUE));
    records.subMap(bounds.first(), bounds.end()).clear();
    records.remove(LevelDbKeys.encode(new StoreKey.HeadOf(persistenceId)));
  }

  /** Opens a journal on what is here. Its lock and reserve lie in a directory of its own that is removed at once. */
  public Journal open(Consumer<JournalFault> onFault) {
    return open(onFault, UnaryOperator.identity());
  }

  /** The same with a store of the test's own between the journal and what is here. */
  Journal open(Consumer<JournalFault> onFault, UnaryOperator<JournalStore> between) {
    try {
      var directory = Files.createTempDirectory("memory-disk");
      try {
        return Journal.open(Samples.settings(directory), onFault, real -> {
          real.close();
          return between.apply(new Store());
        });
      } finally {
        remove(directory);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether any record holds these ASCII characters. */
  public synchronized boolean holds(String text) {
    return records.values().stream()
        .anyMatch(record -> new String(record, StandardCharsets.ISO_8859_1).contains(text));
  }

  private static void remove(Path directory) throws IOException {
    try (var paths = Files.walk(directory)) {
      for (var path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  private final class Store implements JournalStore {
    @Override
    public String name() {
      return "memory";
    }

    @Override
    public boolean shared() {
      return false;
    }

    @Override
    public void check() {}

    @Override
    public boolean isEmpty() {
      synchronized (MemoryDisk.this) {
        return records.isEmpty();
      }
    }

    @Override
    public void write(List<Change> batch) {
      synchronized (MemoryDisk.this) {
        var fault = next;
        next = Fault.NONE;
        if (fault == Fault.CLAIMED) {
          throw new Lost(batch.stream()
              .filter(Change.Move.class::isInstance)
              .map(change -> ((Change.Move) change).persistenceId())
              .collect(Collectors.toSet()));
        }
        if (fault != Fault.LOST) {
          batch.forEach(this::apply);
        }
        if (fault != Fault.NONE) {
          throw JournalFault.io(name(), "writing", new IOException("told to fail: " + fault));
        }
      }
    }

    private void apply(Change change) {
      switch (change) {
        case Change.Put(var key, var value) -> records.put(LevelDbKeys.encode(key), value);
        case Change.Remove(var key) -> records.remove(LevelDbKeys.encode(key));
        case Change.RemoveSeen(var key, _) -> records.remove(LevelDbKeys.encode(key));
        case Change.Move(var pid, _, var after) ->
            records.put(LevelDbKeys.encode(new StoreKey.HeadOf(pid)), after.encode());
        case Change.Claim _ -> {}
      }
    }

    @Override
    public Optional<byte[]> get(StoreKey key) {
      synchronized (MemoryDisk.this) {
        return Optional.ofNullable(records.get(LevelDbKeys.encode(key)));
      }
    }

    @Override
    public void scan(Range range, Visitor visitor) {
      var bounds = LevelDbKeys.bounds(range);
      TreeMap<byte[], byte[]> found;
      synchronized (MemoryDisk.this) {
        found = new TreeMap<>(records.subMap(bounds.first(), bounds.end()));
      }
      for (var entry : found.entrySet()) {
        if (!visitor.visit(LevelDbKeys.decode(entry.getKey()), entry.getValue())) {
          return;
        }
      }
    }

    @Override
    public void close() {}
  }
}
