package dev.portcullis.harness.codex;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.AttemptSpec.Interruption;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.Harness.Attempt;
import dev.portcullis.harness.Harness.Recovery;
import dev.portcullis.harness.Harness.Registration;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.Simulator;
import dev.portcullis.harness.Updates;
import dev.portcullis.harness.process.ProcessLauncher;
import dev.portcullis.harness.process.Reaper;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.Need;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The protocol with a simulated Codex, which misbehaves on demand. What the real one does: RealCodexTest. */
class CodexHarnessTest {
  private static final String INSTANCE = "simcodex" + ProcessHandle.current().pid();

  @TempDir static Path store;
  @TempDir static Path workspace;
  private static Harness harness;

  @BeforeAll
  static void start() {
    assumeTrue(Files.isDirectory(Path.of("/proc/self")), "needs /proc");
    var program = new HarnessConfig.Program("codex", Simulator.java(), Simulator.arguments("codex"),
        Map.of("SIM_STORE", store.toString(), "SIM_LEDGER", store.resolve("ledger").toString()), 4,
        Duration.ofMinutes(5), Duration.ofSeconds(30));
    harness = CodexHarness.create(new HarnessConfig.Codex(program, "", "workspace-write", "untrusted", ""),
        ProcessLauncher.create(INSTANCE, 1), workspace);
  }

  @AfterAll
  static void leaveNothing() throws Exception {
    if (harness != null) {
      harness.close(Duration.ofSeconds(2)).toCompletableFuture().get(30, TimeUnit.SECONDS);
      assertEquals(0, new Reaper(INSTANCE, 2).reap(List.of()), "processes left by the harness");
    }
  }

  private record Live(Attempt attempt, Updates updates) {
    String session() {
      return updates.await(HarnessUpdate.Attached.class).nativeSession();
    }
  }

  /** All in one conversation, so that one process serves most tests. */
  private static Live say(String message, String session, Message... transcript) {
    var updates = new Updates();
    return new Live(harness.start(new AttemptSpec("c", "run", 1, workspace, message, List.of(transcript),
        session, new Interruption.None()), updates), updates);
  }

  private static Live say(String message) {
    return say(message, "");
  }

  private static Code failed(Live turn) {
    return assertInstanceOf(HarnessUpdate.Failed.class, turn.updates().awaitEnd()).fault().code();
  }

  @Test
  void aProbeTellsVersionRecoveryAndThatTurnsCanBeSteered() throws Exception {
    assertEquals(new Registration("0.169.0", Recovery.NATIVE, true, Set.of(Need.IMAGES)),
        harness.probe().toCompletableFuture().get(30, TimeUnit.SECONDS));
  }

  @Test
  void aTurnIsAnswered() {
    var turn = say("[[sim say hello there]]");
    assertEquals(new HarnessUpdate.Completed("completed"), turn.updates().awaitEnd());
    assertEquals("hello there", turn.updates().text());
  }

  @Test
  @Tag("INV-R9")
  void whatComesForAnotherTurnOrTooLateIsDropped() {
    var turn = say("[[sim foreign; say mine; late]]");
    assertEquals(new HarnessUpdate.Completed("completed"), turn.updates().awaitEnd());
    assertEquals("mine", turn.updates().text());
    var next = say("[[sim say next]]", turn.session());
    next.updates().awaitEnd();
    assertEquals("next", next.updates().text());
  }

  @Test
  void anEndThatIsToldTwiceIsOne() {
    var turn = say("[[sim twice]]");
    assertEquals(new HarnessUpdate.Completed("completed"), turn.updates().awaitEnd());
    var next = say("[[sim say next]]", turn.session());
    assertEquals(new HarnessUpdate.Completed("completed"), next.updates().awaitEnd());
    assertEquals("next", next.updates().text());
  }

  @Test
  void aRequestThatWeDoNotKnowIsRefused() {
    var turn = say("[[sim fs]]");
    turn.updates().awaitEnd();
    assertEquals("code -32601", turn.updates().text());
  }

  @Test
  void aDeniedCommandIsToldToTheAgentAndTheTurnGoesOn() {
    var turn = say("[[sim permission]]");
    var asked = turn.updates().await(HarnessUpdate.ApprovalRequested.class);
    turn.attempt().decide(asked.approvalId(), asked.digest(), false);
    assertEquals(new HarnessUpdate.Completed("completed"), turn.updates().awaitEnd());
    assertEquals("chosen decline", turn.updates().text());
  }

  @Test
  @Tag("SEC-25")
  void anApprovalOfSomethingElseIsNone() {
    var turn = say("[[sim permission]]");
    var asked = turn.updates().await(HarnessUpdate.ApprovalRequested.class);
    turn.attempt().decide(asked.approvalId(), "another digest", true);
    turn.updates().awaitEnd();
    assertEquals("chosen decline", turn.updates().text());
  }

  @Test
  void anAbortThatFindsAQuestionOpenCancelsIt() {
    var turn = say("[[sim permission]]");
    turn.updates().await(HarnessUpdate.ApprovalRequested.class);
    turn.attempt().abort(Duration.ofSeconds(10));
    assertEquals(new HarnessUpdate.Aborted(), turn.updates().awaitEnd());
    assertEquals("chosen cancel", turn.updates().text());
  }

  @Test
  @Tag("INV-R10")
  void aCommandThatNeverEndsEndsWithItsTurnAndItsProcess() {
    var turn = say("[[sim tool; sleep 400]]");
    assertEquals(new HarnessUpdate.Completed("completed"), turn.updates().awaitEnd());
    assertEquals(List.of(true, false), turn.updates().all(HarnessUpdate.StepFinished.class).stream()
        .map(HarnessUpdate.StepFinished::succeeded).toList());
    var process = turn.updates().await(HarnessUpdate.Attached.class).processes().getFirst();
    assertFalse(ProcessHandle.of(process.pid()).map(ProcessHandle::isAlive).orElse(false));
    var next = say("[[sim say on]]", turn.session());
    next.updates().awaitEnd();
    assertEquals(turn.session(), next.session());
  }

  @Test
  void anErrorOfTheModelEndsTheTurnAndNotTheProcess() {
    var turn = say("[[sim error 429]]");
    assertEquals(Code.RATE_LIMITED, failed(turn));
    var next = say("[[sim say on]]", turn.session());
    next.updates().awaitEnd();
    assertEquals(turn.updates().await(HarnessUpdate.Attached.class).processes(),
        next.updates().await(HarnessUpdate.Attached.class).processes());
  }

  @Test
  void aProcessThatDiesInTheMiddleIsALossAndTheThreadGoesOnInTheNext() {
    var turn = say("[[sim die]]");
    assertEquals(Code.LOST, failed(turn));
    var next = say("[[sim say back]]", turn.session());
    assertEquals(new HarnessUpdate.Completed("completed"), next.updates().awaitEnd());
    assertEquals(turn.session(), next.session());
  }

  @Test
  void aThreadThatIsUnknownIsReplacedByOneThatGetsTheTranscript() {
    var turn = say("[[sim history]]", "no-such-thread", new Message("user", "the word is mango"));
    turn.updates().awaitEnd();
    assertNotEquals("no-such-thread", turn.session());
    assertTrue(turn.updates().text().contains("the word is mango"), turn.updates().text());
  }

  @Test
  void aTurnThatIsNotSteeredBecauseCodexWillNotIsSaidSo() throws Exception {
    var turn = say("[[sim say one; hang]]");
    turn.updates().awaitText("hanging");
    // The simulated Codex knows no turn/steer, as one that is compacting its thread refuses it.
    assertFalse(turn.attempt().steer("two").toCompletableFuture().get(20, TimeUnit.SECONDS));
    turn.attempt().abort(Duration.ofSeconds(10));
    assertEquals(new HarnessUpdate.Aborted(), turn.updates().awaitEnd());
  }

  @Test
  @Tag("SEC-44")
  void linesThatAreNoMessagesChangeNothing() {
    var turn = say("[[sim garbage; say fine]]");
    assertEquals(new HarnessUpdate.Completed("completed"), turn.updates().awaitEnd());
    assertTrue(turn.updates().text().endsWith("fine"), turn.updates().text());
  }
}
