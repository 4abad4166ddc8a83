package dev.portcullis.session;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.journal.EventCodec;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.JournalFault;
import dev.portcullis.journal.JournalFigures;
import dev.portcullis.protocol.HistoryEntry;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Reads sessions back from the journal. Blocking work runs on {@code reads}, never on an actor's thread. */
public final class Transcripts {
  private final Journal journal;
  private final EventCodec codec;
  private final Executor reads;

  public Transcripts(Journal journal, Executor reads) {
    this.journal = journal;
    this.codec = new EventCodec(SessionEvent.TYPES);
    this.reads = reads;
  }

  /**
   * The session and first journal position of a run, as the index has them; an empty list when there is no
   * such run.
   */
  CompletionStage<List<Located>> locate(String runId) {
    return CompletableFuture.supplyAsync(
        () -> journal.get(Rows.RUN, runId).map(Located::parse).stream().toList(), reads);
  }

  /** Where a run begins. */
  record Located(SessionKey session, long firstSeq) {
    static Located parse(String entry) {
      int blank = entry.indexOf(' ');
      return new Located(new SessionKey(entry.substring(blank + 1)),
          Long.parseLong(entry.substring(0, blank)));
    }
  }

  /** Hands over positions and events from {@code from} to {@code to}, both included. Blocks. */
  void read(String entityId, long from, long to, long max, BiConsumer<Long, SessionEvent> event) {
    journal.replay(Session.persistenceId(entityId).id(), from, to, max, stored ->
        event.accept(stored.seq(), (SessionEvent) codec.decode(stored.manifest(), stored.payload())));
  }

  /** The events of a session from {@code from}, at most {@code max}, as the journal has them. */
  CompletionStage<List<JsonNode>> recorded(String entityId, long from, int max) {
    return async(() -> {
      var lines = new ArrayList<JsonNode>();
      try {
        journal.export(Session.persistenceId(entityId).id(), from, max, lines::add);
      } catch (JournalFault damaged) {
        if (lines.isEmpty()) {
          throw damaged;
        } // Else the next page begins with it and fails.
      }
      return lines;
    });
  }

  CompletionStage<JournalFigures> figures() {
    return async(journal::figures);
  }

  <T> CompletionStage<T> async(Supplier<T> read) {
    return CompletableFuture.supplyAsync(read, reads);
  }

  /**
   * What a harness is told of the conversation before {@code run}: the newest ended runs and the run's own
   * context. A harness that continues its own session knows all that.
   */
  CompletionStage<List<AttemptSpec.Message>> before(
      String entityId, SessionState state, OpenRun run) {
    var context = run.context().stream()
        .map(message -> new AttemptSpec.Message(message.role(), message.text()))
        .toList();
    if (state.ended().isEmpty()) {
      return CompletableFuture.completedFuture(context);
    }
    var runs = state.ended().stream().map(SessionState.EndedRun::runId).toList();
    long from = state.ended().stream().mapToLong(SessionState.EndedRun::firstSeq).min().orElseThrow();
    return async(() -> {
      var byRun =
          history(entityId, from, state.seq()).stream().collect(Collectors.groupingBy(HistoryEntry::runId));
      // In the order in which they ended: a turn that came while another ran was answered after it.
      var earlier = runs.stream().flatMap(ended -> byRun.getOrDefault(ended, List.of()).stream())
          .map(entry -> new AttemptSpec.Message(entry.role(), entry.text()));
      return Stream.concat(earlier, context.stream()).toList();
    });
  }

  /**
   * Messages in journal order; an answer stands where its run ended, and carries what there was of it.
   * Blocks.
   */
  List<HistoryEntry> history(String entityId, long from, long to) {
    var folds = new LinkedHashMap<String, RunFold>();
    var entries = new ArrayList<HistoryEntry>();
    read(entityId, from, to, Long.MAX_VALUE, (seq, event) -> addTo(folds, entries, seq, event));
    return entries;
  }

  private static void addTo(
      Map<String, RunFold> folds, List<HistoryEntry> entries, long seq, SessionEvent event) {
    switch (event) {
      case SessionEvent.TurnAccepted turn -> {
        folds.put(turn.runId(), new RunFold(turn));
        entries.add(new HistoryEntry(seq, turn.runId(), "user", turn.message(), turn.at()));
      }
      case SessionEvent.OfRun ofRun -> {
        var fold = folds.get(ofRun.runId());
        // A run that began before the page is not shown by halves.
        if (fold != null) {
          fold.add(ofRun);
          if (fold.status().terminal()) {
            folds.remove(ofRun.runId());
            if (!fold.text().isEmpty()) {
              entries.add(new HistoryEntry(seq, ofRun.runId(), "assistant", fold.text(), ofRun.at()));
            }
          }
        }
      }
      case SessionEvent.SessionReset _, SessionEvent.SessionErased _ -> {
        folds.clear();
        entries.clear();
      }
    }
  }
}
