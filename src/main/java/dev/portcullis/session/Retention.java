package dev.portcullis.session;

import dev.portcullis.journal.EventCodec;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.JournalFault;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** What the journal as a whole holds beyond its time. Everything here blocks. */
final class Retention {
  /** Entries that are taken out in one write. */
  private static final int BATCH = 10_000;

  private final Journal journal;
  private final EventCodec codec = new EventCodec(SessionEvent.TYPES);

  Retention(Journal journal) {
    this.journal = journal;
  }

  /** Sessions whose records are to be erased, session key to what the mark says. */
  Map<String, String> erased() {
    var marks = new HashMap<String, String>();
    journal.scan(Rows.ERASE, marks::put);
    return marks;
  }

  /** The files hold nothing more of these: what they were marked for is done. */
  void unmark(Map<String, String> marks) {
    journal.removeUnchanged(Rows.ERASE, marks).toCompletableFuture().join();
  }

  /** Sessions whose oldest event is from before {@code cutoff}. */
  List<SessionKey> old(Instant cutoff) {
    var keys = new ArrayList<SessionKey>();
    journal.scan(Rows.ROW, (key, _) -> keys.add(new SessionKey(key)));
    keys.removeIf(session -> !begins(session).isBefore(cutoff));
    return keys;
  }

  private Instant begins(SessionKey session) {
    var pid = Session.persistenceId(session.entityId()).id();
    var first = new ArrayList<Instant>();
    try {
      journal.replay(pid, 1, Long.MAX_VALUE, 1, stored ->
          first.add(((SessionEvent) codec.decode(stored.manifest(), stored.payload())).at()));
    } catch (JournalFault fault) {
      if (fault.code() != JournalFault.Code.CORRUPT) {
        throw fault;
      }
      return Instant.MAX; // One session that cannot be read must not keep all others from being swept.
    }
    return first.isEmpty() ? Instant.MAX : first.getFirst();
  }

  /** Forgets keys whose retention has ended; those of open runs are in their session's state. */
  int forgetKeys(Instant now) {
    return forget(Rows.KEY, entry -> !Rows.readKey(entry).until().isAfter(now));
  }

  /** Forgets trimmed runs that ended before {@code cutoff}. */
  int forgetRuns(Instant cutoff) {
    return forget(
        Rows.RUN, entry -> Rows.isTrimmed(entry) && Rows.readTrimmed(entry).endedAt().isBefore(cutoff));
  }

  private int forget(String space, Predicate<String> over) {
    var gone = new HashMap<String, String>();
    int forgotten = 0;
    do {
      gone.clear();
      journal.scan(space, (name, entry) -> {
        if (gone.size() < BATCH && over.test(entry)) {
          gone.put(name, entry);
        }
      });
      // After the scan, which keeps a closing journal waiting, as that would keep this write.
      journal.removeUnchanged(space, gone).toCompletableFuture().join();
      forgotten += gone.size();
    } while (gone.size() == BATCH);
    return forgotten;
  }

  void compact() {
    journal.compact();
  }
}
