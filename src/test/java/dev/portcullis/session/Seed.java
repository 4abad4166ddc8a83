package dev.portcullis.session;

import dev.portcullis.journal.DurableSerializer;
import dev.portcullis.journal.EventCodec;
import dev.portcullis.journal.IndexEntry;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.StoredEvent;
import dev.portcullis.journal.StoredSnapshot;
import dev.portcullis.run.RunTable.Fact;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** Writes a session into a journal as the session itself would, without one. */
final class Seed {
  static final EventCodec CODEC = new EventCodec(SessionEvent.TYPES);

  private final Journal journal;
  private final SessionKey key;
  private final List<StoredEvent> events = new ArrayList<>();
  private final List<IndexEntry> entries = new ArrayList<>();
  private SessionState state = SessionState.empty();

  Seed(Journal journal, SessionKey key) {
    this.journal = journal;
    this.key = key;
  }

  SessionState state() {
    return state;
  }

  String persistenceId() {
    return Session.persistenceId(key.entityId()).id();
  }

  /** Events of one write. */
  Seed write(List<SessionEvent> atomic) {
    for (var record : Recorded.of(state, atomic)) {
      var event = record.event();
      state = state.apply(event);
      events.add(new StoredEvent(
          persistenceId(), state.seq(), DurableSerializer.ID, CODEC.manifestOf(event), CODEC.encode(event), event.at(),
          "writer"));
      entries.addAll(record.index());
    }
    return this;
  }

  Seed write(SessionEvent... atomic) {
    return write(List.of(atomic));
  }

  /** A turn that was answered. */
  Seed turn(String run, String message, String answer) {
    return cutTurn(run, message, answer).write(Facts.of(Fact.COMPLETED, run));
  }

  /** A turn whose attempt was cut off. */
  Seed cutTurn(String run, String message, String answer) {
    return write(accepted(run, message))
        .write(new SessionEvent.AttemptStarted(run, 1, 1, state.seq() + 1, "echo", Facts.AT, ""))
        .write(Facts.of(Fact.ATTACHED, run), new SessionEvent.TextAppended(run, 1, answer, Facts.AT));
  }

  /** With an idempotency key of its own. */
  SessionEvent.TurnAccepted accepted(String run, String message) {
    var bound = new SessionEvent.BoundKey("key-of-" + run, "body", Facts.AT.plus(Settings.RETENTION));
    return new SessionEvent.TurnAccepted(
        run, key.text(), key.agent(), "me", message, List.of(), List.of(bound), Facts.AT.plus(Settings.DEADLINE),
        Facts.AT);
  }

  int pending() {
    return events.size();
  }

  /** Puts what was written on the disk, as one batch. */
  Seed flush() {
    submit().toCompletableFuture().join();
    return this;
  }

  /** The same without waiting for it. */
  CompletionStage<Void> submit() {
    var written = journal.append(List.copyOf(events), List.copyOf(entries));
    events.clear();
    entries.clear();
    return written;
  }

  StoredSnapshot snapshot() {
    return new StoredSnapshot(
        persistenceId(), state.seq(), DurableSerializer.ID, CODEC.manifestOf(state), CODEC.encode(state), Facts.AT);
  }
}
