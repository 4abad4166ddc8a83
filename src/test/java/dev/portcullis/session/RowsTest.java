package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.IndexEntry;
import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.protocol.Usage;
import dev.portcullis.run.RunTable.Fact;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Which index entries a write carries. That they agree with the journal after any history is in the model test. */
class RowsTest {
  private static final String KEY = "agent:main:main";

  private static SessionState state(SessionEvent... events) {
    return SessionState.empty().applyAll(List.of(events));
  }

  private static List<IndexEntry> index(SessionState before, SessionEvent... events) {
    return Rows.index(before, before.applyAll(List.of(events)), List.of(events));
  }

  private static IndexEntry row(SessionState after) {
    return new IndexEntry.Put(Rows.ROW, KEY, Rows.write(Rows.of(after)));
  }

  @Test
  @Tag("INV-M7")
  void theFirstOpenRunPutsTheSessionAmongThoseToWakeAndTheRunWhereItBegins() {
    var turn = Facts.accepted("r-1", "hello");
    assertEquals(
        List.of(
            row(state(turn)), new IndexEntry.Put(Rows.OPEN, KEY, ""), new IndexEntry.Put(Rows.RUN, "r-1", "1 " + KEY)),
        index(SessionState.empty(), turn));
  }

  @Test
  void aSecondRunIsNoSecondEntryAndPointsAtItsOwnBeginning() {
    var before = state(Facts.accepted("r-1", "hello"), Facts.of(Fact.ATTEMPT_STARTED, "r-1"));
    var turn = Facts.accepted("r-2", "more");
    var abort = Facts.of(Fact.ABORT_REQUESTED, "r-1");
    var after = before.applyAll(List.of(abort, turn));
    assertEquals(List.of(row(after), new IndexEntry.Put(Rows.RUN, "r-2", "4 " + KEY)), index(before, abort, turn));
  }

  @Test
  void theLastEndTakesTheSessionOut() {
    var before = state(Facts.accepted("r-1", "hello"));
    var end = Facts.of(Fact.ABORTED, "r-1");
    assertEquals(List.of(row(before.apply(end)), new IndexEntry.Remove(Rows.OPEN, KEY)), index(before, end));
  }

  @Test
  void aParkedRunKeepsTheSessionAmongThoseToWake() {
    var before = state(Facts.accepted("r-1", "hello"), Facts.of(Fact.ATTEMPT_STARTED, "r-1"));
    var cut = Facts.of(Fact.INTERRUPTED, "r-1");
    var park = Facts.of(Fact.PARKED, "r-1");
    assertEquals(List.of(row(before.applyAll(List.of(cut, park)))), index(before, cut, park));
  }

  @Test
  void whatViewersDoNotSeeWritesNoEntry() {
    var before = state(
        Facts.accepted("r-1", "hello"), Facts.of(Fact.ATTEMPT_STARTED, "r-1"), Facts.of(Fact.ATTACHED, "r-1"));
    assertEquals(List.of(), index(before, Facts.of(Fact.TEXT_APPENDED, "r-1"), Facts.of(Fact.STOP_NOTED, "r-1")));
  }

  @Test
  void anErasedSessionHasNoRowAndIsMarkedUntilItsRecordsAreGone() {
    var before = state(Facts.accepted("r-1", "hello"));
    assertEquals(
        List.of(
            new IndexEntry.Remove(Rows.ROW, KEY),
            new IndexEntry.Remove(Rows.OPEN, KEY),
            new IndexEntry.Put(Rows.ERASE, KEY, "3")),
        index(before, Facts.of(Fact.ABORTED, "r-1"), new SessionEvent.SessionErased("me", Facts.AT)));
  }

  @Test
  void aRowComesBackFromItsJsonAsItWas() {
    var row = Rows.of(state(Facts.accepted("r-1", "hello \"you\"\n"), Facts.of(Fact.ATTEMPT_STARTED, "r-1")));
    assertEquals(Optional.of(row), Rows.parse(row.key(), Rows.write(row)));
  }

  @Test
  void whatLiesInTheIndexIsReadAsItWasMeant() {
    var bound = new SessionState.KeyEntry("body", "run_1", Facts.AT);
    assertEquals(bound, Rows.readKey("{\"body\":\"body\",\"runId\":\"run_1\",\"until\":1795168800.000000000}"));
    var failed = new TrimmedRun(
        "run_1", KEY, "main", "echo", RunStatus.FAILED, 2, List.of(new RunError("code", "why", "ref")), "",
        new Usage(3, 4), 9, Facts.AT, List.of(Facts.AT), Facts.AT, "");
    var entry = "{\"runId\":\"run_1\",\"sessionKey\":\"agent:main:main\",\"agent\":\"main\",\"harness\":\"echo\","
        + "\"status\":\"failed\",\"attempts\":2,"
        + "\"error\":[{\"code\":\"code\",\"message\":\"why\",\"reference\":\"ref\"}],"
        + "\"stopReason\":\"\",\"usage\":{\"inputTokens\":3,\"outputTokens\":4},\"lastSeq\":9,"
        + "\"acceptedAt\":1795168800.000000000,\"startedAt\":[1795168800.000000000],"
        + "\"endedAt\":1795168800.000000000}";
    assertTrue(Rows.isTrimmed(entry));
    assertEquals(failed, Rows.readTrimmed(entry));
    assertEquals(failed, Rows.readTrimmed(Rows.write(failed)));
    assertEquals(new RunEvent.Failed(new RunError("code", "why", "ref")), failed.end().body());
  }

  @Test
  @Tag("INV-A4")
  void theStatusIsTheWordOfTheRunThatStandsFirst() {
    var queued = state(Facts.accepted("r-1", "a"));
    assertEquals("queued", Rows.of(queued).status());
    var starting = queued.apply(Facts.of(Fact.ATTEMPT_STARTED, "r-1")).apply(Facts.accepted("r-2", "b"));
    assertEquals("starting", Rows.of(starting).status());
    var interrupted = starting.apply(Facts.of(Fact.INTERRUPTED, "r-1"));
    assertEquals("interrupted", Rows.of(interrupted).status());
    var parked = interrupted.apply(Facts.of(Fact.PARKED, "r-1"));
    assertEquals("queued", Rows.of(parked).status());
    var alone = parked.apply(Facts.of(Fact.ABORTED, "r-2"));
    assertEquals("parked", Rows.of(alone).status());
    assertEquals("idle", Rows.of(alone.apply(Facts.of(Fact.ABORTED, "r-1"))).status());
  }

  private static SessionRow made(String status, boolean active, boolean abortable, String... activeRuns) {
    return new SessionRow("agent:main:main", "s", "main", "", status, active, abortable, List.of(activeRuns), 0, 0, 0,
        "", Usage.NONE, 1, 0, Facts.AT, Facts.AT, 1, "me");
  }

  @Test
  @Tag("INV-A4")
  void aRowThatContradictsItselfCannotBeMade() {
    var words = Stream.concat(Stream.of("idle", "quarantined", "erased", "", "busy"),
        Arrays.stream(RunStatus.values()).map(RunStatus::word)).toList();
    var made = new ArrayList<String>();
    for (var status : words) {
      for (boolean active : List.of(true, false)) {
        for (boolean abortable : List.of(true, false)) {
          for (var runs : List.of(new String[0], new String[] {"r"})) {
            try {
              made(status, active, abortable, runs);
              made.add(status + (active ? " active" : "") + (abortable ? " abortable" : "")
                  + (runs.length > 0 ? " with a run" : ""));
            } catch (IllegalArgumentException contradiction) {
              assertTrue(contradiction.getMessage().contains(status), contradiction.getMessage());
            }
          }
        }
      }
    }
    assertEquals(
        List.of("idle", "quarantined", "erased", "queued abortable", "starting active abortable with a run",
            "running active abortable with a run", "aborting active abortable with a run",
            "aborting active with a run", "interrupted abortable", "parked abortable"),
        made);
  }

  @Test
  @Tag("INV-A4")
  void aRowInTheIndexThatContradictsItselfIsNotBelieved() {
    var row = Rows.of(state(Facts.accepted("r-1", "hello"), Facts.of(Fact.ATTEMPT_STARTED, "r-1")));
    var idle = Rows.write(row).replace("\"starting\"", "\"idle\"");
    assertEquals(Optional.empty(), Rows.parse(row.key(), idle));
  }

  @Test
  void aTitleIsTheFirstLineAndNeverHalfACharacter() {
    assertEquals("one", Rows.of(state(Facts.accepted("r-1", "\n  one \n two"))).title());
    var long81 = "x".repeat(79) + "\ud83d\ude00";
    assertEquals("x".repeat(79), Rows.of(state(Facts.accepted("r-1", long81))).title());
  }

  @Test
  void aRowOfAnOlderVersionIsNobodys() {
    var row = Rows.of(SessionState.empty().apply(Facts.accepted("run_1", "hello")));
    assertEquals("me", row.owner());
    var old = Rows.write(row).replace(",\"owner\":\"me\"", "");
    assertEquals("", Rows.parse(row.key(), old).orElseThrow().owner());
  }
}
