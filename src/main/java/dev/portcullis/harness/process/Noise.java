package dev.portcullis.harness.process;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts what a process prints on standard output beside its protocol. Never shown: it may hold what a user
 * said. Logged twice at most, at its first byte and at the end, so that a flood of it is no flood of the log.
 * Belongs to one thread.
 */
final class Noise {
  private static final Logger log = LoggerFactory.getLogger(Noise.class);

  private final String harness;
  private final long pid;
  private long bytes;
  private long lines;

  Noise(String harness, long pid) {
    this.harness = harness;
    this.pid = pid;
  }

  void bytes(int count) {
    if (bytes == 0) {
      log.warn("harness.output_ignored name={} pid={} expected=\"one JSON object a line\" "
          + "consequence=\"the rest is counted\"", harness, pid);
    }
    bytes += count;
  }

  void line() {
    lines++;
  }

  /** The stream has ended. */
  void sum() {
    if (bytes > 0) {
      log.info("harness.output_ignored_sum name={} pid={} lines={} bytes={}", harness, pid, lines, bytes);
    }
  }

  long bytes() {
    return bytes;
  }

  long lines() {
    return lines;
  }
}
