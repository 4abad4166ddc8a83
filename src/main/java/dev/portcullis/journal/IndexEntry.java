package dev.portcullis.journal;

/**
 * An index entry that follows from an event and is written in the same batch, so that no index can disagree with
 * the journal. A persistent actor hands it over as a tag of the event ({@code tagsFor}). The tags of one event are a
 * set: its entries must not contradict each other.
 */
public sealed interface IndexEntry {

  /** The named index, free of NUL and not empty. */
  String space();

  /** The key within the space, free of NUL. */
  String key();

  /** This entry as one Pekko tag. */
  String tag();

  /** Sets {@code key} to {@code value}; the value may hold any character. */
  record Put(String space, String key, String value) implements IndexEntry {
    public Put {
      check(space, key);
    }

    @Override
    public String tag() {
      return PUT + space + NUL + key + NUL + value;
    }
  }

  /** Takes {@code key} out of the space; harmless when it is not there. */
  record Remove(String space, String key) implements IndexEntry {
    public Remove {
      check(space, key);
    }

    @Override
    public String tag() {
      return REMOVE + space + NUL + key;
    }
  }

  /** @hidden */
  String NUL = "\0";

  /** @hidden */
  String PUT = "index.put" + NUL;

  /** @hidden */
  String REMOVE = "index.remove" + NUL;

  /** Whether a tag was made by {@link #tag()}; any other tag is none of our business. */
  static boolean isTag(String tag) {
    return tag.startsWith(PUT) || tag.startsWith(REMOVE);
  }

  /**
   * The inverse of {@link #tag()}.
   *
   * @throws IllegalArgumentException when the tag is not ours
   */
  static IndexEntry fromTag(String tag) {
    if (tag.startsWith(PUT)) {
      var parts = tag.split(NUL, 4);
      if (parts.length == 4) {
        return new Put(parts[1], parts[2], parts[3]);
      }
    } else if (tag.startsWith(REMOVE)) {
      var parts = tag.split(NUL, -1);
      if (parts.length == 3) {
        return new Remove(parts[1], parts[2]);
      }
    }
    throw new IllegalArgumentException("not an index entry: " + tag.replace(NUL, "|"));
  }

  private static void check(String space, String key) {
    if (space.isEmpty() || space.contains(NUL)) {
      throw new IllegalArgumentException("an index space is not empty and has no NUL: " + space);
    }
    if (key.contains(NUL)) {
      throw new IllegalArgumentException("an index key has no NUL: " + space + " " + key);
    }
  }
}
