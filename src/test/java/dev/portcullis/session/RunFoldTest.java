package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.portcullis.protocol.Approval;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.RunView;
import dev.portcullis.run.RunTable.Fact;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class RunFoldTest {
  private final RunFold fold = new RunFold(Facts.accepted("r", "hello"));

  private List<RunEvent> add(SessionEvent.OfRun... events) {
    var shown = new ArrayList<RunEvent>();
    for (var event : events) {
      fold.add(event).ifPresent(shown::add);
    }
    return shown;
  }

  private List<RunEvent> add(Fact... facts) {
    var shown = new ArrayList<RunEvent>();
    for (var fact : facts) {
      shown.addAll(add(Facts.of(fact, "r")));
    }
    return shown;
  }

  private static SessionEvent.TextAppended text(int attempt, String text) {
    return new SessionEvent.TextAppended("r", attempt, text, Facts.AT);
  }

  private static SessionEvent.AttemptStarted again() {
    return new SessionEvent.AttemptStarted("r", 2, 2, 9, "echo", Facts.AT, "crash");
  }

  @Test
  void publicEventsAreNumberedWithoutGapWhateverLiesBetween() {
    assertEquals(1, fold.first().seq());
    var shown = add(
        Fact.ATTEMPT_STARTED, Fact.ATTACHED, Fact.TEXT_APPENDED, Fact.STOP_NOTED, Fact.STEP_STARTED,
        Fact.STEP_FINISHED, Fact.APPROVAL_REQUESTED, Fact.APPROVAL_DECIDED, Fact.COMPLETED);
    assertEquals(List.of(2L, 3L, 4L, 5L, 6L, 7L, 8L), shown.stream().map(RunEvent::seq).toList());
    assertEquals(
        List.of("started", "text", "step.started", "step.finished", "approval.requested", "approval.decided",
            "completed"),
        shown.stream().map(event -> event.body().type()).toList());
    assertEquals(8, fold.view().lastSeq());
  }

  @Test
  void aQuestionIsShownWholeUntilItIsDecidedAndThenWhatWasDecided() {
    add(Fact.ATTEMPT_STARTED, Fact.APPROVAL_REQUESTED);
    var asked = fold.view().approvals().getFirst();
    assertEquals(
        List.of("a-1", "agent:main:main", "execute", "rm x", "/work", "d"),
        List.of(asked.id(), asked.sessionKey(), asked.kind(), asked.input(), asked.directory(), asked.digest()));
    add(Fact.APPROVAL_DECIDED);
    assertEquals(List.of(), fold.view().approvals());
    assertEquals(
        new Approval.Decision(true, "me", "why", false, Facts.AT), fold.view().decisions().get("a-1"));
  }

  @Test
  void theNumbersAreThoseThatTheSessionCounts() {
    var run = OpenRun.of(Facts.accepted("r", "hello"), 1);
    for (var fact : List.of(
        Fact.ATTEMPT_STARTED, Fact.ATTACHED, Fact.STEP_STARTED, Fact.INTERRUPTED, Fact.PARKED, Fact.UNPARKED)) {
      run = run.apply(Facts.of(fact, "r"));
      add(fact);
      assertEquals(fold.view().lastSeq(), run.publicSeq());
    }
  }

  @Test
  @Tag("INV-M8")
  void theTextOfACutAttemptStandsUntilTheNextHasSome() {
    add(Fact.ATTEMPT_STARTED, Fact.ATTACHED);
    add(text(1, "first "), text(1, "try"));
    add(Fact.INTERRUPTED);
    add(again());
    assertEquals("first try", fold.text());
    add(Fact.ATTACHED);
    add(text(2, "second"));
    assertEquals("second", fold.text());
  }

  @Test
  @Tag("INV-M4")
  void aStepThatWasOpenAtTheCutIsUncertain() {
    add(Fact.ATTEMPT_STARTED, Fact.ATTACHED, Fact.STEP_STARTED, Fact.STEP_FINISHED);
    add(new SessionEvent.StepStarted("r", 1, "s-2", "restart the gateway", "tool", "", Facts.AT));
    add(Fact.INTERRUPTED);
    assertEquals(
        List.of("succeeded", "uncertain"), fold.view().steps().stream().map(RunView.Step::state).toList());
  }

  @Test
  void aStepThatIsOpenWhenTheRunFailsIsUncertain() {
    add(Fact.ATTEMPT_STARTED, Fact.ATTACHED, Fact.STEP_STARTED, Fact.FAILED);
    assertEquals("uncertain", fold.view().steps().getFirst().state());
  }

  @Test
  void aNoteIsShownUntilTheAttemptEnds() {
    add(Fact.ATTEMPT_STARTED, Fact.STOP_NOTED);
    assertEquals(new RunView.Outcome.ResumePending("restart"), fold.view().outcome());
    add(Fact.ATTACHED, Fact.COMPLETED);
    assertEquals(new RunView.Outcome.Open(), fold.view().outcome());
    assertEquals(RunStatus.COMPLETED, fold.view().status());
  }

  @Test
  void aParkedRunSaysWhy() {
    add(Fact.ATTEMPT_STARTED, Fact.INTERRUPTED, Fact.PARKED);
    assertEquals(new RunView.Outcome.Parked("crash_loop", ""), fold.view().outcome());
  }

  @Test
  void whatTheTableRefusesIsNotFolded() {
    add(Fact.ATTEMPT_STARTED, Fact.ATTACHED, Fact.COMPLETED);
    for (var fact : Fact.values()) {
      assertThrows(IllegalStateException.class, () -> add(fact), fact.name());
    }
  }
}
