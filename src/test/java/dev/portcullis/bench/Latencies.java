package dev.portcullis.bench;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLongArray;

/** A histogram many threads write to: 16 buckets per doubling, so a value is known to about 6 %. */
final class Latencies {

  private static final int PER_DOUBLING = 16;

  private final AtomicLongArray buckets = new AtomicLongArray(64 * PER_DOUBLING);

  void add(long nanos) {
    int doubling = 63 - Long.numberOfLeadingZeros(Math.max(nanos, PER_DOUBLING));
    int within = (int) (nanos >>> doubling - 4) & PER_DOUBLING - 1;
    buckets.incrementAndGet(doubling * PER_DOUBLING + within);
  }

  long count() {
    long count = 0;
    for (int i = 0; i < buckets.length(); i++) {
      count += buckets.get(i);
    }
    return count;
  }

  Duration percentile(double part) {
    long left = (long) Math.ceil(count() * part);
    for (int i = 0; i < buckets.length(); i++) {
      left -= buckets.get(i);
      if (left <= 0) {
        long base = 1L << i / PER_DOUBLING;
        return Duration.ofNanos(base + base / PER_DOUBLING * (i % PER_DOUBLING));
      }
    }
    return Duration.ZERO;
  }
}
