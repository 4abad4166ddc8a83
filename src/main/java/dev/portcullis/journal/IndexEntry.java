package dev.portcullis.journal;

/**
 * An index entry that follows from an event and is written in the same batch, so that no index can disagree
 * with the journal. A persistent actor hands it over as a tag of the event ({@code tagsFor}). The tags of one
 * event are a set: its entries must not contradict each other.
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
      IndexTag.check(space, key);
    }

    @Override
    public String tag() {
      return String.join(IndexTag.NUL, IndexTag.PUT, space, key, value);
    }
  }

  /** Takes {@code key} out of the space; harmless when it is not there. */
  record Remove(String space, String key) implements IndexEntry {
    public Remove {
      IndexTag.check(space, key);
    }

    @Override
    public String tag() {
      return String.join(IndexTag.NUL, IndexTag.REMOVE, space, key);
    }
  }

  /** Whether a tag was made by {@link #tag()}; any other tag is none of our business. */
  static boolean isTag(String tag) {
    return IndexTag.isOurs(tag);
  }

  /**
   * The inverse of {@link #tag()}.
   *
   * @throws IllegalArgumentException when the tag is not ours
   */
  static IndexEntry fromTag(String tag) {
    return IndexTag.parse(tag);
  }
}
