package dev.portcullis.journal;

import java.sql.Connection;
import java.sql.SQLException;

/** The tables of the journal in a database, and their version. Why they look so: docs/adr/0009. */
final class PostgresSchema {

  private static final int VERSION = 1;
  /** Any number that nobody else uses: two processes that start at once must not both make the tables. */
  private static final long LOCK = 0x706f727463756c6cL;
  private static final String TABLES = """
      create schema if not exists SCHEMA;

      -- One row per version that this schema has had.
      create table SCHEMA.schema_version (
        version integer primary key,
        made timestamptz not null default now());

      -- One row per life of a process. batch: its newest commit; link: counts its connections for writing.
      create table SCHEMA.writer (
        epoch bigserial primary key,
        node text not null,
        instance text not null,
        started timestamptz not null default now(),
        batch bigint not null default 0,
        link bigint not null default 0,
        retired boolean not null default false) with (fillfactor = 50);

      -- The recorded end of each history, and the epoch that may move it. No head: claimed, not yet written.
      create table SCHEMA.history (
        persistence_id bytea primary key,
        highest bigint not null,
        head bytea,
        owner bigint not null) with (fillfactor = 70);

      create table SCHEMA.event (
        persistence_id bytea not null,
        sequence_number bigint not null,
        record bytea not null,
        primary key (persistence_id, sequence_number));

      create table SCHEMA.snapshot (
        persistence_id bytea not null,
        sequence_number bigint not null,
        record bytea not null,
        primary key (persistence_id, sequence_number));

      create table SCHEMA.base (
        persistence_id bytea primary key,
        record bytea not null);

      create table SCHEMA.index_entry (
        space bytea not null,
        name bytea not null,
        value bytea not null,
        primary key (space, name)) with (fillfactor = 70);

      create table SCHEMA.meta (
        name bytea primary key,
        value bytea not null);

      -- For people: ids are any bytes, and what is not ASCII is shown as octal numbers.
      create view SCHEMA.readable_history as
        select encode(h.persistence_id, 'escape') as persistence_id, h.highest, w.node as owner
        from SCHEMA.history h left join SCHEMA.writer w on w.epoch = h.owner
        where h.head is not null;

      create view SCHEMA.readable_index as
        select encode(space, 'escape') as space, encode(name, 'escape') as name,
          encode(value, 'escape') as value
        from SCHEMA.index_entry;

      insert into SCHEMA.schema_version (version) values (1);
      """;

  private PostgresSchema() {}

  /** Everything that makes the newest version out of nothing. */
  static String ddl(String schema) {
    return TABLES.replace("SCHEMA", schema);
  }

  /**
   * Makes the tables where there are none.
   *
   * @param create whether that is allowed
   * @throws JournalFault {@code REFUSED} when they are missing, {@code FORMAT} when they are of another
   *     version
   */
  static void ensure(String where, String schema, Connection connection, boolean create)
      throws SQLException {
    int found = version(schema, connection);
    if (found == 0 && create) {
      found = make(schema, connection);
    }
    if (found == 0) {
      throw JournalFault.noSchema(where, schema);
    }
    if (found != VERSION) {
      throw JournalFault.format(where, "schema version " + found, "version " + VERSION);
    }
  }

  private static int make(String schema, Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    try (var statement = connection.createStatement()) {
      statement.execute("select pg_advisory_xact_lock(" + LOCK + ")");
      if (version(schema, connection) == 0) { // Else another process has just made them.
        statement.execute(ddl(schema));
      }
    }
    connection.commit();
    connection.setAutoCommit(true);
    return version(schema, connection);
  }

  private static int version(String schema, Connection connection) throws SQLException {
    try (var statement = connection.createStatement();
        var exists = statement.executeQuery("select to_regclass('" + schema + ".schema_version')")) {
      if (!exists.next() || exists.getString(1) == null) {
        return 0;
      }
    }
    try (var statement = connection.createStatement();
        var newest = statement.executeQuery("select max(version) from " + schema + ".schema_version")) {
      return newest.next() ? newest.getInt(1) : 0;
    }
  }
}
