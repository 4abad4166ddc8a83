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
    int kept = Math.min(length, ring.length);
    var start = (int) ((written + length - kept) % ring.length);
    int untilEdge = Math.min(kept, ring.length - start);
    System.arraycopy(bytes, length - kept, ring, start, untilEdge);
    System.arraycopy(bytes, length - kept + untilEdge, ring, 0, kept - untilEdge);
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
