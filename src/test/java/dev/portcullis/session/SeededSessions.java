package dev.portcullis.session;

import dev.portcullis.journal.DurableSerializer;
import dev.portcullis.journal.EventCodec;
import dev.portcullis.journal.IndexEntry;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.StoredEvent;
import dev.portcullis.journal.StoredSnapshot;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.Usage;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** Sessions as they lie in a journal after a while, written to it at once: index entries included. */
public final class SeededSessions {
  private static final EventCodec CODEC = new EventCodec(SessionEvent.TYPES);
  private static final Instant AT = Instant.parse("2026-11-20T10:00:00Z");
  private static final String ANSWER = "An answer of about ninety characters, such as people get from an agent all day long: ";

  private final Journal journal;

  public SeededSessions(Journal journal) {
    this.journal = journal;
  }

  public static SessionKey key(int number) {
    return new SessionKey("agent:main:explicit:seeded-" + number);
  }

  /**
   * Writes one session.
   *
   * @param open the last of its turns has not ended: its attempt was cut off
   */
  public CompletionStage<Void> write(int number, int turns, boolean open) {
    var key = key(number);
    var events = new ArrayList<SessionEvent>();
    for (int turn = 0; turn < turns; turn++) {
      events.addAll(turn(key, number + "-" + turn, events.size(), open && turn == turns - 1));
    }
    var records = Recorded.of(SessionState.empty(), events);
    return journal.append(stored(key, 0, events), entries(records));
  }

  /**
   * Writes one session of many turns, in writes of a hundred turns, and the snapshot that the session itself would have
   * made last.
   */
  public void writeLong(int number, int turns, int snapshotEvery) {
    var key = key(number);
    var state = SessionState.empty();
    var snapshot = state;
    for (int done = 0; done < turns; done += 100) {
      var events = new ArrayList<SessionEvent>();
      for (int turn = done; turn < Math.min(done + 100, turns); turn++) {
        events.addAll(turn(key, number + "-" + turn, state.seq() + events.size(), false));
      }
      journal.append(stored(key, state.seq(), events), entries(Recorded.of(state, events)))
          .toCompletableFuture()
          .join();
      for (var event : events) {
        state = state.apply(event);
        snapshot = state.seq() % snapshotEvery == 0 ? state : snapshot;
      }
    }
    journal.putSnapshot(new StoredSnapshot(
            pid(key), snapshot.seq(), DurableSerializer.ID, CODEC.manifestOf(snapshot), CODEC.encode(snapshot), AT))
        .toCompletableFuture()
        .join();
  }

  private static List<SessionEvent> turn(SessionKey key, String name, long before, boolean open) {
    var run = "run_" + name;
    var events = new ArrayList<SessionEvent>(List.of(
        new SessionEvent.TurnAccepted(
            run, key.text(), "main", "me", "message " + name, List.<Message>of(), List.of(),
            AT.plus(Duration.ofDays(2)), AT),
        new SessionEvent.AttemptStarted(run, 1, 1, before + 2, "echo", AT),
        new SessionEvent.HarnessAttached(run, 1, "", List.of(), AT),
        new SessionEvent.TextAppended(run, 1, ANSWER + name, AT)));
    if (!open) {
      events.add(new SessionEvent.RunCompleted(run, 1, "end_turn", new Usage(10, 20), AT));
    }
    return events;
  }

  private static List<StoredEvent> stored(SessionKey key, long before, List<SessionEvent> events) {
    var stored = new ArrayList<StoredEvent>();
    for (var event : events) {
      stored.add(new StoredEvent(
          pid(key), before + stored.size() + 1, DurableSerializer.ID, CODEC.manifestOf(event), CODEC.encode(event), AT,
          "seed"));
    }
    return stored;
  }

  private static List<IndexEntry> entries(List<Recorded> records) {
    return records.stream().flatMap(recorded -> recorded.index().stream()).toList();
  }

  private static String pid(SessionKey key) {
    return Session.persistenceId(key.entityId()).id();
  }
}
