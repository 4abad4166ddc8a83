package dev.portcullis.boot;

import dev.portcullis.journal.JournalFault;

/** Exit codes that a service manager may rely on. */
enum Exit {
  CLEAN(0),
  BUG(70),
  CANNOT_CREATE(73),
  /** Journal or disk: the node is fenced. */
  JOURNAL(74),
  /** May work the next time. */
  TEMPORARY(75),
  /** The other nodes have declared this one gone. */
  RETIRED(76),
  PERMISSION(77),
  /** Must not be restarted before somebody changes something. */
  CONFIGURATION(78);

  private final int code;

  Exit(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }

  static Exit of(JournalFault fault) {
    return switch (fault.code()) {
      case LOCKED, LOW_SPACE, LOST, UNREACHABLE -> TEMPORARY;
      case RETIRED -> RETIRED;
      case IO, CORRUPT, CLOSED -> JOURNAL;
      case CANNOT_CREATE -> CANNOT_CREATE;
      case PERMISSION -> PERMISSION;
      case FORMAT, REFUSED -> CONFIGURATION;
    };
  }
}
