package dev.portcullis.harness.process;

import java.nio.charset.StandardCharsets;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Standard error as log lines, a few per interval, the rest counted. At DEBUG, because an agent may write
 * there what a user said. Belongs to one thread.
 */
final class StderrLog {
  private static final int LINES_PER_INTERVAL = 20;
  private static final int LINE_CHARS_MAX = 500;
  private static final long INTERVAL_NANOS = 10_000_000_000L;
  private static final Logger log = LoggerFactory.getLogger(StderrLog.class);

  private final String harness;
  private final long pid;
  private long intervalBegan = System.nanoTime();
  private int lines;
  private long dropped;

  StderrLog(String harness, long pid) {
    this.harness = harness;
    this.pid = pid;
  }

  void add(byte[] bytes, int length) {
    if (!log.isDebugEnabled()) {
      return;
    }
    new String(bytes, 0, length, StandardCharsets.UTF_8).lines().filter(line -> !line.isBlank())
        .forEach(this::line);
  }

  private void line(String line) {
    if (System.nanoTime() - intervalBegan > INTERVAL_NANOS) {
      if (dropped > 0) {
        log.debug("harness.stderr name={} pid={} dropped={}", harness, pid, dropped);
      }
      intervalBegan = System.nanoTime();
      lines = 0;
      dropped = 0;
    }
    if (lines++ < LINES_PER_INTERVAL) {
      var shown = line.substring(0, Math.min(line.length(), LINE_CHARS_MAX));
      log.debug("harness.stderr name={} pid={} line={}", harness, pid, shown);
    } else {
      dropped++;
    }
  }
}
