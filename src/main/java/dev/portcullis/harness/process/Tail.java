package dev.portcullis.harness.process;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The last bytes of a stream. */
final class Tail {
  private final byte[] ring;
  private long written;

  Tail(int bytes) {
    this.ring = new byte[bytes];
  }

  synchronized void add(byte[] bytes, int length) {
    for (int i = Math.max(0, length - ring.length); i < length; i++) {
      ring[(int) ((written + i) % ring.length)] = bytes[i];
    }
    written += length;
  }

  synchronized boolean truncated() {
    return written > ring.length;
  }

  synchronized String text() {
    var start = (int) (written % ring.length);
    if (written <= ring.length) {
      return new String(ring, 0, (int) written, StandardCharsets.UTF_8);
    }
    var ordered = Arrays.copyOfRange(ring, start, start + ring.length);
    System.arraycopy(ring, start, ordered, 0, ring.length - start);
    System.arraycopy(ring, 0, ordered, ring.length - start, start);
    return new String(ordered, StandardCharsets.UTF_8);
  }
}
