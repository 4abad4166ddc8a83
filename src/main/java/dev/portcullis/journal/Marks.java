package dev.portcullis.journal;

import java.nio.ByteBuffer;
import java.util.BitSet;

/**
 * The numbers of the newest batches of a LevelDB store, in a ring. LevelDB's log is the only part that can
 * tear, and it can lose a batch that no history misses; a missing number below the last one tells.
 */
final class Marks {

  /** More than fit into LevelDB's log. */
  static final int MAX = 1 << 17;

  private final BitSet present = new BitSet(MAX);
  private final long last;

  Marks(long last) {
    this.last = last;
  }

  static int slot(long number) {
    return (int) (number % MAX);
  }

  static byte[] value(long number) {
    return ByteBuffer.allocate(Long.BYTES).putLong(number).array();
  }

  /** One mark that was found; those of batches that fell out of the ring do not count. */
  void found(byte[] value) {
    long number = ByteBuffer.wrap(value).getLong();
    if (number > last - MAX && number <= last) {
      present.set(slot(number));
    }
  }

  long missing() {
    return Math.min(last, MAX) - present.cardinality();
  }
}
