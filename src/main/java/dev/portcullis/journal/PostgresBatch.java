package dev.portcullis.journal;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The statements of one batch, one per kind of change however many changes there are. Fences come first: the
 * writer's epoch, then the histories that the batch moves.
 */
final class PostgresBatch {

  private final String schema;
  private final Map<StoreKey, Optional<byte[]>> records = new LinkedHashMap<>();
  private final Map<StoreKey.Index, byte[]> seen = new LinkedHashMap<>();
  private final List<JournalStore.Change.Move> moves = new ArrayList<>();
  private final List<String> claims = new ArrayList<>();

  PostgresBatch(String schema, List<JournalStore.Change> changes) {
    this.schema = schema;
    for (var change : changes) {
      switch (change) { // What is said last about a record holds.
        case JournalStore.Change.Put(var key, var value) -> records.put(key, Optional.of(value));
        case JournalStore.Change.Remove(var key) -> records.put(key, Optional.empty());
        case JournalStore.Change.RemoveSeen(var key, var value) -> seen.put(key, value);
        case JournalStore.Change.Move move -> moves.add(move);
        case JournalStore.Change.Claim(var pid) -> claims.add(pid);
      }
    }
  }

  /**
   * What came of it, before anything is committed.
   *
   * @param fenced the epoch is retired, or this connection is no longer the writer's newest
   * @param lost the histories that are not ours to move
   */
  record Outcome(boolean fenced, Set<String> lost) {}

  /** Makes all changes as batch {@code number} in the connection's open transaction. */
  Outcome run(Connection connection, long epoch, long link, long number) throws SQLException {
    var statements = fences(epoch, link, number);
    claim(statements, epoch);
    put(statements);
    remove(statements);
    removeSeen(statements);
    return outcome(connection, statements);
  }

  /** What {@link #run} would come to, where it could not say because a change failed. */
  Outcome ask(Connection connection, long epoch, long link, long number) throws SQLException {
    return outcome(connection, fences(epoch, link, number));
  }

  private PostgresStatements fences(long epoch, long link, long number) {
    var statements = new PostgresStatements().add(
        "update " + schema + ".writer set batch = ? "
            + "where epoch = ? and batch = ? and link = ? and not retired returning epoch",
        number, epoch, number - 1, link);
    move(statements, epoch, true);
    move(statements, epoch, false);
    return statements;
  }

  private Outcome outcome(Connection connection, PostgresStatements statements) throws SQLException {
    try (var prepared = statements.prepare(connection)) {
      boolean rows = prepared.execute();
      boolean fenced = !prepared.getResultSet().next();
      var lost = new HashSet<String>();
      moves.forEach(each -> lost.add(each.persistenceId()));
      while ((rows = prepared.getMoreResults()) || prepared.getUpdateCount() >= 0) {
        if (rows) {
          var moved = prepared.getResultSet();
          while (moved.next()) {
            var pid = moved.getBytes(1);
            lost.remove(StoreText.decode(pid, 0, pid.length));
          }
        }
      }
      return new Outcome(fenced, lost);
    }
  }

  /** Returns the ids of those that could be moved. A history that nobody has claimed yet becomes ours. */
  private void move(PostgresStatements statements, long epoch, boolean fresh) {
    var some = moves.stream().filter(each -> fresh == (each.before().highest() == 0)).toList();
    if (some.isEmpty()) {
      return;
    }
    var ids = some.stream().map(each -> StoreText.encode(each.persistenceId())).toArray(byte[][]::new);
    var before = some.stream().map(each -> each.before().highest()).toArray(Long[]::new);
    var highest = some.stream().map(each -> each.after().highest()).toArray(Long[]::new);
    var heads = some.stream().map(each -> each.after().encode()).toArray(byte[][]::new);
    if (fresh) {
      statements.add(
          "insert into " + schema + ".history as h (persistence_id, highest, head, owner) "
              + "select pid, highest, head, ?::bigint from unnest(?, ?, ?) as m (pid, highest, head) "
              + "on conflict (persistence_id) do update set highest = excluded.highest, head = excluded.head "
              + "where h.owner = excluded.owner and h.highest = 0 returning persistence_id",
          epoch, ids, highest, heads);
    } else {
      statements.add(
          "update " + schema + ".history as h set highest = m.highest, head = m.head "
              + "from unnest(?, ?, ?, ?) as m (pid, before, highest, head) "
              + "where h.persistence_id = m.pid and h.owner = ? and h.highest = m.before "
              + "returning h.persistence_id",
          ids, before, highest, heads, epoch);
    }
  }

  private void claim(PostgresStatements statements, long epoch) {
    if (!claims.isEmpty()) {
      statements.add(
          "insert into " + schema + ".history (persistence_id, highest, owner) "
              + "select pid, 0, ?::bigint from unnest(?) as m (pid) order by pid "
              + "on conflict (persistence_id) do update set owner = excluded.owner",
          epoch, claims.stream().distinct().map(StoreText::encode).toArray(byte[][]::new));
    }
  }

  private void put(PostgresStatements statements) {
    var rows = new EnumMap<PostgresKeys.Table, List<List<Object>>>(PostgresKeys.Table.class);
    records.forEach((key, value) -> value.ifPresent(bytes -> {
      var row = PostgresKeys.row(key);
      var columns = new ArrayList<>(row.key());
      columns.add(bytes);
      rows.computeIfAbsent(row.table(), _ -> new ArrayList<>()).add(columns);
    }));
    rows.forEach((table, values) -> {
      var insert = "insert into " + schema + "." + table.table() + " (" + table.keys() + ", " + table.value()
          + ") select * from unnest(" + table.marks() + ", ?)";
      // An event is written once: the key itself refuses a second one.
      statements.add(table == PostgresKeys.Table.EVENT
          ? insert
          : insert + " on conflict (" + table.keys() + ") do update set " + table.value() + " = excluded."
              + table.value(), columns(values));
    });
  }

  private void remove(PostgresStatements statements) {
    var rows = new EnumMap<PostgresKeys.Table, List<List<Object>>>(PostgresKeys.Table.class);
    records.forEach((key, value) -> {
      if (value.isEmpty()) {
        var row = PostgresKeys.row(key);
        rows.computeIfAbsent(row.table(), _ -> new ArrayList<>()).add(row.key());
      }
    });
    rows.forEach((table, keys) -> statements.add(
        "delete from " + schema + "." + table.table() + " where (" + table.keys()
            + ") in (select * from unnest(" + table.marks() + "))",
        columns(keys)));
  }

  /** What the same batch has put there since it was seen stays as well. */
  private void removeSeen(PostgresStatements statements) {
    var rows = new ArrayList<List<Object>>();
    seen.forEach((key, value) -> {
      if (!records.containsKey(key)) {
        var columns = new ArrayList<>(PostgresKeys.row(key).key());
        columns.add(value);
        rows.add(columns);
      }
    });
    if (!rows.isEmpty()) {
      var table = PostgresKeys.Table.INDEX;
      statements.add("delete from " + schema + "." + table.table() + " where (" + table.keys() + ", "
          + table.value() + ") in (select * from unnest(" + table.marks() + ", ?))", columns(rows));
    }
  }

  /** Rows turned into columns, as {@code unnest} wants them. */
  private static Object[] columns(List<List<Object>> rows) {
    var columns = new Object[rows.getFirst().size()];
    for (int i = 0; i < columns.length; i++) {
      int column = i;
      columns[i] = rows.getFirst().get(i) instanceof Long
          ? rows.stream().map(row -> (Long) row.get(column)).toArray(Long[]::new)
          : rows.stream().map(row -> (byte[]) row.get(column)).toArray(byte[][]::new);
    }
    return columns;
  }
}
