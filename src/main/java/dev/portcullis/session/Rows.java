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
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** A session's public row and its index entries, as functions of its state. Pure. */
final class Rows {
  /** Index space of rows: session key to row as JSON. */
  static final String ROW = "row";

  /** Index space of sessions with runs that have not ended: session key to nothing. */
  static final String OPEN = "open";

  /** Index space of runs: run id to journal position of its first event, a blank, session key. */
  static final String RUN = "run";

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
        state.erased() ? "erased" : status(state),
        active.isPresent(),
        state.open().values().stream().anyMatch(run -> run.status().abortable()),
        active.stream().map(OpenRun::runId).toList(),
        state.in(RunStatus.QUEUED).size(),
        state.in(RunStatus.INTERRUPTED).size(),
        state.in(RunStatus.PARKED).size(),
        lastRun(state),
        state.usage(),
        state.accepted(),
        state.terminal(),
        state.createdAt(),
        state.updatedAt(),
        state.rev());
  }

  /** Index entries that take the store from {@code before} to {@code after}. */
  static List<IndexEntry> index(SessionState before, SessionState after,
      List<? extends SessionEvent> events) {
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
    for (int i = 0; i < events.size(); i++) {
      if (events.get(i) instanceof SessionEvent.TurnAccepted turn) {
        entries.add(new IndexEntry.Put(RUN, turn.runId(), (before.seq() + i + 1) + " " + turn.sessionKey()));
      }
    }
    return entries;
  }

  static String write(SessionRow row) {
    try {
      return JSON.writeValueAsString(row);
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /** The row of {@code key}; empty when the entry is damaged or another's. */
  static Optional<SessionRow> parse(String key, String json) {
    try {
      return Optional.ofNullable(JSON.readValue(json, SessionRow.class))
          .filter(row -> key.equals(row.key()) && SessionKey.parse(key).isPresent());
    } catch (JsonProcessingException damaged) {
      return Optional.empty();
    }
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
        row.rev() + 1);
  }

  /** How a session in quarantine is shown of which the index knows no more than the key. */
  static SessionRow lost(SessionKey key, Instant now) {
    var nothing = SessionState.empty();
    return new SessionRow(
        key.text(), nothing.sessionId(key.entityId()), key.agent(), "", SessionRow.QUARANTINED, false, false,
        List.of(), 0, 0, 0, "", Usage.NONE, 0, 0, now, now, 0);
  }

  private static String status(SessionState state) {
    return Stream.of(
            state.active().map(OpenRun::status),
            first(state, RunStatus.INTERRUPTED),
            first(state, RunStatus.QUEUED),
            first(state, RunStatus.PARKED))
        .flatMap(Optional::stream)
        .findFirst()
        .map(RunStatus::word)
        .orElse("idle");
  }

  private static Optional<RunStatus> first(SessionState state, RunStatus status) {
    return state.in(status).stream().map(OpenRun::status).findFirst();
  }

  private static String lastRun(SessionState state) {
    var open = List.copyOf(state.open().keySet());
    return !open.isEmpty() ? open.getLast() : state.ended().isEmpty() ? "" : state.ended().getLast().runId();
  }
}
