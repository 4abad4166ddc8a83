package dev.portcullis.journal;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * {@link StoreKey}s as LevelDB keys: a letter for the kind, then the text with a zero byte behind it, then a
 * big-endian number. The zero keeps one id from being a prefix of another.
 */
final class LevelDbKeys {

  /** The first key and the key after the last. */
  record Bounds(byte[] first, byte[] end) {}

  private LevelDbKeys() {}

  static byte[] encode(StoreKey key) {
    return switch (key) {
      case StoreKey.Event(var pid, var seq) -> numbered('e', pid, seq);
      case StoreKey.HeadOf(var pid) -> named('h', pid);
      case StoreKey.Index(var space, var name) -> join(named('i', space), StoreText.encode(name));
      case StoreKey.Snapshot(var pid, var seq) -> numbered('s', pid, seq);
      case StoreKey.Base(var pid) -> named('a', pid);
      case StoreKey.Meta(var name) -> named('m', name);
    };
  }

  /** The key of the newest batch's number. */
  static byte[] lastBatch() {
    return named('m', "batch");
  }

  /** The key of the store's own name. */
  static byte[] identity() {
    return named('m', "identity");
  }

  static byte[] mark(int slot) {
    return numbered('b', "", slot);
  }

  static Bounds marks() {
    return kind('b');
  }

  /** Whether a key is LevelDB's affair alone: each store numbers its own batches and has its own name. */
  static boolean ofTheStore(byte[] key) {
    return key[0] == 'b' || Arrays.equals(key, lastBatch()) || Arrays.equals(key, identity());
  }

  static Bounds everything() {
    return new Bounds(new byte[0], new byte[] {(byte) 0xff});
  }

  static Bounds only(byte[] key) {
    return new Bounds(key, after(key));
  }

  static StoreKey decode(byte[] key) {
    int zero = 1;
    while (zero < key.length && key[zero] != 0) {
      zero++;
    }
    if (key.length == 0 || zero == key.length) {
      throw new IllegalArgumentException("not a key of the journal: " + Arrays.toString(key));
    }
    var text = StoreText.decode(key, 1, zero);
    return switch (key[0]) {
      case 'e' -> new StoreKey.Event(text, number(key, zero));
      case 'h' -> new StoreKey.HeadOf(text);
      case 'i' -> new StoreKey.Index(text, StoreText.decode(key, zero + 1, key.length));
      case 's' -> new StoreKey.Snapshot(text, number(key, zero));
      case 'a' -> new StoreKey.Base(text);
      case 'm' -> new StoreKey.Meta(text);
      default -> throw new IllegalArgumentException("not a key of the journal: " + Arrays.toString(key));
    };
  }

  static Bounds bounds(JournalStore.Range range) {
    return switch (range) {
      case JournalStore.Range.Events(var pid, var from, var to) ->
          new Bounds(numbered('e', pid, from), after(numbered('e', pid, to)));
      case JournalStore.Range.AllEvents() -> kind('e');
      case JournalStore.Range.Heads() -> kind('h');
      case JournalStore.Range.AllBases() -> kind('a');
      case JournalStore.Range.Index(var space, var prefix) -> {
        var first = join(named('i', space), StoreText.encode(prefix));
        yield new Bounds(first, end(first));
      }
      case JournalStore.Range.AllIndexes() -> kind('i');
      case JournalStore.Range.AllSnapshots() -> kind('s');
      case JournalStore.Range.Snapshots(var pid, var from, var to) ->
          new Bounds(numbered('s', pid, from), after(numbered('s', pid, to)));
    };
  }

  private static Bounds kind(char kind) {
    return new Bounds(new byte[] {(byte) kind}, new byte[] {(byte) (kind + 1)});
  }

  private static byte[] named(char kind, String text) {
    var bytes = StoreText.encode(text);
    return ByteBuffer.allocate(bytes.length + 2).put((byte) kind).put(bytes).put((byte) 0).array();
  }

  private static byte[] numbered(char kind, String text, long number) {
    return join(named(kind, text), ByteBuffer.allocate(Long.BYTES).putLong(number).array());
  }

  private static byte[] join(byte[] first, byte[] second) {
    var joined = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, joined, first.length, second.length);
    return joined;
  }

  /** The least key that is larger than this one. */
  private static byte[] after(byte[] key) {
    return Arrays.copyOf(key, key.length + 1);
  }

  /** The least key that is larger than all that begin with this one, which does not end with 0xff. */
  private static byte[] end(byte[] prefix) {
    var end = prefix.clone();
    end[end.length - 1]++;
    return end;
  }

  private static long number(byte[] key, int zero) {
    if (key.length != zero + 1 + Long.BYTES) {
      throw new IllegalArgumentException("not a key of the journal: " + Arrays.toString(key));
    }
    return ByteBuffer.wrap(key, zero + 1, Long.BYTES).getLong();
  }
}
