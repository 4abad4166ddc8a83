package dev.portcullis.session;

import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunView;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** A place in one run's journal, with what has been read so far. One reader at a time. */
final class RunCursor {
  private final Transcripts transcripts;
  private final Transcripts.Located start;
  private final String runId;
  private volatile RunFold fold;
  private volatile long read;
  private volatile long known;
  /** Events up to {@code known} that need not be read from the journal. */
  private volatile List<SessionEvent> newest = List.of();

  RunCursor(Transcripts transcripts, Transcripts.Located start, String runId) {
    this.transcripts = transcripts;
    this.start = start;
    this.runId = runId;
    this.read = start.firstSeq() - 1;
    this.known = read;
  }

  SessionKey session() {
    return start.session();
  }

  /** Journal position of the newest event that was read. */
  long read() {
    return read;
  }

  /** There is more to read without asking anybody. */
  boolean behind() {
    return !ended() && read < known;
  }

  boolean ended() {
    return fold != null && fold.status().terminal();
  }

  /**
   * Lets the cursor read up to where the session stands: it has told the directory of everything until there.
   *
   * @throws NoSuchElementException when the run was erased
   */
  RunCursor upTo(Session.Position position) {
    if (start.firstSeq() <= position.erasedTo()) {
      throw new NoSuchElementException("no run " + runId);
    }
    if (position.seq() >= known) {
      known = position.seq();
      newest = position.newest();
    }
    return this;
  }

  Optional<RunView> view() {
    return Optional.ofNullable(fold).map(RunFold::view);
  }

  /**
   * Reads at most {@code max} journal events further and gives those that viewers of this run see. Fails with
   * {@link NoSuchElementException} when they were trimmed.
   */
  CompletionStage<List<RunEvent>> advance(int max) {
    long next = read + 1;
    long first = known - newest.size() + 1;
    return first <= next && next <= known
        ? CompletableFuture.completedFuture(take(newest.subList((int) (next - first), newest.size())))
        : readOn(max);
  }

  private List<RunEvent> take(List<SessionEvent> rest) {
    var events = new ArrayList<RunEvent>();
    rest.forEach(event -> take(event, events));
    read = known;
    newest = List.of();
    return events;
  }

  private CompletionStage<List<RunEvent>> readOn(int max) {
    return transcripts.async(() -> {
      var events = new ArrayList<RunEvent>();
      long before = read;
      transcripts.read(start.session().entityId(), read + 1, known, max, (seq, event) -> {
        requireKept(seq == read + 1);
        read = seq;
        take(event, events);
      });
      requireKept(read > before || read >= known);
      return events;
    });
  }

  private void requireKept(boolean kept) {
    if (!kept) {
      throw new NoSuchElementException("the events of run " + runId + " were trimmed");
    }
  }

  private void take(SessionEvent event, List<RunEvent> events) {
    switch (event) {
      case SessionEvent.TurnAccepted turn when turn.runId().equals(runId) -> {
        fold = new RunFold(turn);
        events.add(fold.first());
      }
      case SessionEvent.OfRun ofRun when ofRun.runId().equals(runId) && !ended() ->
          fold.add(ofRun).ifPresent(events::add);
      case SessionEvent _ -> { }
    }
  }
}
