package dev.portcullis.journal;

import java.util.List;

/**
 * What {@code portcullis journal verify} has found.
 *
 * @param sessions histories that are there, whole or not
 * @param damaged those that cannot be proved
 * @param notes what is worth knowing and no fault
 */
public record JournalVerdict(
    long sessions, long events, long damaged, List<JournalFinding> findings, List<String> notes) {

  public boolean sound() {
    return findings.isEmpty();
  }
}
