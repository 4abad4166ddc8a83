package dev.portcullis.session;

import dev.portcullis.journal.IndexEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.pekko.persistence.typed.EventAdapter;
import org.apache.pekko.persistence.typed.EventSeq;

/**
 * An event on its way to the journal, with the index entries that follow from it. Only the event is stored;
 * the entries are written in the same batch, so that no index can disagree with the journal.
 */
record Recorded(SessionEvent event, List<IndexEntry> index) {
  Recorded {
    index = List.copyOf(index);
  }

  /** One write that takes {@code before} on by {@code events}; the last of them carries the entries. */
  static List<Recorded> of(SessionState before, List<SessionEvent> events) {
    var records = new ArrayList<Recorded>();
    for (int i = 0; i < events.size(); i++) {
      records.add(new Recorded(
          events.get(i),
          i < events.size() - 1 ? List.of() : Rows.index(before, before.applyAll(events), events)));
    }
    return records;
  }

  /** The entries in the form in which Pekko passes them to the journal plugin. */
  Set<String> tags() {
    return index.stream().map(IndexEntry::tag).collect(Collectors.toUnmodifiableSet());
  }

  static final class Adapter extends EventAdapter<Recorded, SessionEvent> {
    @Override
    public SessionEvent toJournal(Recorded recorded) {
      return recorded.event();
    }

    @Override
    public String manifest(Recorded recorded) {
      return "";
    }

    @Override
    public EventSeq<Recorded> fromJournal(SessionEvent event, String manifest) {
      return EventSeq.single(new Recorded(event, List.of()));
    }
  }
}
