package dev.portcullis.cli;

import java.time.Duration;

/**
 * How long a command waits for a gateway that is starting again.
 *
 * @param total without any sign of life
 * @param pause between two tries
 * @param second how long a second Ctrl-C is waited for
 */
record Patience(Duration total, Duration pause, Duration second) {
  static final Patience STANDARD =
      new Patience(Duration.ofMinutes(5), Duration.ofMillis(500), Duration.ofSeconds(2));
}
