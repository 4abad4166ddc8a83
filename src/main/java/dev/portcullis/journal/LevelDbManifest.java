package dev.portcullis.journal;

import java.nio.BufferUnderflowException;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a LevelDB directory consists of, as its manifest says.
 *
 * @param tables numbers and lengths of the tables that count
 * @param firstLog logs with a lower number are in the tables already
 */
record LevelDbManifest(TreeMap<Long, Long> tables, long firstLog) {

  private static final int COMPARATOR = 1;
  private static final int LOG_NUMBER = 2;
  private static final int NEXT_FILE = 3;
  private static final int LAST_SEQUENCE = 4;
  private static final int COMPACT_POINTER = 5;
  private static final int DELETED_FILE = 6;
  private static final int NEW_FILE = 7;
  private static final int PREVIOUS_LOG = 9;

  /** Empty when an edit cannot be understood. Source: LevelDB, db/version_edit.cc. */
  static Optional<LevelDbManifest> of(List<byte[]> edits) {
    var tables = new TreeMap<Long, Long>();
    long log = 0;
    try {
      for (var edit : edits) {
        var cursor = new Cursor(edit);
        while (cursor.hasMore()) {
          switch ((int) cursor.varint()) {
            case COMPARATOR -> cursor.sized();
            case LOG_NUMBER -> log = cursor.varint();
            case NEXT_FILE, LAST_SEQUENCE, PREVIOUS_LOG -> cursor.varint();
            case COMPACT_POINTER -> {
              cursor.varint();
              cursor.sized();
            }
            case DELETED_FILE -> {
              cursor.varint();
              tables.remove(cursor.varint());
            }
            case NEW_FILE -> {
              cursor.varint();
              tables.put(cursor.varint(), cursor.varint());
              cursor.sized();
              cursor.sized();
            }
            default -> {
              return Optional.empty();
            }
          }
        }
      }
      return edits.isEmpty() ? Optional.empty() : Optional.of(new LevelDbManifest(tables, log));
    } catch (BufferUnderflowException cutOff) {
      return Optional.empty();
    }
  }
}
