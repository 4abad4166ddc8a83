package dev.portcullis.journal;

/** The contract of a snapshot store over PostgreSQL. */
class PostgresSnapshotTest extends SnapshotContract {

  private final String schema = PostgresServer.freshSchema();

  @Override
  JournalSettings settings() {
    return new JournalSettings(directory, PostgresServer.store(schema, "node-a"), 0);
  }
}
