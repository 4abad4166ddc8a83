package dev.portcullis.journal;

import java.nio.file.Path;

/** What can go wrong with the journal. The message names the place and says what to do. */
public final class JournalFault extends RuntimeException {

  /** The kinds of fault, closed. */
  public enum Code {
    /** Another process holds the data directory. */
    LOCKED(true),
    /** The disk failed; the outcome of the write in flight is unknown. */
    IO(false),
    /** What is stored is not what was written. */
    CORRUPT(false),
    /** The data directory cannot be made. */
    CANNOT_CREATE(false),
    /** The data directory may not be read or written. */
    PERMISSION(false),
    /** There is too little room on the disk to start. */
    LOW_SPACE(true),
    /** The directory holds something else, or a newer format. */
    FORMAT(false),
    /** The database could not be reached in time. */
    UNREACHABLE(true),
    /** The database does not let us in, or what we need is not there. */
    REFUSED(false),
    /** Another process writes this history now; its events here are not written. */
    LOST(true),
    /** The others have declared this process gone; it must not write at all any more. */
    RETIRED(false),
    /** The journal was closed before. */
    CLOSED(false);

    private final boolean retryable;

    Code(boolean retryable) {
      this.retryable = retryable;
    }

    /** Whether the same call may succeed later without anybody touching the data. */
    public boolean retryable() {
      return retryable;
    }
  }

  private static final String REPAIR = "; restore a backup, or move the journal away to begin anew";

  private final Code code;

  private JournalFault(Code code, String message) {
    super(message);
    this.code = code;
  }

  private JournalFault(Code code, String message, Throwable cause) {
    super(message + " (" + cause + ")", cause);
    this.code = code;
  }

  public Code code() {
    return code;
  }

  static JournalFault locked(Path lock) {
    return new JournalFault(
        Code.LOCKED, "another process holds " + lock + "; stop it, or choose another data directory");
  }

  static JournalFault io(String where, String what, Throwable cause) {
    return new JournalFault(Code.IO, what + " failed in " + where + "; check the disk, then restart", cause);
  }

  static JournalFault corrupt(String where, String persistenceId, long seq, String what) {
    return new JournalFault(
        Code.CORRUPT, quoted(persistenceId) + " seq " + seq + ": " + what + ", in " + where + REPAIR);
  }

  static JournalFault corruptStore(String where, String what) {
    return new JournalFault(Code.CORRUPT, what + ", in " + where + REPAIR);
  }

  static JournalFault corruptStore(String where, String what, Throwable cause) {
    return new JournalFault(Code.CORRUPT, what + ", in " + where + REPAIR, cause);
  }

  static JournalFault cannotCreate(Path path, Throwable cause) {
    return new JournalFault(
        Code.CANNOT_CREATE, "cannot create " + path + "; make its parent writable or choose another", cause);
  }

  static JournalFault noNativeLibrary(Throwable cause) {
    return new JournalFault(
        Code.CANNOT_CREATE, "no native LevelDB for this platform; set implementation to java or auto", cause);
  }

  static JournalFault permission(Path path, Throwable cause) {
    return new JournalFault(
        Code.PERMISSION, "no permission for " + path + "; give it to the user of the gateway (0700)", cause);
  }

  static JournalFault lowSpace(Path path, long usableBytes, long neededBytes) {
    return new JournalFault(
        Code.LOW_SPACE,
        "only " + usableBytes + " bytes free for " + path + ", needs " + neededBytes + "; make room");
  }

  static JournalFault format(String where, String found, String expected) {
    return new JournalFault(
        Code.FORMAT,
        where + " holds " + found + ", not " + expected + "; use the version that wrote it");
  }

  static JournalFault unreachable(String where, Throwable cause) {
    return new JournalFault(
        Code.UNREACHABLE, "the database " + where + " could not be reached; start it, or check its url", cause);
  }

  static JournalFault refused(String where, Throwable cause) {
    return new JournalFault(
        Code.REFUSED,
        "the database " + where + " refused us; check portcullis.journal.postgresql, and the user's rights",
        cause);
  }

  static JournalFault noSchema(String where, String schema) {
    return new JournalFault(
        Code.REFUSED,
        "there is no journal in schema " + schema + " of " + where
            + "; make it with `portcullis journal schema --create`");
  }

  static JournalFault lost(String where, String persistenceId) {
    return new JournalFault(
        Code.LOST, quoted(persistenceId) + " is written by another process now, in " + where);
  }

  static JournalFault retired(String where) {
    return new JournalFault(
        Code.RETIRED, "the other nodes have declared this one gone, in " + where + "; restart it");
  }

  static JournalFault closed(String where) {
    return new JournalFault(Code.CLOSED, "the journal in " + where + " is closed; open it again");
  }

  /** An id is foreign text: control characters must not reach a terminal or split a log line. */
  private static String quoted(String persistenceId) {
    return '"' + persistenceId.replaceAll("\\p{Cntrl}", "?") + '"';
  }
}
