package dev.portcullis.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/** Changes a closed journal behind its back. */
public final class Damage {

  private Damage() {}

  /** Copies a data directory that is in use, as a kill of its owner at this instant would leave it. */
  static void copy(Path from, Path to) throws IOException {
    try (var files = Files.walk(from)) {
      for (var file : files.toList()) {
        var target = to.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else {
          Files.copy(file, target);
        }
      }
    }
  }

  static void flip(Path file, long at) throws IOException {
    flip(file, at, 2);
  }

  static void flip(Path file, long at, int bit) throws IOException {
    try (var channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      var one = ByteBuffer.allocate(1);
      channel.read(one, at);
      one.put(0, (byte) (one.get(0) ^ 1 << bit)).flip();
      channel.write(one, at);
    }
  }

  /** Takes the n-th record, counted from 0, out of a LevelDB log as if it had never been; all in one block. */
  static void cutRecord(Path log, int n) throws IOException {
    var bytes = Files.readAllBytes(log);
    int from = 0;
    for (int i = 0; i < n; i++) {
      from += recordBytes(bytes, from);
    }
    int to = from + recordBytes(bytes, from);
    System.arraycopy(bytes, to, bytes, from, bytes.length - to);
    Files.write(log, Arrays.copyOf(bytes, bytes.length - (to - from)));
  }

  private static int recordBytes(byte[] log, int at) {
    return 7 + (Byte.toUnsignedInt(log[at + 4]) | Byte.toUnsignedInt(log[at + 5]) << 8);
  }

  static void in(Path directory, Consumer<JournalStore> change) {
    try (var store =
        LevelDbRecovery.open(directory.resolve("journal"), JournalSettings.Implementation.AUTO)) {
      change.accept(store);
    }
  }

  /** What it took out. */
  public static byte[] removeEvent(Path directory, String persistenceId, long seq) {
    var key = new StoreKey.Event(persistenceId, seq);
    var removed = new AtomicReference<byte[]>();
    in(directory, store -> {
      removed.set(store.get(key).orElseThrow());
      store.write(List.of(new JournalStore.Change.Remove(key)));
    });
    return removed.get();
  }

  /** Puts back what was taken out. */
  public static void putEvent(Path directory, String persistenceId, long seq, byte[] record) {
    in(directory, store -> store.write(
        List.of(new JournalStore.Change.Put(new StoreKey.Event(persistenceId, seq), record))));
  }

  /** Takes out every event and the recorded end, as if the history had never been. */
  static void forget(Path directory, String persistenceId) {
    in(directory, store -> {
      var changes = new ArrayList<JournalStore.Change>();
      store.scan(new JournalStore.Range.Events(persistenceId, 1, Long.MAX_VALUE), (key, _) ->
          changes.add(new JournalStore.Change.Remove(key)));
      changes.add(new JournalStore.Change.Remove(new StoreKey.HeadOf(persistenceId)));
      store.write(changes);
    });
  }
}
