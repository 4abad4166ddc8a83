package dev.portcullis.journal;

/** How an {@link IndexEntry} looks as a tag: a word that says what to do, then its texts, NUL between. */
final class IndexTag {

  static final String NUL = "\0";
  static final String PUT = "index.put";
  static final String REMOVE = "index.remove";

  private IndexTag() {}

  static boolean isOurs(String tag) {
    return tag.startsWith(PUT + NUL) || tag.startsWith(REMOVE + NUL);
  }

  static IndexEntry parse(String tag) {
    if (tag.startsWith(PUT + NUL)) {
      var parts = tag.split(NUL, 4); // The value is last and may hold anything.
      if (parts.length == 4) {
        return new IndexEntry.Put(parts[1], parts[2], parts[3]);
      }
    } else if (tag.startsWith(REMOVE + NUL)) {
      var parts = tag.split(NUL, -1);
      if (parts.length == 3) {
        return new IndexEntry.Remove(parts[1], parts[2]);
      }
    }
    throw new IllegalArgumentException("not an index entry: " + tag.replace(NUL, "|"));
  }

  static void check(String space, String key) {
    if (space.isEmpty() || space.contains(NUL)) {
      throw new IllegalArgumentException("an index space is not empty and has no NUL: " + space);
    }
    if (key.contains(NUL)) {
      throw new IllegalArgumentException("an index key has no NUL: " + space + " " + key);
    }
  }
}
