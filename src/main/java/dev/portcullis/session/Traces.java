package dev.portcullis.session;

import dev.portcullis.journal.IndexEntry;
import dev.portcullis.journal.Journal;
import dev.portcullis.protocol.SessionRow;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What the index holds of one session, found by reading all of it: the key may be known nowhere else. */
final class Traces {
  private final Map<List<String>, IndexEntry> entries = new LinkedHashMap<>();
  private final List<IndexEntry> trimmedRuns = new ArrayList<>();
  private Optional<SessionKey> key = Optional.empty();
  private long highest;

  private Traces() {}

  /** One value for each of {@code entityIds}; reads nothing when there are none. Blocks. */
  static Map<String, Traces> of(Journal journal, Set<String> entityIds) {
    var all = new HashMap<String, Traces>();
    entityIds.forEach(entityId -> all.put(entityId, new Traces()));
    if (!all.isEmpty()) {
      journal.scan(Rows.ROW, (text, json) -> SessionKey.parse(text).ifPresent(key -> add(
          all, key, Rows.ROW, text, Rows.parse(text, json).map(SessionRow::rev).orElse(0L))));
      journal.scan(Rows.OPEN, (text, _) ->
          SessionKey.parse(text).ifPresent(key -> add(all, key, Rows.OPEN, text, 0)));
      List.of(Rows.APPROVAL, Rows.QUESTION).forEach(space -> journal.scan(space, (id, entry) ->
          Transcripts.Located.of(entry).ifPresent(located ->
              add(all, located.session(), space, id, located.firstSeq()))));
      journal.scan(Rows.RUN, (runId, entry) -> {
        Transcripts.Located.of(entry).ifPresent(located ->
            add(all, located.session(), Rows.RUN, runId, located.firstSeq()));
        Rows.sessionOfTrimmed(entry).map(key -> all.get(key.entityId())).ifPresent(traces ->
            traces.trimmedRuns.add(new IndexEntry.Remove(Rows.RUN, runId)));
      });
    }
    return all;
  }

  private static void add(Map<String, Traces> all, SessionKey key, String space, String name, long seq) {
    var traces = all.get(key.entityId());
    if (traces != null) {
      traces.entries.put(List.of(space, name), new IndexEntry.Remove(space, name));
      traces.key = Optional.of(key);
      traces.highest = Math.max(traces.highest, seq);
    }
  }

  Optional<SessionKey> key() {
    return key;
  }

  /** The last event that the index knows of: the history cannot be shorter. */
  long highest() {
    return highest;
  }

  /**
   * The changes after which the index holds {@code must} of this session, and nothing else but the trimmed
   * runs of a session that there is.
   */
  List<IndexEntry> becoming(List<IndexEntry> must) {
    if (must.isEmpty()) {
      trimmedRuns.forEach(entry -> entries.put(List.of(entry.space(), entry.key()), entry));
    }
    var changes = new LinkedHashMap<>(entries);
    must.forEach(entry -> changes.put(List.of(entry.space(), entry.key()), entry));
    return new ArrayList<>(changes.values());
  }
}
