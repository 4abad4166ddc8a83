package dev.portcullis.journal;

/** The contract of a journal plugin over PostgreSQL. */
class PostgresPluginTest extends PluginContract {

  private final String schema = PostgresServer.freshSchema();

  @Override
  JournalSettings settings() {
    return new JournalSettings(directory, PostgresServer.store(schema, "node-a"), 0);
  }
}
