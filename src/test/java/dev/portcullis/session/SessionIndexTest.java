package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.DurableSerializer;
import dev.portcullis.journal.EventCodec;
import dev.portcullis.journal.IndexEntry;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.MemoryDisk;
import dev.portcullis.journal.StoredEvent;
import dev.portcullis.journal.StoredSnapshot;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.run.RunTable.Fact;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The index at boot, when it or a history is in doubt. */
class SessionIndexTest {
  private static final EventCodec CODEC = new EventCodec(SessionEvent.TYPES);
  private static final SessionKey KEY = new SessionKey("agent:main:main");
  private static final String ENTITY = KEY.entityId();
  private static final String HISTORY = Session.persistenceId(ENTITY).id();
  private static final SessionKey OTHER = new SessionKey("agent:main:other");
  private static final Clock CLOCK = Clock.fixed(Facts.AT, ZoneOffset.UTC);

  private final MemoryDisk disk = new MemoryDisk();
  private final Journal journal = disk.open(fault -> { });

  @AfterEach
  void close() {
    journal.close();
  }

  /** A whole history of one session, with the index that follows from it. */
  private void write(SessionKey key, SessionEvent... events) {
    var state = SessionState.empty();
    for (var record : Recorded.of(state, List.of(events))) {
      state = state.apply(record.event());
      journal.append(
              List.of(new StoredEvent(
                  Session.persistenceId(key.entityId()).id(), state.seq(), DurableSerializer.ID,
                  CODEC.manifestOf(record.event()), CODEC.encode(record.event()), Facts.AT, "writer")),
              record.index())
          .toCompletableFuture()
          .join();
    }
  }

  private static SessionEvent accepted(SessionKey key, String run) {
    return new SessionEvent.TurnAccepted(run, key.text(), key.agent(), "me", "hello", List.of(), List.of(),
        Facts.AT.plus(Settings.DEADLINE), Facts.AT);
  }

  private static SessionEvent asked(String run, String approval) {
    return new SessionEvent.ApprovalRequested(
        run, 1, approval, "execute", "rm", "rm x", "d", Facts.AT, "/work", "", Facts.AT.plusSeconds(60));
  }

  private void index(IndexEntry... entries) {
    journal.index(List.of(entries)).toCompletableFuture().join();
  }

  /** Everything that the index holds, as {@code space key} to value. */
  private Map<String, String> index() {
    var all = new TreeMap<String, String>();
    for (var space : List.of("row", "open", "run", "approval", "question", "reindex", "quarantine")) {
      journal.scan(space, (key, value) -> all.put(space + " " + key, value));
    }
    return all;
  }

  private SessionIndex.Found read() {
    return SessionIndex.read(journal, CLOCK);
  }

  private static List<String> statuses(SessionIndex.Found found) {
    return found.rows().stream().map(SessionRow::status).toList();
  }

  @Test
  void anIndexThatNobodyDoubtsIsReadAsItIs() {
    write(KEY, accepted(KEY, "r-1"));
    write(OTHER, accepted(OTHER, "r-2"), Facts.of(Fact.ABORTED, "r-2"));
    var before = index();
    var found = read();
    assertEquals(Set.of("queued", "idle"), Set.copyOf(statuses(found)));
    assertEquals(List.of(KEY), found.open());
    assertEquals(Map.of(), found.damaged());
    assertEquals(before, index());
  }

  @Test
  @Tag("INV-J6")
  void afterARepairTheIndexHoldsExactlyWhatTheHistorySays() {
    write(KEY, accepted(KEY, "r-1"), Facts.of(Fact.ABORTED, "r-1"), accepted(KEY, "r-2"));
    write(OTHER, accepted(OTHER, "r-3"), Facts.of(Fact.ATTEMPT_STARTED, "r-3"), asked("r-3", "a-3"));
    var right = index();
    index(
        new IndexEntry.Put("approval", "a-cut-off", "4 " + KEY.text()),
        new IndexEntry.Put("question", "a-cut-off", "4 " + KEY.text()),
        new IndexEntry.Remove("question", "a-3"),
        new IndexEntry.Put("reindex", Session.persistenceId(OTHER.entityId()).id(), ""),
        new IndexEntry.Put("row", KEY.text(), right.get("row " + KEY.text()).replace("\"rev\":3", "\"rev\":9")),
        new IndexEntry.Remove("open", KEY.text()),
        new IndexEntry.Remove("run", "r-1"),
        new IndexEntry.Put("run", "r-cut-off", "4 " + KEY.text()),
        new IndexEntry.Put("reindex", HISTORY, ""));
    var found = read();
    assertEquals(right, index());
    assertEquals(Set.of(KEY, OTHER), Set.copyOf(found.open()));
    assertEquals(Set.of("queued", "starting"), Set.copyOf(statuses(found)));
  }

  @Test
  void aHistoryThatARepairHasEmptiedLeavesNoTraceInTheIndex() {
    write(OTHER, accepted(OTHER, "r-3"));
    var right = index();
    index(
        new IndexEntry.Put("row", KEY.text(), "{\"key\":\"" + KEY.text() + "\""),
        new IndexEntry.Put("open", KEY.text(), ""),
        new IndexEntry.Put("run", "r-1", "1 " + KEY.text()),
        new IndexEntry.Put("quarantine", ENTITY, "{}"),
        new IndexEntry.Put("reindex", HISTORY, ""));
    var found = read();
    assertEquals(right, index());
    assertEquals(List.of(ENTITY), found.released());
    assertEquals(1, found.rows().size());
  }

  @Test
  @Tag("INV-J1")
  void aRepairedHistoryThatStillCannotBeProvedIsQuarantined() {
    write(KEY, accepted(KEY, "r-1"), Facts.of(Fact.ABORTED, "r-1"));
    index(new IndexEntry.Put("reindex", HISTORY, ""));
    disk.loseEvent(HISTORY, 1);
    var found = read();
    assertEquals(Set.of(ENTITY), found.damaged().keySet());
    assertEquals(List.of("quarantined"), statuses(found));
    assertTrue(index().containsKey("quarantine " + ENTITY));
    assertTrue(index().containsKey("reindex " + HISTORY), "a later repair must not be forgotten");
  }

  @Test
  void aRowThatCannotBeReadIsMadeAnewFromTheHistory() {
    write(KEY, accepted(KEY, "r-1"));
    var right = index();
    for (var damage : List.of("", "{", "null", "{}", "[1]", right.get("row " + KEY.text()).substring(1))) {
      index(new IndexEntry.Put("row", KEY.text(), damage));
      assertEquals(List.of("queued"), statuses(read()), damage);
      assertEquals(right, index());
    }
  }

  @Test
  void aRowThatCannotBeReadAndHasNoKeyEitherKeepsNobodyFromStarting() {
    write(KEY, accepted(KEY, "r-1"));
    index(new IndexEntry.Put("row", "\u0007", "{"), new IndexEntry.Put("open", "no key", ""),
        new IndexEntry.Put("run", "r-9", "no place"), new IndexEntry.Put("quarantine", ENTITY, "{}"));
    var found = read();
    assertEquals(List.of("queued"), statuses(found));
    assertEquals(List.of(KEY), found.open());
  }

  @Test
  @Tag("INV-J1")
  void aRowThatCannotBeReadOfASessionThatCannotBeProvedIsShownByItsKey() {
    write(KEY, accepted(KEY, "r-1"), Facts.of(Fact.ABORTED, "r-1"));
    index(new IndexEntry.Put("row", KEY.text(), "{"));
    disk.loseEvent(HISTORY, 2);
    var found = read();
    assertEquals(List.of("quarantined"), statuses(found));
    assertEquals(KEY.text(), found.rows().getFirst().key());
  }

  @Test
  @Tag("INV-J1")
  void aSessionInQuarantineIsNotReleasedToAHistoryThatIsShorterThanItsIndex() {
    index(
        new IndexEntry.Put("run", "r-1", "5 " + KEY.text()),
        new IndexEntry.Put("quarantine", ENTITY, "{}"));
    var found = read();
    assertEquals(1, found.damaged().get(ENTITY).seq());
    assertEquals(List.of(), found.released());
    assertTrue(index().containsKey("run r-1"));
  }

  @Test
  @Tag("INV-J1")
  void aSessionInQuarantineIsNotReleasedToAHistoryThatIsShorterThanItsSnapshot() {
    write(KEY, accepted(KEY, "r-1"));
    journal.putSnapshot(new StoredSnapshot(HISTORY, 1, 7, "state", new byte[] {1}, Facts.AT))
        .toCompletableFuture().join();
    index(new IndexEntry.Put("quarantine", ENTITY, "{}"), new IndexEntry.Remove("row", KEY.text()),
        new IndexEntry.Remove("run", "r-1"));
    disk.forget(HISTORY);
    assertEquals(Set.of(ENTITY), read().damaged().keySet());
  }

  @Test
  @Tag("INV-J1")
  void aHistoryOfGenuineEventsThatMakeNoSessionIsQuarantinedAndStopsNobody() {
    write(OTHER, accepted(OTHER, "r-2"));
    var orphan = Facts.of(Fact.COMPLETED, "r-1");
    journal.append(
            List.of(new StoredEvent(HISTORY, 1, DurableSerializer.ID, CODEC.manifestOf(orphan),
                CODEC.encode(orphan), Facts.AT, "writer")),
            List.of(new IndexEntry.Put("reindex", HISTORY, "")))
        .toCompletableFuture().join();
    var found = read();
    assertEquals(Set.of(ENTITY), found.damaged().keySet());
    assertEquals(List.of(OTHER), found.open());
  }

  @Test
  void aTraceIsFoundOfASessionThatOnlyItsRunsName() {
    index(new IndexEntry.Put("run", "r-1", "5 " + KEY.text()), new IndexEntry.Put("run", "r-2", "1 " + OTHER.text()));
    assertEquals(KEY, SessionIndex.keyOf(journal, ENTITY).orElseThrow());
    assertTrue(SessionIndex.keyOf(journal, "unknown").isEmpty());
  }
}
