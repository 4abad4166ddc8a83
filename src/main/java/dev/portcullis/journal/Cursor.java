package dev.portcullis.journal;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Numbers and texts as LevelDB writes them. At the end: {@link BufferUnderflowException}. */
final class Cursor {

  private final ByteBuffer buffer;

  Cursor(byte[] bytes, int from, int to) {
    this.buffer = ByteBuffer.wrap(bytes, from, to - from).order(ByteOrder.LITTLE_ENDIAN);
  }

  Cursor(byte[] bytes) {
    this(bytes, 0, bytes.length);
  }

  boolean hasMore() {
    return buffer.hasRemaining();
  }

  int at() {
    return buffer.position();
  }

  int octet() {
    return Byte.toUnsignedInt(buffer.get());
  }

  int int32() {
    return buffer.getInt();
  }

  long int64() {
    return buffer.getLong();
  }

  /** Seven bits a byte, the lowest first. */
  long varint() {
    long value = 0;
    for (int shift = 0; shift < Long.SIZE; shift += 7) {
      int next = octet();
      value |= (long) (next & 0x7f) << shift;
      if (next < 0x80) {
        return value;
      }
    }
    throw new BufferUnderflowException();
  }

  byte[] bytes(long length) {
    if (length < 0 || length > buffer.remaining()) {
      throw new BufferUnderflowException();
    }
    var bytes = new byte[(int) length];
    buffer.get(bytes);
    return bytes;
  }

  /** Bytes with their length in front. */
  byte[] sized() {
    return bytes(varint());
  }
}
