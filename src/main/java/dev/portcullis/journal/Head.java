package dev.portcullis.journal;

import java.nio.ByteBuffer;

/**
 * The recorded end and beginning of one history: replay must reach {@code highest} with {@code digest} and
 * starts after {@code deletedTo}, whose digest {@code anchor} is kept when its event is not.
 */
record Head(long highest, byte[] digest, long deletedTo, byte[] anchor) {

  /** The history that has no event yet. */
  static final Head NONE =
      new Head(0, new byte[EventRecord.DIGEST_BYTES], 0, new byte[EventRecord.DIGEST_BYTES]);

  private static final byte VERSION = 1;
  private static final int BYTES = 1 + 2 * (Long.BYTES + EventRecord.DIGEST_BYTES);

  Head next(long seq, byte[] nextDigest) {
    return new Head(seq, nextDigest, deletedTo, anchor);
  }

  byte[] encode() {
    return ByteBuffer.allocate(BYTES)
        .put(VERSION)
        .putLong(highest)
        .put(digest)
        .putLong(deletedTo)
        .put(anchor)
        .array();
  }

  static Head decode(String where, String persistenceId, byte[] bytes) {
    if (bytes.length != BYTES || bytes[0] != VERSION) {
      throw JournalFault.corrupt(where, persistenceId, 0, "the recorded end of the history cannot be read");
    }
    var buffer = ByteBuffer.wrap(bytes, 1, BYTES - 1);
    var digest = new byte[EventRecord.DIGEST_BYTES];
    var anchor = new byte[EventRecord.DIGEST_BYTES];
    long highest = buffer.getLong();
    buffer.get(digest);
    long deletedTo = buffer.getLong();
    buffer.get(anchor);
    return new Head(highest, digest, deletedTo, anchor);
  }
}
