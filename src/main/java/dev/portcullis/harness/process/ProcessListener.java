package dev.portcullis.harness.process;

import dev.portcullis.harness.HarnessFault;

/**
 * Hears what one process says. Lines come from one thread of its own, and each call is the credit for the
 * next: while it lasts nothing more is read, so that a chatty process waits on its own pipe.
 */
public interface ProcessListener {
  /**
   * One line of standard output that begins as a JSON object does, without its end. May take as long as it
   * likes, and may block.
   */
  void line(String line);

  /**
   * The process ended, closed its output, broke a bound or was stopped; no line follows. Comes from another
   * thread, and in spite of a {@code line} that still lasts where the process was stopped.
   */
  void ended(HarnessFault fault);
}
