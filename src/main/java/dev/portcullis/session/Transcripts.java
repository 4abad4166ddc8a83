package dev.portcullis.session;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.journal.EventCodec;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.JournalFault;
import dev.portcullis.journal.JournalFigures;
import dev.portcullis.protocol.HistoryEntry;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.Message;
import dev.portcullis.session.SessionState.EndedRun;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Reads sessions back from the journal. Blocking work runs on {@code reads}, never on an actor's thread. */
public class Transcripts {
  private final Journal journal;
  private final EventCodec codec;
  private final Executor reads;

  public Transcripts(Journal journal, Executor reads) {
    this.journal = journal;
    this.codec = new EventCodec(SessionEvent.TYPES);
    this.reads = reads;
  }

  /** Where a run is, as the index has it; an empty list when there is no such run. */
  CompletionStage<List<Found>> locate(String runId) {
    return async(() -> find(runId).stream().toList());
  }

  /** The same, but blocks. */
  Optional<Found> find(String runId) {
    return journal.get(Rows.RUN, runId).map(entry -> Rows.isTrimmed(entry)
        ? new Trimmed(Rows.readTrimmed(entry))
        : Located.parse(entry));
  }

  /** A run that was accepted once. */
  sealed interface Found {
    SessionKey session();
  }

  /** Its events are gone. */
  record Trimmed(TrimmedRun run) implements Found {
    @Override
    public SessionKey session() {
      return new SessionKey(run.sessionKey());
    }
  }

  /** The newest event that asks for an approval, and whose session's it is. */
  record Asked(SessionKey session, SessionEvent.ApprovalRequested event) {}

  /** An empty list when there is no such approval, or its events are gone. */
  CompletionStage<List<Asked>> asked(String approvalId) {
    return async(() -> journal.get(Rows.APPROVAL, approvalId).flatMap(this::askedAt).stream().toList());
  }

  /** What nobody has decided yet, oldest first. Sessions whose history is damaged are passed over. */
  CompletionStage<List<Asked>> questions() {
    return async(() -> {
      var entries = new ArrayList<String>();
      journal.scan(Rows.QUESTION, (_, entry) -> entries.add(entry));
      return entries.stream()
          .flatMap(entry -> askedAt(entry).stream())
          .sorted(Comparator.comparing(asked -> asked.event().at()))
          .toList();
    });
  }

  private Optional<Asked> askedAt(String entry) {
    return Located.of(entry).flatMap(this::askedAt);
  }

  private Optional<Asked> askedAt(Located located) {
    var found = new ArrayList<Asked>();
    try {
      read(located.session().entityId(), located.firstSeq(), located.firstSeq(), 1, (_, event) -> {
        if (event instanceof SessionEvent.ApprovalRequested ask) {
          found.add(new Asked(located.session(), ask));
        }
      });
    } catch (JournalFault fault) {
      if (fault.code() != JournalFault.Code.CORRUPT) {
        throw fault;
      }
    }
    return found.stream().findFirst();
  }

  /** What the index has of these keys of a session, by digest. */
  CompletionStage<Map<String, SessionState.KeyEntry>> keys(String entityId, List<Sessions.Key> keys) {
    return async(() -> {
      var found = new HashMap<String, SessionState.KeyEntry>();
      keys.forEach(key -> journal.get(Rows.KEY, Rows.keyName(entityId, key.digest()))
          .ifPresent(json -> found.put(key.digest(), Rows.readKey(json))));
      return found;
    });
  }

  /** Calls of this digest that may be sent again, newest first. */
  CompletionStage<List<SessionState.KeyEntry>> calls(String digest, Instant now) {
    return async(() -> {
      var found = new ArrayList<SessionState.KeyEntry>();
      journal.scan(Rows.KEY, Calls.prefix(digest), (_, json) -> found.add(Rows.readKey(json)));
      return found.stream()
          .filter(call -> call.until().isAfter(now))
          .sorted(Comparator.comparing(SessionState.KeyEntry::until).reversed())
          .toList();
    });
  }

  /** What began a run; an empty list when it was trimmed meanwhile. */
  CompletionStage<List<SessionEvent.TurnAccepted>> accepted(Located run) {
    return async(() -> {
      var turns = new ArrayList<SessionEvent.TurnAccepted>();
      read(run.session().entityId(), run.firstSeq(), run.firstSeq(), 1, (_, event) -> {
        if (event instanceof SessionEvent.TurnAccepted turn) {
          turns.add(turn);
        }
      });
      return turns;
    });
  }

  /** Where a run begins. */
  record Located(SessionKey session, long firstSeq) implements Found {
    /** Empty when the entry is not one that a session has written. */
    static Optional<Located> of(String entry) {
      return Optional.of(entry)
          .filter(text -> text.matches("[0-9]{1,18} .+"))
          .filter(text -> SessionKey.parse(text.substring(text.indexOf(' ') + 1)).isPresent())
          .map(Located::parse);
    }

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

  /** What the trimmed beginning of a session adds up to; empty when nothing was trimmed. Blocks. */
  SessionState base(String entityId) {
    return journal.base(Session.persistenceId(entityId).id())
        .map(base -> (SessionState) codec.decode(base.manifest(), base.payload()))
        .orElseGet(SessionState::empty);
  }

  /** Trims a session; completes with the number of events that are gone. */
  CompletionStage<Long> trim(String entityId, Trimming.Limits limits) {
    return async(() -> new Trimming(journal, this, codec, entityId, limits).run());
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

  /** What a harness is told with a run: the conversation before, and what the turn carries. */
  record Told(List<Message> before, Input input) {}

  /** What the state does not keep of the turn is read from where it was accepted. */
  CompletionStage<Told> told(String entityId, SessionState state, OpenRun run) {
    return run.needs().isEmpty()
        ? before(entityId, state, run.context()).thenApply(before -> new Told(before, Input.NONE))
        : async(() -> turn(entityId, run)).thenCompose(turn -> before(entityId, state, turn.context())
            .thenApply(before -> new Told(before, turn.input())));
  }

  private SessionEvent.TurnAccepted turn(String entityId, OpenRun run) {
    var found = new ArrayList<SessionEvent>();
    read(entityId, run.firstSeq(), run.firstSeq(), 1, (_, event) -> found.add(event));
    if (found.size() == 1 && found.getFirst() instanceof SessionEvent.TurnAccepted turn) {
      return turn;
    }
    throw new IllegalStateException(run.runId() + " does not begin at " + run.firstSeq());
  }

  /**
   * What a harness is told of the conversation before a run: the newest ended runs and the run's own {@code
   * context}. A harness that continues its own session knows all that.
   */
  private CompletionStage<List<Message>> before(
      String entityId, SessionState state, List<Message> context) {
    if (state.ended().isEmpty()) {
      return CompletableFuture.completedFuture(context);
    }
    var runs = state.ended().stream().filter(ended -> ended.into().isEmpty()).map(EndedRun::runId).toList();
    var answeredBy = state.ended().stream()
        .collect(Collectors.toMap(EndedRun::runId, old -> old.into().isEmpty() ? old.runId() : old.into()));
    long from = state.ended().stream().mapToLong(EndedRun::firstSeq).min().orElseThrow();
    return async(() -> {
      var byRun =
          history(entityId, from - 1, state.seq(), Integer.MAX_VALUE).stream()
              .collect(Collectors.groupingBy(
                  entry -> answeredBy.getOrDefault(entry.runId(), entry.runId())));
      // In the order in which they ended: a turn that came while another ran was answered after it, unless
      // it went into that one.
      var earlier = runs.stream().flatMap(ended -> byRun.getOrDefault(ended, List.of()).stream())
          .flatMap(Transcripts::messages);
      return Stream.concat(earlier, context.stream()).toList();
    });
  }

  private static Stream<Message> messages(HistoryEntry entry) {
    var results = entry.results().stream().map(Message::of);
    return switch (entry.role()) {
      case "tool" -> results;
      case "user" -> Stream.concat(results, Stream.of(Message.user(entry.text(), entry.images())));
      case String role -> Stream.of(new Message(role, entry.text(), List.of(), entry.calls(), ""));
    };
  }

  /**
   * At most {@code limit} messages above position {@code after}, none above {@code to}, in journal order; an
   * answer stands where its run ended, and carries what there was of it; the oldest images may be told of
   * only. Blocks.
   */
  List<HistoryEntry> history(String entityId, long after, long to, int limit) {
    return new HistoryPage(this, entityId, limit).read(after, to);
  }
}
