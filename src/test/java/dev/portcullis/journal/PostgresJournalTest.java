package dev.portcullis.journal;

/** The contract over PostgreSQL. */
class PostgresJournalTest extends JournalContract {

  private final String schema = PostgresServer.freshSchema();

  @Override
  JournalSettings settings() {
    return new JournalSettings(directory, PostgresServer.store(schema, "node-a"), 0);
  }
}
