package dev.portcullis.session;

import dev.portcullis.protocol.HistoryEntry;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A page of a session's transcript, read forward from a journal position and no farther than it must. A turn
 * stands where it was accepted, an answer where its run ended. Of a run that began before the page its own
 * events are read from its beginning on; only runs that were open there need that.
 */
final class HistoryPage {
  private static final int CHUNK = 512;
  /** Images of a page that are held with their bytes, in characters of base64. */
  private static final long IMAGE_CHARS_MAX = 16 << 20;

  private final Transcripts transcripts;
  private final String entityId;
  private final int limit;
  private final Map<String, RunFold> folds = new LinkedHashMap<>();
  private final List<HistoryEntry> entries = new ArrayList<>();
  private long imageChars;
  private int told;
  private long read;

  HistoryPage(Transcripts transcripts, String entityId, int limit) {
    this.transcripts = transcripts;
    this.entityId = entityId;
    this.limit = limit;
  }

  /** The first entries above position {@code after}, none above {@code to}. Blocks. */
  List<HistoryEntry> read(long after, long to) {
    read = after;
    long before = -1;
    while (read < to && before < read && entries.size() < limit) {
      before = read;
      transcripts.read(entityId, read + 1, to, CHUNK, this::add);
    }
    return entries;
  }

  private void add(long seq, SessionEvent event) {
    read = seq;
    if (entries.size() == limit) {
      return;
    }
    switch (event) {
      case SessionEvent.TurnAccepted turn -> {
        folds.put(turn.runId(), new RunFold(turn));
        add(turned(seq, turn));
      }
      case SessionEvent.OfRun ofRun -> add(seq, ofRun);
      case SessionEvent.CallRepeated _ -> { }
      case SessionEvent.SessionReset _, SessionEvent.SessionErased _ -> {
        folds.clear();
        entries.clear();
        told = 0;
        imageChars = 0;
      }
    }
  }

  private static HistoryEntry turned(long seq, SessionEvent.TurnAccepted turn) {
    var input = turn.input();
    boolean says = !turn.message().isEmpty() || !input.images().isEmpty();
    return new HistoryEntry(seq, turn.runId(), says ? "user" : "tool", turn.message(), turn.at(),
        input.images(), List.of(), input.results());
  }

  /** Of a long session with many images only the newest are held. */
  private void add(HistoryEntry entry) {
    entries.add(entry);
    imageChars += charsOf(entry);
    while (imageChars > IMAGE_CHARS_MAX) {
      imageChars -= charsOf(entries.get(told));
      entries.set(told, entries.get(told).told());
      told++;
    }
  }

  private static long charsOf(HistoryEntry entry) {
    return entry.images().stream().mapToLong(image -> image.data().length()).sum();
  }

  private void add(long seq, SessionEvent.OfRun event) {
    if (!folds.containsKey(event.runId())) {
      begun(event.runId(), seq, event).ifPresent(fold -> folds.put(event.runId(), fold));
    }
    var fold = folds.get(event.runId());
    if (fold == null) {
      return; // Trimmed or erased while this page was read.
    }
    fold.add(event);
    if (fold.status().terminal()) {
      folds.remove(event.runId());
      if (!fold.text().isEmpty() || !fold.calls().isEmpty()) {
        entries.add(new HistoryEntry(seq, event.runId(), "assistant", fold.text(), event.at(), List.of(),
            fold.calls(), List.of()));
      }
    }
  }

  /** What a run was before its event at {@code seq}, the first one on this page. */
  private Optional<RunFold> begun(String runId, long seq, SessionEvent.OfRun first) {
    return transcripts.find(runId)
        .filter(Transcripts.Located.class::isInstance)
        .flatMap(found -> begun(runId, ((Transcripts.Located) found).firstSeq(), seq, first));
  }

  private Optional<RunFold> begun(String runId, long from, long seq, SessionEvent.OfRun first) {
    boolean waited = first instanceof SessionEvent.AttemptStarted start && start.attempt() == 1;
    var found = new ArrayList<RunFold>();
    transcripts.read(entityId, from, waited ? from : seq - 1, Long.MAX_VALUE, (_, event) -> {
      switch (event) {
        case SessionEvent.TurnAccepted turn when turn.runId().equals(runId) -> found.add(new RunFold(turn));
        case SessionEvent.OfRun ofRun when ofRun.runId().equals(runId) ->
            found.forEach(fold -> fold.add(ofRun)); // None when the beginning was trimmed meanwhile.
        case SessionEvent _ -> { }
      }
    });
    return found.stream().findFirst();
  }
}
