package dev.portcullis.session;

import dev.portcullis.journal.DurableSerializer;
import dev.portcullis.journal.EventCodec;
import dev.portcullis.journal.IndexEntry;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.StoredSnapshot;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One trim of one session: folds its journal from the beginning and puts the state in the place of the
 * events, up to the last point at which no run was open and everything before was old enough or erased. So no
 * run is ever cut in two. What is left of an ended run goes into its index entry. One thread; blocks. Why:
 * docs/adr/0008.
 */
final class Trimming {
  /**
   * What may go.
   *
   * @param to no event above it: the session's journal as it is known, or where its oldest open run begins
   * @param erasedTo everything up to there goes whatever its age
   * @param transcripts runs that ended before lose their texts
   * @param runs runs that ended before are forgotten
   */
  record Limits(long to, long erasedTo, Instant transcripts, Instant runs) {}

  private static final int CHUNK = 512;
  /** Events after which a resting point is trimmed to at once: one write of the journal stays small. */
  private static final int STEP = 5_000;

  private final Journal journal;
  private final Transcripts transcripts;
  private final EventCodec codec;
  private final String entityId;
  private final Limits limits;
  private final Map<String, RunFold> folds = new HashMap<>();
  private final List<IndexEntry> ended = new ArrayList<>();
  private SessionState state;
  private Instant at = Instant.EPOCH;
  private long trimmedTo;
  private boolean over;
  /** At most one: the newest resting point that is not trimmed to yet. */
  private List<Rest> rest = List.of();

  private record Rest(SessionState state, Instant at, int ended) {}

  Trimming(Journal journal, Transcripts transcripts, EventCodec codec, String entityId, Limits limits) {
    this.journal = journal;
    this.transcripts = transcripts;
    this.codec = codec;
    this.entityId = entityId;
    this.limits = limits;
    this.state = SessionState.empty();
  }

  /** @return the number of events that are gone */
  long run() {
    state = transcripts.base(entityId);
    trimmedTo = state.seq();
    if (trimmedTo > 0 && trimmedTo < limits.erasedTo()) {
      forgetTrimmedRuns();
    }
    long before = trimmedTo;
    long read = -1;
    while (!over && state.seq() < limits.to() && state.seq() > read) {
      read = state.seq();
      transcripts.read(entityId, read + 1, limits.to(), CHUNK, this::fold);
      if (state.seq() - trimmedTo >= STEP) {
        trim();
      }
    }
    trim();
    return trimmedTo - before;
  }

  private void fold(long seq, SessionEvent event) {
    over = over || seq > limits.erasedTo() && !event.at().isBefore(limits.transcripts());
    if (over) {
      return;
    }
    if (seq != state.seq() + 1) {
      throw new IllegalStateException(entityId + " was trimmed by another, to " + (seq - 1));
    }
    state = state.apply(event);
    at = event.at();
    switch (event) {
      case SessionEvent.TurnAccepted turn -> folds.put(turn.runId(), new RunFold(turn));
      case SessionEvent.OfRun ofRun -> {
        var run = folds.get(ofRun.runId());
        run.add(ofRun);
        if (run.status().terminal()) {
          folds.remove(ofRun.runId());
          var view = run.view();
          ended.add(leftOf(seq, TrimmedRun.of(view)));
          view.decisions().keySet().forEach(id -> ended.add(new IndexEntry.Remove(Rows.APPROVAL, id)));
        }
      }
      case SessionEvent.CallRepeated _, SessionEvent.SessionReset _, SessionEvent.SessionErased _ -> { }
    }
    if (state.open().isEmpty()) {
      rest = List.of(new Rest(state, at, ended.size()));
    }
  }

  private IndexEntry leftOf(long seq, TrimmedRun run) {
    return seq <= limits.erasedTo() || run.endedAt().isBefore(limits.runs())
        ? new IndexEntry.Remove(Rows.RUN, run.runId())
        : new IndexEntry.Put(Rows.RUN, run.runId(), Rows.write(run));
  }

  private void trim() {
    for (var point : rest) {
      var base = new StoredSnapshot(
          Session.persistenceId(entityId).id(),
          point.state().seq(),
          DurableSerializer.ID,
          codec.manifestOf(point.state()),
          codec.encode(point.state()),
          point.at());
      var entries = ended.subList(0, point.ended());
      journal.trim(base, entries).toCompletableFuture().join();
      trimmedTo = base.seq();
      entries.clear();
    }
    rest = List.of();
  }

  /** An erasure also takes what earlier trims have left in the index. */
  private void forgetTrimmedRuns() {
    var left = new HashMap<String, String>();
    journal.scan(Rows.RUN, (run, entry) -> {
      if (Rows.isTrimmed(entry) && Rows.readTrimmed(entry).sessionKey().equals(state.key())) {
        left.put(run, entry);
      }
    });
    journal.removeUnchanged(Rows.RUN, left).toCompletableFuture().join();
  }
}
