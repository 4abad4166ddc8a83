package dev.portcullis.protocol;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * Where a run stands. The words are part of the contract; what may follow what is in {@code run.RunTable}.
 */
public enum RunStatus {
  QUEUED,
  STARTING,
  RUNNING,
  ABORTING,
  INTERRUPTED,
  PARKED,
  COMPLETED,
  FAILED,
  ABORTED;

  /** Has an attempt under way. */
  public boolean active() {
    return this == STARTING || this == RUNNING || this == ABORTING;
  }

  /** Nothing can change any more. */
  public boolean terminal() {
    return this == COMPLETED || this == FAILED || this == ABORTED;
  }

  /** An abort would change something. */
  public boolean abortable() {
    return !terminal() && this != ABORTING;
  }

  /** The status that {@code word} says; empty when it says none. */
  public static Optional<RunStatus> of(String word) {
    return Arrays.stream(values()).filter(status -> status.word().equals(word)).findFirst();
  }

  /** The word in JSON and logs. */
  @JsonValue
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
