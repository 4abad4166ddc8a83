package dev.portcullis.alert;

import java.time.Instant;

/** One thing that an operator is told. */
sealed interface Notice {
  Instant at();

  /** @param times how often the topic has been raised since it was raised first */
  record Raised(String reference, String topic, String text, int times, Instant at) implements Notice {}

  record Resolved(String reference, String topic, String text, Instant at) implements Notice {}

  /** Alerts that the limit held back. */
  record Suppressed(int count, Instant at) implements Notice {}
}
