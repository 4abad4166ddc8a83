package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.session.Word.Kind;
import java.io.File;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.pekko.actor.testkit.typed.javadsl.LogCapturingExtension;
import org.apache.pekko.actor.testkit.typed.javadsl.LoggingTestKit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What agents ask, through crashes and time, on the real actors. */
@ExtendWith(LogCapturingExtension.class)
class ApprovalsTest {
  private static final String RUN = "r-1";
  /** The first question of the first attempt, as the harness calls it. */
  private static final String FIRST = Word.of(Kind.APPROVAL).request(RUN, 1);

  private static final String AGAIN = Word.of(Kind.APPROVAL).request(RUN, 2);
  private static final DecisionReply TAKEN = new DecisionReply.Taken(RunStatus.RUNNING, false);
  private static final DecisionReply KEPT = new DecisionReply.Taken(RunStatus.STARTING, true);

  private ActorSubject session = new ActorSubject("agent:main:main");

  @AfterEach
  void close() {
    session.close();
  }

  private void submit() {
    assertInstanceOf(Receipt.Accepted.class, session.submit(RUN, List.of()));
  }

  private PlayedHarness.Played attempt(int number) {
    var harness = session.world().harness;
    assertTrue(session.world().await(() -> harness.attempt(RUN, number).isPresent()), () -> "attempt " + number);
    return harness.attempt(RUN, number).orElseThrow();
  }

  /** Each word is heard and in the journal before the next is said. */
  private void hear(int attempt, Word... words) {
    for (var word : words) {
      hear(attempt, word.update(RUN, attempt));
    }
  }

  private void hear(int attempt, Kind... kinds) {
    for (var kind : kinds) {
      hear(attempt, Word.of(kind));
    }
  }

  private void hear(int attempt, HarnessUpdate update) {
    var played = attempt(attempt);
    int before = session.journal().size();
    played.updates().accept(update);
    assertTrue(session.world().await(() -> session.journal().size() > before), update + " was not heard");
  }

  private void assertTold(int attempt, String... answers) {
    var told = attempt(attempt).asked();
    assertTrue(session.world().await(() -> told.size() >= answers.length), () -> "told " + told);
    assertEquals(List.of(answers), told);
  }

  private DecisionReply allow(String approval) {
    return session.decide(RUN, approval, "", true);
  }

  private List<SessionEvent.ApprovalDecided> decisions() {
    return session.journal().stream()
        .filter(SessionEvent.ApprovalDecided.class::isInstance)
        .map(SessionEvent.ApprovalDecided.class::cast)
        .toList();
  }

  private List<String> deciders() {
    return decisions().stream().map(SessionEvent.ApprovalDecided::by).toList();
  }

  /** What every viewer is shown as open. */
  private List<String> open() {
    return session.world().transcripts.questions().toCompletableFuture().join().stream()
        .map(asked -> asked.event().approvalId())
        .toList();
  }

  private void askAndCrash() {
    submit();
    hear(1, Kind.ATTACHED, Kind.APPROVAL);
    session.crash(true);
    attempt(2);
  }

  // ---- one answer, to what was asked
  @Test
  @Tag("SEC-24")
  void aQuestionTakesOneAnswerAndTheHarnessHearsIt() {
    submit();
    hear(1, Kind.ATTACHED, Kind.APPROVAL);
    var reply = LoggingTestKit
        .info("approval.decided approvalId=" + FIRST + " runId=r-1 allowed=true by=me kept=false")
        .expect(session.world().kit.system(), () -> allow(FIRST));
    assertEquals(TAKEN, reply);
    assertEquals(new DecisionReply.NotOpen(), session.decide(RUN, FIRST, "", false));
    assertTold(1, "decide " + FIRST + " true");
    assertEquals(List.of("me"), deciders());
  }

  @Test
  @Tag("SEC-25")
  void anAnswerToAnotherActionIsRefusedAndNotWritten() {
    submit();
    hear(1, Kind.ATTACHED, Kind.APPROVAL);
    assertEquals(new DecisionReply.Changed("digest 1"), session.decide(RUN, FIRST, "digest 2", true));
    assertEquals(List.of(), decisions());
    assertEquals(TAKEN, session.decide(RUN, FIRST, "digest 1", true));
  }

  @Test
  @Tag("SEC-25")
  void anActionTooLongToBeShownIsDeniedAtOnce() {
    submit();
    hear(1, Kind.ATTACHED);
    var input = "x".repeat(96) + "rm -rf";
    hear(1, new HarnessUpdate.ApprovalRequested("a-1", "execute", "run", input, "d", "/work"));
    assertTold(1, "decide a-1 false");
    assertEquals(List.of("policy"), deciders());
    assertEquals("input_too_long", decisions().getFirst().reason());
    assertEquals(List.of(), open());
  }

  @Test
  void whatIsAskedBeforeTheAgentHasSaidThatItHasTheTurnIsAsked() {
    submit();
    hear(1, Kind.APPROVAL);
    assertEquals(List.of(FIRST), open());
    assertEquals(new DecisionReply.Taken(RunStatus.STARTING, false), allow(FIRST));
    assertTold(1, "decide " + FIRST + " true");
  }

  @Test
  void aPolicyAnswersByTheKindOfToolAndBeforeAnybodyIsAsked() {
    session.close();
    session = new ActorSubject("agent:main:main", GatewayConfig.from(ConfigFactory.parseString(
        "portcullis.agents.main.approvals = { default = ask, execute = deny, read = allow }")
        .withFallback(ConfigFactory.parseFile(new File("conf/application.conf"))).resolve()));
    submit();
    hear(1, Kind.ATTACHED);
    for (var kind : List.of("execute", "read", "edit", "none of the list")) {
      hear(1, new HarnessUpdate.ApprovalRequested(kind, kind, "do it", "x", "d"));
    }
    assertTold(1, "decide execute false", "decide read true");
    assertEquals(List.of("policy", "policy"), deciders());
    assertEquals(List.of("edit", "none of the list"), open());
  }

  @Test
  void aQuestionSaysWhereItsActionWillRun() {
    submit();
    hear(1, Kind.ATTACHED, Kind.APPROVAL);
    hear(1, new HarnessUpdate.ApprovalRequested("a-2", "execute", "run", "ls", "d", "/elsewhere"));
    var where = session.world().transcripts.questions().toCompletableFuture().join().stream()
        .map(asked -> asked.event().directory())
        .collect(Collectors.toSet());
    assertEquals(Set.of(Settings.CONFIG.agents().get("main").workspace().toString(), "/elsewhere"), where);
  }

  // ---- time
  @Test
  @Tag("SEC-24")
  void aQuestionThatNobodyAnswersInTimeIsAnsweredWithNo() {
    submit();
    hear(1, Kind.ATTACHED, Kind.APPROVAL);
    session.elapse(Settings.EXPIRY.toSeconds());
    assertTold(1, "decide " + FIRST + " false");
    assertEquals(List.of("expiry"), deciders());
    assertEquals(new DecisionReply.NotOpen(), allow(FIRST));
  }

  @Test
  void aRestartDoesNotGiveAQuestionMoreTime() {
    submit();
    hear(1, Kind.ATTACHED, Kind.APPROVAL);
    session.elapse(600);
    session.crash(true);
    session.elapse(Settings.EXPIRY.toSeconds() - 600 - 1);
    assertEquals(List.of(FIRST), open());
    session.elapse(1);
    assertTrue(session.world().await(() -> deciders().equals(List.of("expiry"))));
    assertEquals(List.of(), open());
  }

  @Test
  void aQuestionThatRanOutDuringTheRestartIsAskedAnewUnderANewId() {
    submit();
    hear(1, Kind.ATTACHED, Kind.APPROVAL);
    session.world().clock.advance(Settings.EXPIRY); // Nobody is there to notice.
    session.crash(true);
    assertTrue(session.world().await(() -> deciders().equals(List.of("expiry"))));
    hear(2, Kind.ATTACHED, Kind.APPROVAL);
    assertEquals(List.of(AGAIN), open());
  }

  // ---- crashes
  @Test
  @Tag("IL-49")
  void aQuestionThatWasOpenAtACrashIsStillAskedUnderItsId() {
    askAndCrash();
    assertEquals(List.of(FIRST), open());
    hear(2, Kind.ATTACHED, Kind.APPROVAL);
    assertEquals(List.of(FIRST), open());
    assertEquals(TAKEN, allow(FIRST));
    assertTold(2, "decide " + AGAIN + " true");
    assertEquals(new DecisionReply.NotOpen(), allow(FIRST));
  }

  @Test
  @Tag("IL-49")
  void anAnswerGivenWhileNobodyWaitsIsUsedOnceByTheAttemptThatAsksTheSame() {
    askAndCrash();
    assertEquals(KEPT, allow(FIRST));
    assertEquals(List.of(), open());
    assertEquals(new DecisionReply.NotOpen(), session.decide(RUN, FIRST, "", false));
    hear(2, Kind.ATTACHED, Kind.APPROVAL);
    assertTold(2, "decide " + AGAIN + " true");
    assertEquals(List.of("me", "me"), deciders());

    hear(2, new HarnessUpdate.ApprovalRequested("a-3", "execute", "step 1", "rm", "digest 1"));
    assertEquals(List.of("a-3"), open());
  }

  @Test
  void anAnswerIsKeptForTheSameActionOnly() {
    askAndCrash();
    assertEquals(KEPT, allow(FIRST));
    hear(2, Word.of(Kind.ATTACHED), new Word(Kind.APPROVAL, 2));
    assertEquals(List.of(new Word(Kind.APPROVAL, 2).request(RUN, 2)), open());
    assertTold(2);
  }

  @Test
  void aKeptAnswerIsForgottenWhenItsQuestionWouldHaveRunOut() {
    askAndCrash();
    assertEquals(KEPT, allow(FIRST));
    session.elapse(Settings.EXPIRY.toSeconds());
    hear(2, Kind.ATTACHED, Kind.APPROVAL);
    assertEquals(List.of(AGAIN), open());
    assertTold(2);
  }

  @Test
  void anAnswerThatWasHeardBeforeTheCrashIsAskedForAgain() {
    submit();
    hear(1, Kind.ATTACHED, Kind.APPROVAL);
    assertEquals(TAKEN, allow(FIRST));
    session.crash(true);
    hear(2, Kind.ATTACHED, Kind.APPROVAL);
    assertEquals(List.of(AGAIN), open());
    assertTold(2);
  }

  @Test
  void whatTheResumedAttemptDoesNotAskAgainIsClosedWithTheRun() {
    askAndCrash();
    hear(2, Kind.ATTACHED, Kind.COMPLETED);
    assertEquals(List.of("expired"), deciders());
    assertEquals(List.of(), open());
    assertEquals(new DecisionReply.NotOpen(), allow(FIRST));
    var last = session.journal().getLast();
    assertInstanceOf(SessionEvent.RunCompleted.class, last, "the answer comes before the end");
  }

  @Test
  void aDrainDoesNotWaitForAPersonAndTheQuestionGoesOnAfterIt() {
    submit();
    hear(1, Kind.ATTACHED, Kind.APPROVAL);
    session.gate(Gate.State.DRAINING);
    session.noteStop();
    assertTrue(session.world().await(() -> session.state().active().isEmpty()));
    assertEquals(new DecisionReply.Taken(RunStatus.INTERRUPTED, true), allow(FIRST));
    session.crash(true);
    hear(2, Kind.ATTACHED, Kind.APPROVAL);
    assertTold(2, "decide " + AGAIN + " true");
  }

  // ---- the index
  @Test
  void aResetAndAnErasureLeaveNoQuestionOpen() {
    for (var erase : List.of(false, true)) {
      var run = erase ? "r-2" : RUN;
      assertInstanceOf(Receipt.Accepted.class, session.submit(run, List.of()));
      assertTrue(session.world().await(() -> session.world().harness.attempt(run, 1).isPresent()));
      session.world().harness.attempt(run, 1).orElseThrow()
          .updates().accept(Word.of(Kind.APPROVAL).update(run, 1));
      assertTrue(session.world().await(() -> open().size() == 1));
      session.clear(erase);
      assertEquals(List.of(), open());
    }
    var erased = Word.of(Kind.APPROVAL).request("r-2", 1);
    assertTrue(session.world().await(() -> session.index(Rows.APPROVAL, erased).isEmpty()), "it was erased");
  }
}
