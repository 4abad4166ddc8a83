package dev.portcullis.journal;

/**
 * Something that {@code portcullis journal verify} has found wrong.
 *
 * @param where the file, or the persistence id and the sequence number
 * @param what one phrase
 */
public record JournalFinding(Kind kind, String where, String what) {

  /** The kinds, closed; each knows what to do about it. */
  public enum Kind {
    /** A file is not what was written. */
    CHANGED_FILE("changed file", Advice.REPAIR),
    SHORTER_FILE("shorter file", Advice.REPAIR),
    MISSING_FILE("missing file", Advice.REPAIR),
    /** A file, or a whole store, that was put here by others. */
    FOREIGN("foreign", Advice.REPAIR),
    /** The newest writes are cut off, as a crash within a write does it. */
    TORN_TAIL("torn tail", "`portcullis serve` starts without them and says so; or " + Advice.REPAIR),
    /** Something in the middle is missing. */
    HOLE("hole", Advice.REPAIR),
    DAMAGED_EVENT("damaged event", Advice.REPAIR),
    /** Events of a history whose recorded end is lost. */
    ORPHAN_EVENTS("orphan events", Advice.REPAIR),
    /** What stands for the trimmed beginning of a history is not what was written, or not there. */
    DAMAGED_BASE("damaged base", Advice.REPAIR),
    /** Such a beginning of a history of which nothing else is left. */
    ORPHAN_BASE("orphan base", Advice.REPAIR),
    DAMAGED_SNAPSHOT("damaged snapshot", "harmless: the history is replayed instead; "
        + "`portcullis journal repair --cut --all` drops it"),
    DAMAGED_INDEX("damaged index", Advice.REPAIR),
    /** The list of checksums beside the store. */
    DAMAGED_SUMS("damaged sums", "`portcullis serve` proves the store whole and writes the list anew");

    private static final class Advice {
      static final String REPAIR = "see `portcullis journal repair`";
    }

    private final String word;
    private final String advice;

    Kind(String word, String advice) {
      this.word = word;
      this.advice = advice;
    }

    /** As it is printed. */
    public String word() {
      return word;
    }

    /** What a person can do. */
    public String advice() {
      return advice;
    }
  }

  static JournalFinding file(Kind kind, String name, String what) {
    return new JournalFinding(kind, name, what);
  }

  static JournalFinding event(Kind kind, String persistenceId, long seq, String what) {
    return new JournalFinding(kind, '"' + JournalFault.printable(persistenceId) + "\" seq " + seq, what);
  }

  @Override
  public String toString() {
    return kind.word + " " + where + ": " + what;
  }
}
