package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.DurableSerializer;
import dev.portcullis.journal.EventCodec;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.MemoryDisk;
import dev.portcullis.journal.StoredEvent;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.FunctionResult;
import dev.portcullis.protocol.HistoryEntry;
import dev.portcullis.protocol.Image;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.Need;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.Toolbox;
import dev.portcullis.protocol.Usage;
import dev.portcullis.run.RunTable.Fact;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is read back of a session whose events are all in the journal. */
class TranscriptsTest {
  private static final EventCodec CODEC = new EventCodec(SessionEvent.TYPES);
  private static final SessionKey KEY = new SessionKey("agent:main:main");

  private final Journal journal = new MemoryDisk().open(fault -> { });
  private final Transcripts transcripts = new Transcripts(journal, Runnable::run);
  private SessionState state = SessionState.empty();

  @AfterEach
  void close() {
    journal.close();
  }

  private void write(SessionEvent... events) {
    for (var record : Recorded.of(state, List.of(events))) {
      var event = record.event();
      state = state.apply(event);
      done(journal.append(
          List.of(new StoredEvent(
              Session.persistenceId(KEY.entityId()).id(), state.seq(), DurableSerializer.ID,
              CODEC.manifestOf(event), CODEC.encode(event), Facts.AT, "writer")),
          record.index()));
    }
  }

  private static <T> T done(CompletionStage<T> stage) {
    return stage.toCompletableFuture().join();
  }

  private static SessionEvent start(String run, int attempt) {
    return new SessionEvent.AttemptStarted(run, attempt, 1, 1, "echo", Facts.AT, "");
  }

  private static SessionEvent text(String run, int attempt, String text) {
    return new SessionEvent.TextAppended(run, attempt, text, Facts.AT);
  }

  private void answered(String run, String answer) {
    write(start(run, 1), Facts.of(Fact.ATTACHED, run), text(run, 1, answer), Facts.of(Fact.COMPLETED, run));
  }

  private List<String> before(String run) {
    return done(transcripts.told(KEY.entityId(), state, state.open().get(run))).before().stream()
        .map(message -> message.role() + ": " + message.text())
        .toList();
  }

  private List<String> history(long from, long to) {
    return transcripts.history(KEY.entityId(), from - 1, to, Integer.MAX_VALUE).stream()
        .map(entry -> entry.seq() + " " + entry.role() + ": " + entry.text())
        .toList();
  }

  @Test
  void anAttemptIsToldOfEndedTurnsInTheOrderInWhichTheyWereAnswered() {
    write(Facts.accepted("r-1", "one"), Facts.accepted("r-2", "two"), Facts.accepted("r-3", "three"));
    answered("r-1", "first");
    answered("r-2", "second");
    assertEquals(List.of("user: one", "assistant: first", "user: two", "assistant: second"), before("r-3"));
  }

  @Test
  void whatWaitsBehindATurnIsNotToldBeforeIt() {
    write(Facts.accepted("r-1", "one"), Facts.accepted("r-2", "two"), Facts.accepted("r-3", "three"));
    answered("r-1", "first");
    assertEquals(List.of("user: one", "assistant: first"), before("r-2"));
  }

  @Test
  void aTurnThatWasAcceptedEarlyAndEndedLateIsToldWhole() {
    write(Facts.accepted("r-1", "one"), start("r-1", 1), Facts.of(Fact.INTERRUPTED, "r-1"));
    write(Facts.of(Fact.PARKED, "r-1"), Facts.accepted("r-2", "two"));
    answered("r-2", "second");
    write(Facts.of(Fact.ABORTED, "r-1"), Facts.accepted("r-3", "three"));
    assertEquals(List.of("user: two", "assistant: second", "user: one"), before("r-3"));
  }

  @Test
  void theTurnsOwnContextComesLast() {
    write(Facts.accepted("r-1", "one"));
    answered("r-1", "first");
    write(new SessionEvent.TurnAccepted(
        "r-2", KEY.text(), "main", "me", "two", List.of(new Message("system", "be kind")), List.of(), Facts.AT, Facts.AT));
    assertEquals(List.of("user: one", "assistant: first", "system: be kind"), before("r-2"));
  }

  private static final Image PNG = new Image("image/png", 8, "iVBORw0KGgo=");
  private static final FunctionCall CALL = new FunctionCall("call_1", "weather", "{}");

  private static SessionEvent turn(String run, String message, List<Message> context, Input input) {
    return new SessionEvent.TurnAccepted(
        run, KEY.text(), "main", "me", message, context, List.of(), Facts.AT, Facts.AT, input, "");
  }

  private void called(String run) {
    write(start(run, 1), Facts.of(Fact.ATTACHED, run), text(run, 1, "Let me see."),
        new SessionEvent.RunCompleted(run, 1, "tool_calls", new Usage(3, 4), Facts.AT, List.of(CALL)));
  }

  @Test
  void imagesAreTakenFromTheJournalWhenAnAttemptBeginsAndAreNotKeptInTheState() {
    write(turn("r-1", "look", List.of(Message.user("before", List.of(PNG))), Input.of(List.of(PNG))));
    var open = state.open().get("r-1");
    assertEquals(List.of(PNG.told()), open.context().getFirst().images());
    assertEquals(Set.of(Need.IMAGES), open.needs());
    var told = done(transcripts.told(KEY.entityId(), state, open));
    assertEquals(List.of(PNG), told.input().images());
    assertEquals(List.of(Message.user("before", List.of(PNG))), told.before());
  }

  @Test
  void anAttemptIsToldOfEarlierImagesCallsAndResults() {
    write(turn("r-1", "look", List.of(), Input.of(List.of(PNG))));
    called("r-1");
    var result = new FunctionResult("call_1", "rain");
    write(turn("r-2", "", List.of(), new Input(List.of(), Toolbox.EMPTY, List.of(result))));
    answered("r-2", "It rains.");
    write(Facts.accepted("r-3", "thanks"));
    assertEquals(
        List.of(Message.user("look", List.of(PNG)), Message.assistant("Let me see.", List.of(CALL)),
            Message.of(result), new Message("assistant", "It rains.")),
        done(transcripts.told(KEY.entityId(), state, state.open().get("r-3"))).before());
    assertEquals(List.of("1 user: look", "5 assistant: Let me see.", "6 tool: ", "10 assistant: It rains.", "11 user: thanks"),
        history(1, state.seq()));
  }

  @Test
  void aRunIsShownWithItsCallsAndWithoutTheBytesOfItsImages() {
    write(turn("r-1", "", List.of(), Input.of(List.of(PNG))));
    called("r-1");
    var cursor = new RunCursor(transcripts, (Transcripts.Located) done(transcripts.locate("r-1")).getFirst(), "r-1")
        .upTo(new Session.Position(state.seq(), 0, 0, List.of()));
    var last = done(cursor.advance(100)).getLast();
    assertEquals(new RunEvent.Completed("tool_calls", new Usage(3, 4), "", List.of(CALL)), last.body());
    var view = cursor.view().orElseThrow();
    assertEquals(List.of(CALL), view.calls());
    assertEquals(List.of(PNG.told()), view.input().images());
    assertFalse(view.trimmed(), "a turn of images alone has no text, and is there all the same");
  }

  @Test
  @Tag("SEC-34")
  void ofManyImagesOnlyTheNewestAreHeldInMemory() {
    var large = new Image("image/png", 3_000_000, "A".repeat(4_000_000));
    for (int i = 1; i <= 6; i++) {
      write(turn("r-" + i, "look", List.of(), Input.of(List.of(large))));
    }
    var held = transcripts.history(KEY.entityId(), 0, state.seq(), 100).stream()
        .map(entry -> !entry.images().getFirst().data().isEmpty()).toList();
    assertEquals(List.of(false, false, true, true, true, true), held);
  }

  @Test
  @Tag("INV-M8")
  void anAbortedAnswerStaysInTheHistoryAsFarAsItCame() {
    write(Facts.accepted("r-1", "one"), start("r-1", 1), Facts.of(Fact.ATTACHED, "r-1"), text("r-1", 1, "half"));
    write(Facts.of(Fact.INTERRUPTED, "r-1"), Facts.of(Fact.ABORTED, "r-1"));
    assertEquals(List.of("1 user: one", "6 assistant: half"), history(1, state.seq()));
  }

  @Test
  void aResetBeginsTheHistoryAnew() {
    write(Facts.accepted("r-1", "one"));
    answered("r-1", "first");
    write(new SessionEvent.SessionReset("me", Facts.AT), Facts.accepted("r-2", "two"));
    assertEquals(List.of("7 user: two"), history(1, state.seq()));
    assertEquals(List.of("7 user: two"), history(state.since() + 1, state.seq()));
    assertEquals(List.of(), before("r-2"));
  }

  @Test
  void positionsOfTheHistoryAreTheJournalsAndRiseSoThatOneCanPage() {
    for (int i = 1; i <= 5; i++) {
      write(Facts.accepted("r-" + i, "question"));
      answered("r-" + i, "answer");
    }
    var all = transcripts.history(KEY.entityId(), 0, state.seq(), Integer.MAX_VALUE);
    assertEquals(List.of(1L, 5L, 6L, 10L, 11L, 15L, 16L, 20L, 21L, 25L), all.stream().map(HistoryEntry::seq).toList());
  }

  @Test
  void aRunIsFoundByItsIdAlone() {
    write(Facts.accepted("r-1", "one"), Facts.accepted("r-2", "two"));
    assertEquals(List.of(new Transcripts.Located(KEY, 2)), done(transcripts.locate("r-2")));
    assertEquals(List.of(), done(transcripts.locate("r-3")));
  }

  @Test
  void aCursorReadsInPagesWhatTheSessionHasToldAndNoMore() {
    write(Facts.accepted("r-1", "one"), Facts.accepted("r-2", "two"));
    answered("r-1", "first");
    answered("r-2", "second");
    var cursor = new RunCursor(transcripts, (Transcripts.Located) done(transcripts.locate("r-2")).getFirst(), "r-2");
    assertEquals(List.of(), done(cursor.advance(100)));
    cursor.upTo(new Session.Position(8, 0, 0, List.of()));
    var seen = new ArrayList<RunEvent>();
    while (cursor.behind()) {
      seen.addAll(done(cursor.advance(2)));
    }
    assertEquals(List.of("accepted", "started"), seen.stream().map(event -> event.body().type()).toList());
    assertEquals(8, cursor.read());
    cursor.upTo(new Session.Position(state.seq(), 0, 0, List.of()));
    while (cursor.behind()) {
      seen.addAll(done(cursor.advance(2)));
    }
    assertTrue(cursor.ended());
    assertEquals(List.of(1L, 2L, 3L, 4L), seen.stream().map(RunEvent::seq).toList());
    assertEquals("second", cursor.view().orElseThrow().text());
  }
}
