package dev.portcullis.journal;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A {@link JournalStore} in the tables of a PostgreSQL database, one transaction per batch. Each process that
 * opens it gets an epoch; a history belongs to the epoch that claimed it last, and only its owner can move
 * it. Whether a commit that was not answered has happened is read back: its number stands in the row of the
 * epoch. Why: docs/adr/0009.
 */
final class PostgresStore implements JournalStore {

  private static final Logger LOG = LoggerFactory.getLogger(PostgresStore.class);
  private static final String UNIQUE_VIOLATION = "23505";
  private static final int PAGE_ROWS = 1_000;
  private static final long PAGE_BYTES = 4L << 20;

  private final PostgresConnections connections;
  private final String schema;
  private final long epoch;
  // Of the one thread that writes.
  private long batches;
  private long link;
  private boolean inDoubt;

  private PostgresStore(PostgresConnections connections, String schema, long epoch) {
    this.connections = connections;
    this.schema = schema;
    this.epoch = epoch;
  }

  /**
   * Waits for the database, makes the tables where they are missing, and takes an epoch. What an earlier
   * process on the same data directory has still under way has ended after it.
   *
   * @throws JournalFault {@code UNREACHABLE}, {@code REFUSED}, {@code FORMAT} or {@code IO}
   */
  static JournalStore open(JournalSettings.Postgres settings) {
    var connections = new PostgresConnections(settings);
    try {
      long epoch = connections.run("opening", settings.openWithin(), connection -> {
        PostgresSchema.ensure(connections.where(), settings.schema(), connection, settings.createSchema());
        warnOfNoSync(connection);
        return enter(connection, settings);
      });
      LOG.info("journal.postgresql url={} schema={} epoch={} node={}",
          connections.where(), settings.schema(), epoch, settings.node());
      return new PostgresStore(connections, settings.schema(), epoch);
    } catch (JournalFault fault) {
      connections.close();
      throw PostgresConnections.opening(connections.where(), fault);
    }
  }

  /**
   * Only to read, beside whoever writes: without an epoch, nothing can be written and nobody is retired.
   *
   * @throws JournalFault as {@link #open} does; {@code REFUSED} when there are no tables yet
   */
  static JournalStore look(JournalSettings.Postgres settings) {
    var connections = new PostgresConnections(settings);
    try {
      connections.run("opening", settings.openWithin(), connection -> {
        PostgresSchema.ensure(connections.where(), settings.schema(), connection, false);
        return true;
      });
      return new PostgresStore(connections, settings.schema(), 0);
    } catch (JournalFault fault) {
      connections.close();
      throw PostgresConnections.opening(connections.where(), fault);
    }
  }

  /** Makes the tables without opening a journal. */
  static void create(JournalSettings.Postgres settings) {
    try (var connections = new PostgresConnections(settings)) {
      try {
        connections.run("making the schema", settings.openWithin(), connection -> {
          PostgresSchema.ensure(connections.where(), settings.schema(), connection, true);
          return true;
        });
      } catch (JournalFault fault) {
        throw PostgresConnections.opening(connections.where(), fault);
      }
    }
  }

  /** Retiring waits for the commit that an earlier life may have sent with its last breath. */
  private static long enter(Connection connection, JournalSettings.Postgres settings) throws SQLException {
    var statements = new PostgresStatements()
        .add("update " + settings.schema() + ".writer set retired = true where instance = ? and not retired",
            settings.instance())
        .add("insert into " + settings.schema() + ".writer (node, instance) values (?, ?) returning epoch",
            settings.node(), settings.instance());
    try (var prepared = statements.prepare(connection)) {
      prepared.execute();
      prepared.getMoreResults();
      var row = prepared.getResultSet();
      row.next();
      return row.getLong(1);
    }
  }

  private static void warnOfNoSync(Connection connection) throws SQLException {
    try (var statement = connection.createStatement(); var row = statement.executeQuery("show fsync")) {
      if (row.next() && row.getString(1).equals("off")) {
        LOG.warn("journal.no_sync: the database runs with fsync=off, a power failure loses what it has");
      }
    }
  }

  @Override
  public String name() {
    return connections.where();
  }

  @Override
  public boolean shared() {
    return true;
  }

  @Override
  public long epoch() {
    return epoch;
  }

  @Override
  public void retire(String node) {
    connections.run("retiring a node", connection -> {
      try (var update = new PostgresStatements()
          .add("update " + schema + ".writer set retired = true where node = ? and not retired", node)
          .prepare(connection)) {
        return update.executeUpdate();
      }
    });
  }

  @Override
  public boolean isEmpty() {
    return connections.run("reading", connection -> {
      try (var statement = connection.createStatement();
          var row = statement.executeQuery("select not exists (select from " + schema
              + ".meta) and not exists (select from " + schema + ".event)")) {
        return row.next() && row.getBoolean(1);
      }
    });
  }

  @Override
  public void write(List<Change> changes) {
    var batch = new PostgresBatch(schema, changes);
    long number = batches + 1;
    connections.run("writing", connection -> {
      if (!inDoubt || relink(connection) < number) {
        commit(connection, batch, number);
      }
      inDoubt = false;
      return true;
    });
    batches = number;
  }

  /** Until it has returned, nobody knows whether the batch is written. */
  private void commit(Connection connection, PostgresBatch batch, long number) throws SQLException {
    inDoubt = true;
    connection.setAutoCommit(false);
    var outcome = outcome(connection, batch, number);
    if (outcome.fenced()) {
      connection.rollback();
      connection.setAutoCommit(true);
      relink(connection);
      throw new SQLTransientException("a connection of before has written in between", "40001");
    }
    if (!outcome.lost().isEmpty()) {
      connection.rollback();
      inDoubt = false;
      throw new Lost(outcome.lost());
    }
    connection.commit();
  }

  private PostgresBatch.Outcome outcome(Connection connection, PostgresBatch batch, long number)
      throws SQLException {
    try {
      return batch.run(connection, epoch, link, number);
    } catch (SQLException e) {
      if (!UNIQUE_VIOLATION.equals(e.getSQLState())) {
        throw e;
      }
      // Whoever owns the history now may have used the number already; the fences say whether that is so.
      connection.rollback();
      var outcome = batch.ask(connection, epoch, link, number);
      if (!outcome.fenced() && outcome.lost().isEmpty()) {
        throw e;
      }
      return outcome;
    }
  }

  /**
   * Makes this the only connection that can write: whatever an earlier one has under way has ended when it
   * returns, and whatever still arrives from it finds another link.
   *
   * @return the number of the newest batch that is written
   */
  private long relink(Connection connection) throws SQLException {
    try (var update = new PostgresStatements()
            .add("update " + schema + ".writer set link = link + 1 where epoch = ? "
                + "returning batch, link, retired", epoch)
            .prepare(connection);
        var row = update.executeQuery()) {
      if (!row.next() || row.getBoolean(3) && row.getLong(1) == batches) {
        throw JournalFault.retired(name());
      }
      link = row.getLong(2);
      return row.getLong(1);
    }
  }

  /** Nothing to look for: a database does not lose a commit in the middle, and histories prove themselves. */
  @Override
  public void check() {}

  @Override
  public Optional<byte[]> get(StoreKey key) {
    var row = PostgresKeys.row(key);
    var table = row.table();
    return connections.run("reading", connection -> {
      try (var select = new PostgresStatements()
              .add("select " + table.value() + " from " + schema + "." + table.table()
                  + " where (" + table.keys() + ") = (" + table.marks() + ")", row.key().toArray())
              .prepare(connection);
          var found = select.executeQuery()) {
        return found.next() ? Optional.ofNullable(found.getBytes(1)) : Optional.empty();
      }
    });
  }

  private record Found(List<Object> key, byte[] value) {}

  /** Page by page, without a connection in between: the visitor may take its time, and use the store. */
  @Override
  public void scan(Range range, Visitor visitor) {
    var bounds = PostgresKeys.bounds(range);
    var page = page(bounds, bounds.first());
    while (!page.isEmpty()) {
      for (var found : page) {
        if (!visitor.visit(PostgresKeys.key(bounds.table(), found.key()), found.value())) {
          return;
        }
      }
      page = isLast(page) ? List.of() : page(bounds, PostgresKeys.after(page.getLast().key()));
    }
  }

  private static boolean isLast(List<Found> page) {
    return page.size() < PAGE_ROWS
        && page.stream().mapToLong(found -> found.value().length).sum() < PAGE_BYTES;
  }

  /** At most so many rows, and not many more bytes than a page may have. */
  private List<Found> page(PostgresKeys.Bounds bounds, List<Object> first) {
    var table = bounds.table();
    var parameters = new ArrayList<>(first);
    bounds.end().ifPresent(parameters::addAll);
    var size = "octet_length(" + table.value() + ")";
    var sql = "select " + table.keys() + ", " + table.value() + " from (select *, sum(" + size
        + ") over (order by " + table.keys() + " rows unbounded preceding) - " + size + " as earlier from "
        + schema + "." + table.table() + " where (" + table.keys() + ") >= (" + table.marks() + ")"
        + (bounds.end().isPresent() ? " and (" + table.keys() + ") < (" + table.marks() + ")" : "")
        + " and " + table.value() + " is not null order by " + table.keys() + " limit " + PAGE_ROWS
        + ") as page where earlier < " + PAGE_BYTES + " order by " + table.keys();
    return connections.run("reading", connection -> {
      try (var select = new PostgresStatements().add(sql, parameters.toArray()).prepare(connection);
          var rows = select.executeQuery()) {
        var page = new ArrayList<Found>();
        while (rows.next()) {
          page.add(new Found(
              PostgresKeys.read(table, rows), rows.getBytes(table.key().size() + 1)));
        }
        return page;
      }
    });
  }

  @Override
  public void close() {
    connections.close();
  }
}
