package dev.portcullis.session;

import dev.portcullis.journal.Journal;
import dev.portcullis.protocol.SessionRow;
import java.util.ArrayList;
import java.util.List;

/** What the journal's index says of sessions, read at boot without replaying one of them. Blocks. */
public final class SessionIndex {
  private SessionIndex() {}

  /** Every session's row. */
  public static List<SessionRow> rows(Journal journal) {
    var rows = new ArrayList<SessionRow>();
    journal.scan(Rows.ROW, (_, json) -> rows.add(Rows.read(json)));
    return rows;
  }

  /** Sessions with runs that have not ended: those that somebody must wake. */
  public static List<SessionKey> open(Journal journal) {
    var keys = new ArrayList<SessionKey>();
    journal.scan(Rows.OPEN, (key, _) -> keys.add(new SessionKey(key)));
    return keys;
  }
}
