package dev.portcullis.journal;

import java.nio.file.Path;

/**
 * Where and how the journal is kept.
 *
 * @param directory the data directory; the store lies in its subdirectory {@code journal}, beside the file
 *     {@code lock} that keeps a second process out
 * @param lowSpaceBytes free space below which {@link Journal#lowSpace()} says so; 0 turns the watermark off
 */
public record JournalSettings(Path directory, Implementation implementation, long lowSpaceBytes) {

  /** Which LevelDB to use. The files are the same. */
  public enum Implementation {
    /** Native where its library loads, else Java. */
    AUTO,
    NATIVE,
    JAVA
  }

  public JournalSettings {
    if (lowSpaceBytes < 0) {
      throw new IllegalArgumentException("lowSpaceBytes < 0: " + lowSpaceBytes);
    }
  }
}
