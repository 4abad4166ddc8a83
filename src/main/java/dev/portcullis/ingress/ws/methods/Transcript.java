package dev.portcullis.ingress.ws.methods;

import dev.portcullis.protocol.HistoryEntry;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.session.SessionKey;
import dev.portcullis.session.Sessions;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * The newest messages of a session. The journal is read forward, so a stretch before its end is read, and a
 * longer one when that held too few.
 *
 * @param messages oldest first
 * @param more whether older ones were left out
 */
record Transcript(List<HistoryEntry> messages, boolean more) {
  private static final long STRETCH = 512;
  /** A stretch has fewer messages than events. */
  private static final int WHOLE = 10_000;

  Transcript {
    messages = List.copyOf(messages);
  }

  /** At most {@code limit} messages before the newest {@code skipped} ones. */
  static CompletionStage<Transcript> tail(Sessions sessions, SessionRow row, int limit, int skipped) {
    return tail(sessions, row, limit, skipped, STRETCH);
  }

  private static CompletionStage<Transcript> tail(
      Sessions sessions, SessionRow row, int limit, int skipped, long stretch) {
    long after = Math.max(0, row.rev() - stretch);
    return read(sessions, new SessionKey(row.key()), after).thenCompose(found -> {
      boolean whole = after == 0;
      if (!whole && found.size() <= limit + skipped) {
        return tail(sessions, row, limit, skipped, stretch * 4);
      }
      int to = Math.max(0, found.size() - skipped);
      int from = Math.max(0, to - limit);
      return CompletableFuture.completedFuture(new Transcript(found.subList(from, to), from > 0 || !whole));
    });
  }

  private static CompletionStage<List<HistoryEntry>> read(Sessions sessions, SessionKey key, long after) {
    return sessions.history(key, after, WHOLE);
  }
}
