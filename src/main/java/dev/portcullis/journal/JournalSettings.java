package dev.portcullis.journal;

import java.nio.file.Path;
import java.time.Duration;

/**
 * Where and how the journal is kept.
 *
 * @param directory the data directory: what is local to this process, and the file {@code lock} that keeps a
 *     second one out; LevelDB lies in its subdirectory {@code journal}
 * @param lowSpaceBytes free space on the directory's disk below which {@link Journal#lowSpace()} says so; 0
 *     turns the watermark off
 */
public record JournalSettings(Path directory, Store store, long lowSpaceBytes) {

  /** Which store holds the records. */
  public sealed interface Store {}

  /** Files of the data directory, which no other process can write to. */
  public record LevelDb(Implementation implementation) implements Store {}

  /**
   * Tables of a database, which other processes may write to as well.
   *
   * @param url {@code jdbc:postgresql://…}, without a password
   * @param pool most connections at once
   * @param schema of the tables; lower-case letters, digits and underscores
   * @param createSchema whether to make it where it is missing
   * @param node the name under which others may retire this process
   * @param instance names the data directory for ever: what an earlier process on it has under way is ended
   * @param outage longest time that the database may be away before the journal has failed
   * @param openWithin longest time that opening may wait for the database
   */
  public record Postgres(
      String url,
      String user,
      String password,
      int pool,
      String schema,
      boolean createSchema,
      String node,
      String instance,
      Duration outage,
      Duration openWithin)
      implements Store {
    public Postgres {
      if (!schema.matches("[a-z_][a-z0-9_]{0,62}")) { // It becomes part of statements.
        throw new IllegalArgumentException("not the name of a schema: " + schema);
      }
    }

    @Override
    public String toString() {
      return "Postgres[url=" + url + ", schema=" + schema + ", node=" + node + "]";
    }
  }

  /** Which LevelDB to use. The files are the same. */
  public enum Implementation {
    /** Native where its library loads, else Java. */
    AUTO,
    NATIVE,
    JAVA
  }

  /** In LevelDB. */
  public JournalSettings(Path directory, Implementation implementation, long lowSpaceBytes) {
    this(directory, new LevelDb(implementation), lowSpaceBytes);
  }

  public JournalSettings {
    if (lowSpaceBytes < 0) {
      throw new IllegalArgumentException("lowSpaceBytes < 0: " + lowSpaceBytes);
    }
  }
}
