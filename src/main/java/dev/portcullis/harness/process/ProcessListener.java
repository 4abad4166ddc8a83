package dev.portcullis.harness.process;

import dev.portcullis.harness.HarnessFault;

/**
 * Hears what one process says. Called from one thread at a time, and each call is the credit for the next:
 * while it lasts nothing more is read, so that a chatty process waits on its own pipe.
 */
public interface ProcessListener {
  /** One line of standard output, without its end. */
  void line(String line);

  /** The process ended, closed its output or broke a bound; the last call. */
  void ended(HarnessFault fault);
}
