package dev.portcullis.journal;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The recorded end and beginning of one history: replay must reach {@code highest} with {@code digest} and
 * starts after {@code deletedTo}, whose digest {@code anchor} is kept when its event is not. {@code base} is
 * the digest of the record that stands for the deleted beginning, all zeros when nothing does.
 */
record Head(long highest, byte[] digest, long deletedTo, byte[] anchor, byte[] base) {

  /** The history that has no event yet. */
  static final Head NONE = new Head(0, zeros(), 0, zeros(), zeros());

  private static final byte WITHOUT_BASE = 1;
  private static final byte VERSION = 2;
  private static final int BYTES_WITHOUT_BASE = 1 + 2 * (Long.BYTES + EventRecord.DIGEST_BYTES);
  private static final int BYTES = BYTES_WITHOUT_BASE + EventRecord.DIGEST_BYTES;

  Head next(long seq, byte[] nextDigest) {
    return new Head(seq, nextDigest, deletedTo, anchor, base);
  }

  /** Without its beginning up to {@code seq}. */
  Head without(long seq, byte[] digestThere, byte[] standsFor) {
    return new Head(highest, digest, seq, digestThere, standsFor);
  }

  boolean hasBase() {
    return !Arrays.equals(base, NONE.base);
  }

  byte[] encode() {
    return ByteBuffer.allocate(BYTES)
        .put(VERSION)
        .putLong(highest)
        .put(digest)
        .putLong(deletedTo)
        .put(anchor)
        .put(base)
        .array();
  }

  static Head decode(String where, String persistenceId, byte[] bytes) {
    boolean known = bytes.length == BYTES && bytes[0] == VERSION
        || bytes.length == BYTES_WITHOUT_BASE && bytes[0] == WITHOUT_BASE;
    if (!known) {
      throw JournalFault.corrupt(where, persistenceId, 0, "the recorded end of the history cannot be read");
    }
    var buffer = ByteBuffer.wrap(bytes, 1, bytes.length - 1);
    long highest = buffer.getLong();
    var digest = digest(buffer);
    long deletedTo = buffer.getLong();
    var anchor = digest(buffer);
    return new Head(highest, digest, deletedTo, anchor, buffer.hasRemaining() ? digest(buffer) : zeros());
  }

  private static byte[] digest(ByteBuffer buffer) {
    var digest = zeros();
    buffer.get(digest);
    return digest;
  }

  private static byte[] zeros() {
    return new byte[EventRecord.DIGEST_BYTES];
  }
}
