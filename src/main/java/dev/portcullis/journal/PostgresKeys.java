package dev.portcullis.journal;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * {@link StoreKey}s as rows: a table and the values of its key columns, texts as {@link StoreText} so that
 * every string is a different key and the order is LevelDB's. A key value is a {@code byte[]} or a {@code
 * Long}.
 */
final class PostgresKeys {

  /** The tables that hold records; the key's columns, then the record's. */
  enum Table {
    EVENT("event", "record", "persistence_id", "sequence_number"),
    HISTORY("history", "head", "persistence_id"),
    SNAPSHOT("snapshot", "record", "persistence_id", "sequence_number"),
    BASE("base", "record", "persistence_id"),
    INDEX("index_entry", "value", "space", "name"),
    META("meta", "value", "name");

    private final String table;
    private final String value;
    private final List<String> key;

    Table(String table, String value, String... key) {
      this.table = table;
      this.value = value;
      this.key = List.of(key);
    }

    String table() {
      return table;
    }

    String value() {
      return value;
    }

    List<String> key() {
      return key;
    }

    /** The key's columns with commas between. */
    String keys() {
      return String.join(", ", key);
    }

    /** As many placeholders as the key has columns. */
    String marks() {
      return String.join(", ", key.stream().map(_ -> "?").toList());
    }
  }

  /** Which row of which table. */
  record Row(Table table, List<Object> key) {}

  /** The rows from one key to another, which does not belong to it; without an end, all of the table. */
  record Bounds(Table table, List<Object> first, Optional<List<Object>> end) {}

  private PostgresKeys() {}

  static Row row(StoreKey key) {
    return switch (key) {
      case StoreKey.Event(var pid, var seq) -> new Row(Table.EVENT, List.of(StoreText.encode(pid), seq));
      case StoreKey.HeadOf(var pid) -> new Row(Table.HISTORY, List.of(StoreText.encode(pid)));
      case StoreKey.Index(var space, var name) ->
          new Row(Table.INDEX, List.of(StoreText.encode(space), StoreText.encode(name)));
      case StoreKey.Snapshot(var pid, var seq) ->
          new Row(Table.SNAPSHOT, List.of(StoreText.encode(pid), seq));
      case StoreKey.Base(var pid) -> new Row(Table.BASE, List.of(StoreText.encode(pid)));
      case StoreKey.Meta(var name) -> new Row(Table.META, List.of(StoreText.encode(name)));
    };
  }

  /** The key columns, from the first column of a result on. */
  static List<Object> read(Table table, ResultSet row) throws SQLException {
    return switch (table) {
      case EVENT, SNAPSHOT -> List.of(row.getBytes(1), row.getLong(2));
      case INDEX -> List.of(row.getBytes(1), row.getBytes(2));
      case HISTORY, BASE, META -> List.of(row.getBytes(1));
    };
  }

  static StoreKey key(Table table, List<Object> key) {
    return switch (table) {
      case EVENT -> new StoreKey.Event(text(key.getFirst()), (long) key.getLast());
      case HISTORY -> new StoreKey.HeadOf(text(key.getFirst()));
      case SNAPSHOT -> new StoreKey.Snapshot(text(key.getFirst()), (long) key.getLast());
      case BASE -> new StoreKey.Base(text(key.getFirst()));
      case INDEX -> new StoreKey.Index(text(key.getFirst()), text(key.getLast()));
      case META -> new StoreKey.Meta(text(key.getFirst()));
    };
  }

  static Bounds bounds(JournalStore.Range range) {
    return switch (range) {
      case JournalStore.Range.Events(var pid, var from, var to) -> numbered(Table.EVENT, pid, from, to);
      case JournalStore.Range.Snapshots(var pid, var from, var to) -> numbered(Table.SNAPSHOT, pid, from, to);
      case JournalStore.Range.AllEvents() ->
          new Bounds(Table.EVENT, List.of(new byte[0], Long.MIN_VALUE), Optional.empty());
      case JournalStore.Range.AllSnapshots() ->
          new Bounds(Table.SNAPSHOT, List.of(new byte[0], Long.MIN_VALUE), Optional.empty());
      case JournalStore.Range.AllIndexes() ->
          new Bounds(Table.INDEX, List.of(new byte[0], new byte[0]), Optional.empty());
      case JournalStore.Range.Heads() -> new Bounds(Table.HISTORY, List.of(new byte[0]), Optional.empty());
      case JournalStore.Range.AllBases() -> new Bounds(Table.BASE, List.of(new byte[0]), Optional.empty());
      case JournalStore.Range.Index(var space, var prefix) -> {
        var name = StoreText.encode(space);
        var begin = StoreText.encode(prefix);
        var end = begin.length == 0
            ? List.of(next(name), new byte[0])
            : List.<Object>of(name, beyond(begin));
        yield new Bounds(Table.INDEX, List.of(name, begin), Optional.of(end));
      }
    };
  }

  /** The least key that is larger than this one. */
  static List<Object> after(List<Object> key) {
    return key.size() == 1
        ? List.of(next(key.getFirst()))
        : List.of(key.getFirst(), next(key.getLast()));
  }

  private static Bounds numbered(Table table, String persistenceId, long from, long to) {
    var pid = StoreText.encode(persistenceId);
    return new Bounds(table, List.of(pid, from), Optional.of(to == Long.MAX_VALUE
        ? List.of(next(pid), Long.MIN_VALUE)
        : List.of(pid, to + 1)));
  }

  private static Object next(Object value) {
    return value instanceof byte[] bytes
        ? Arrays.copyOf(bytes, bytes.length + 1)
        : Long.valueOf((long) value + 1);
  }

  /** The least value that is larger than all that begin with this one, which does not end with 0xff. */
  private static byte[] beyond(byte[] prefix) {
    var end = prefix.clone();
    end[end.length - 1]++;
    return end;
  }

  private static String text(Object bytes) {
    return StoreText.decode((byte[]) bytes, 0, ((byte[]) bytes).length);
  }
}
