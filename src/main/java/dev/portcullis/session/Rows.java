package dev.portcullis.session;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import dev.portcullis.journal.IndexEntry;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.protocol.Usage;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** A session's public row and its index entries, as functions of its state. Pure. */
final class Rows {
  /** Index space of rows: session key to row as JSON. */
  static final String ROW = "row";

  /** Index space of sessions with runs that have not ended: session key to nothing. */
  static final String OPEN = "open";

  /**
   * Index space of runs: run id to journal position of its first event, a blank, session key; or to a {@link
   * TrimmedRun} as JSON.
   */
  static final String RUN = "run";

  /**
   * Index space of idempotency keys: entity id, slash and digest to what the key is bound to, as JSON; and of
   * calls without one, under their {@link Calls#name}. An entry outlives its session's erasure and goes when
   * its retention ends.
   */
  static final String KEY = "key";

  /** Index space of sessions whose records are still to be erased: session key to the journal position. */
  static final String ERASE = "erase";

  /** Index space of approvals: id to journal position of the newest event that asks, a blank, session key. */
  static final String APPROVAL = "approval";

  /** Index space of approvals that nobody has decided yet, with the same values. */
  static final String QUESTION = "question";

  private static final JsonMapper JSON = JsonMapper.builder()
      .addModule(new JavaTimeModule())
      .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
      .build();

  private Rows() {}

  /** The one function from which every view has its status. */
  static SessionRow of(SessionState state) {
    var active = state.active();
    return new SessionRow(
        state.key(),
        state.sessionId(new SessionKey(state.key()).entityId()),
        state.agent(),
        state.title(),
        state.erased() ? SessionRow.ERASED : status(state),
        active.isPresent(),
        state.open().values().stream().anyMatch(run -> run.status().abortable()),
        active.map(run -> List.of(run.runId())).orElse(List.of()),
        state.in(RunStatus.QUEUED).size(),
        state.in(RunStatus.INTERRUPTED).size(),
        state.in(RunStatus.PARKED).size(),
        lastRun(state),
        state.usage(),
        state.accepted(),
        state.terminal(),
        state.createdAt(),
        state.updatedAt(),
        state.rev(),
        state.owner());
  }

  /** Index entries that take the store from {@code before} to {@code after}. */
  static List<IndexEntry> index(SessionState before, SessionState after,
      List<? extends SessionEvent> events) {
    var entries = new ArrayList<>(ofState(before, after));
    entries.addAll(ofEvents(before.seq(), after, events));
    return entries;
  }

  /** All index entries of a session whose kept events follow {@code base}; not those of trimmed runs. */
  static List<IndexEntry> whole(SessionState base, SessionState state, List<? extends SessionEvent> events) {
    var entries = new ArrayList<>(ofState(SessionState.empty(), state));
    entries.addAll(ofEvents(base.seq(), state, events));
    return entries;
  }

  private static List<IndexEntry> ofState(SessionState before, SessionState after) {
    var entries = new ArrayList<IndexEntry>();
    if (after.rev() != before.rev()) {
      entries.add(
          after.erased()
              ? new IndexEntry.Remove(ROW, after.key())
              : new IndexEntry.Put(ROW, after.key(), write(of(after))));
    }
    if (before.open().isEmpty() && !after.open().isEmpty()) {
      entries.add(new IndexEntry.Put(OPEN, after.key(), ""));
    } else if (!before.open().isEmpty() && after.open().isEmpty()) {
      entries.add(new IndexEntry.Remove(OPEN, after.key()));
    }
    return entries;
  }

  /** The row, if there ever was a session. */
  static List<SessionRow> known(SessionState state) {
    return state.key().isEmpty() ? List.of() : List.of(of(state));
  }

  private static List<IndexEntry> ofEvents(
      long before, SessionState after, List<? extends SessionEvent> events) {
    var entries = new ArrayList<IndexEntry>();
    var asked = new LinkedHashMap<List<String>, IndexEntry>(); // One may be asked twice in one write.
    for (int i = 0; i < events.size(); i++) {
      switch (events.get(i)) {
        case SessionEvent.TurnAccepted turn -> accepted(turn, before + i + 1, entries);
        case SessionEvent.CallRepeated again ->
            entries.add(bound(new SessionKey(after.key()), again.runId(), again.call()));
        case SessionEvent.SessionErased _ ->
            entries.add(new IndexEntry.Put(ERASE, after.key(), Long.toString(after.erasedTo())));
        case SessionEvent.ApprovalRequested ask -> {
          var at = before + i + 1 + " " + after.key();
          put(asked, new IndexEntry.Put(APPROVAL, ask.approvalId(), at));
          put(asked, isPending(after, ask)
              ? new IndexEntry.Put(QUESTION, ask.approvalId(), at)
              : new IndexEntry.Remove(QUESTION, ask.approvalId()));
        }
        case SessionEvent.ApprovalDecided done ->
            put(asked, new IndexEntry.Remove(QUESTION, done.approvalId()));
        case SessionEvent _ -> { }
      }
    }
    entries.addAll(asked.values());
    return entries;
  }

  private static void put(Map<List<String>, IndexEntry> entries, IndexEntry entry) {
    entries.put(List.of(entry.space(), entry.key()), entry);
  }

  private static boolean isPending(SessionState state, SessionEvent.ApprovalRequested ask) {
    return Optional.ofNullable(state.open().get(ask.runId()))
        .flatMap(run -> Optional.ofNullable(run.questions().get(ask.approvalId())))
        .filter(Question::pending)
        .isPresent();
  }

  private static void accepted(SessionEvent.TurnAccepted turn, long seq, List<IndexEntry> entries) {
    entries.add(new IndexEntry.Put(RUN, turn.runId(), seq + " " + turn.sessionKey()));
    var session = new SessionKey(turn.sessionKey());
    turn.keys().forEach(key -> entries.add(bound(session, turn.runId(), key)));
  }

  private static IndexEntry bound(SessionKey session, String runId, SessionEvent.BoundKey key) {
    var entry = new SessionState.KeyEntry(key.body(), runId, key.until());
    return new IndexEntry.Put(KEY, keyName(session.entityId(), key.digest()), json(entry));
  }

  static String keyName(String entityId, String digest) {
    return Calls.isCall(digest) ? digest : entityId + "/" + digest;
  }

  /** Whether a run's index entry is what is left of it, rather than where it begins. */
  static boolean isTrimmed(String entry) {
    return entry.startsWith("{");
  }

  static TrimmedRun readTrimmed(String json) {
    return read(json, TrimmedRun.class);
  }

  static String write(TrimmedRun run) {
    return json(run);
  }

  static String write(SessionRow row) {
    return json(row);
  }

  static SessionRow read(String json) {
    return read(json, SessionRow.class);
  }

  static SessionState.KeyEntry readKey(String json) {
    return read(json, SessionState.KeyEntry.class);
  }

  private static String json(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /** The row of {@code key}; empty when the entry is damaged or another's. */
  static Optional<SessionRow> parse(String key, String json) {
    return parse(json, SessionRow.class)
        .filter(row -> key.equals(row.key()) && SessionKey.parse(key).isPresent());
  }

  /** The session of a trimmed run; empty when the entry is another's, or damaged. */
  static Optional<SessionKey> sessionOfTrimmed(String entry) {
    return Optional.of(entry)
        .filter(Rows::isTrimmed)
        .flatMap(json -> parse(json, TrimmedRun.class))
        .flatMap(run -> SessionKey.parse(run.sessionKey()));
  }

  private static <T> Optional<T> parse(String json, Class<T> type) {
    try {
      return Optional.ofNullable(JSON.readValue(json, type));
    } catch (JsonProcessingException damaged) {
      return Optional.empty();
    }
  }

  private static <T> T read(String json, Class<T> type) {
    return parse(json, type)
        .orElseThrow(() -> new IllegalStateException("index entry is not readable: " + json));
  }

  /**
   * How a session in quarantine is shown, newer than the row before. Its open runs are in nobody's hands
   * until an operator acts, so they count as parked.
   */
  static SessionRow quarantined(SessionRow row) {
    return new SessionRow(
        row.key(),
        row.sessionId(),
        row.agent(),
        row.title(),
        SessionRow.QUARANTINED,
        false,
        false,
        List.of(),
        0,
        0,
        row.activeRunIds().size() + row.queued() + row.interrupted() + row.parked(),
        row.lastRunId(),
        row.usage(),
        row.accepted(),
        row.terminal(),
        row.createdAt(),
        row.updatedAt(),
        row.rev() + 1,
        row.owner());
  }

  /** How a session in quarantine is shown of which the index knows no more than the key. */
  static SessionRow lost(SessionKey key, Instant now) {
    var nothing = SessionState.empty();
    return new SessionRow(
        key.text(), nothing.sessionId(key.entityId()), key.agent(), "", SessionRow.QUARANTINED, false, false,
        List.of(), 0, 0, 0, "", Usage.NONE, 0, 0, now, now, 0, "");
  }

  private static String status(SessionState state) {
    return SessionRow.status(Stream.of(
            state.active().map(OpenRun::status),
            first(state, RunStatus.INTERRUPTED),
            first(state, RunStatus.QUEUED),
            first(state, RunStatus.PARKED))
        .flatMap(Optional::stream)
        .findFirst());
  }

  private static Optional<RunStatus> first(SessionState state, RunStatus status) {
    return state.in(status).stream().map(OpenRun::status).findFirst();
  }

  private static String lastRun(SessionState state) {
    var last = "";
    for (var runId : state.open().keySet()) {
      last = runId;
    }
    return !last.isEmpty() ? last : state.ended().isEmpty() ? "" : state.ended().getLast().runId();
  }
}
