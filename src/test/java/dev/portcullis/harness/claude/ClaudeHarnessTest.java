package dev.portcullis.harness.claude;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.AttemptSpec.Interruption;
import dev.portcullis.harness.Eventually;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.Harness.Recovery;
import dev.portcullis.harness.Harness.Registration;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.SimulatedAgents;
import dev.portcullis.harness.Simulator;
import dev.portcullis.harness.Updates;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.Need;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a well-behaved Claude Code never does, and which process is started for what. */
class ClaudeHarnessTest extends SimulatedAgents {
  private static final String UNKNOWN = "9978d80a-3754-415c-9f9c-f8be6b08d196";


  private Harness harness() {
    return harness(Simulator.java(), Simulator.arguments("claude"), Map.of());
  }

  private Harness harness(String command, List<String> args, Map<String, String> env) {
    var program = program(command, args, env, 2, Duration.ofSeconds(15));
    var harness = ClaudeHarness.create(new HarnessConfig.ClaudeCode(program, "opus", "plan", "", List.of("user"),
        HarnessConfig.ClaudeCode.OLDEST_VERSION), launcher, workspace);
    return closing(harness);
  }

  private AttemptSpec spec(String session, String message) {
    return new AttemptSpec("c", "run", 1, workspace, message, List.of(new Message("user", "earlier words")),
        session, new Interruption.None());
  }

  private Updates run(Harness harness, String session, String message) {
    var updates = new Updates();
    harness.start(spec(session, message), updates);
    updates.awaitEnd();
    return updates;
  }

  private static Registration probe(Harness harness) throws Exception {
    return harness.probe().toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  private static HarnessFault probeFails(Harness harness) {
    var failure = assertThrows(ExecutionException.class, () -> probe(harness));
    return HarnessFault.in(failure.getCause());
  }

  private static long process(Updates updates) {
    return updates.await(HarnessUpdate.Attached.class).processes().getFirst().pid();
  }

  private static String session(Updates updates) {
    return updates.await(HarnessUpdate.Attached.class).nativeSession();
  }

  private static List<String> arguments(Updates updates) throws IOException {
    return List.of(Files.readString(Path.of("/proc", Long.toString(process(updates)), "cmdline")).split("\0"));
  }

  private static Code failure(Updates updates) {
    return assertInstanceOf(HarnessUpdate.Failed.class, updates.awaitEnd()).fault().code();
  }

  // ---- proving

  @Test
  void aProbeTellsTheVersionAndItsProcessServesANewConversation() throws Exception {
    var harness = harness();
    assertEquals(new Registration("2.1.197", Recovery.NATIVE, false, Set.of(Need.IMAGES)), probe(harness));
    var updates = run(harness, "", "[[sim say hello]]");
    assertEquals("hello", updates.text());
    assertEquals(List.of(new HarnessUpdate.Usage(30, 4, 0, 1_000)), updates.all(HarnessUpdate.Usage.class));
    var args = arguments(updates);
    assertEquals(List.of("-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose",
        "--include-partial-messages", "--permission-prompt-tool", "stdio", "--setting-sources", "user",
        "--session-id", session(updates), "--model", "opus", "--permission-mode", "plan"),
        args.subList(args.indexOf("-p"), args.size()));
  }

  @Test
  @Tag("SEC-42")
  void aVersionThatTrustsEveryWorkspaceIsNotRegistered() {
    var fault = probeFails(harness(
        Simulator.java(), Simulator.arguments("claude"), Map.of("SIM_VERSION", "2.1.128")));
    assertEquals(Code.WRONG_VERSION, fault.code());
    assertTrue(fault.getMessage().contains("is 2.1.128 and has to be at least 2.1.129"), fault.getMessage());
  }

  @Test
  void aProgramThatIsNotClaudeCodeIsAWrongVersion() {
    assertEquals(Code.WRONG_VERSION, probeFails(harness("/bin/true", List.of(), Map.of())).code());
  }

  // ---- sessions

  @Test
  void aConversationThatGoesOnIsNeverGivenTheStandby() throws Exception {
    var first = run(harness(), "", "[[sim say one]] first");
    harnesses.removeFirst().close(Duration.ofSeconds(2)).toCompletableFuture().get(30, TimeUnit.SECONDS);

    var harness = harness();
    probe(harness);
    var second = run(harness, session(first), "[[sim history]]");
    assertTrue(second.text().endsWith("[[sim say one]] first;[[sim history]]"), second.text());
    assertEquals(session(first), session(second));
    var args = arguments(second);
    assertEquals(session(first), args.get(args.indexOf("--resume") + 1));

    var third = run(harness, session(first), "[[sim history]]");
    assertEquals(process(second), process(third), "its own process serves it on");
  }

  @Test
  void aSessionThatIsUnknownIsReplacedInTheSameAttempt() {
    var updates = run(harness(), UNKNOWN, "[[sim history]]");
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.awaitEnd());
    assertEquals(1, updates.all(HarnessUpdate.Attached.class).size());
    assertNotEquals(UNKNOWN, session(updates));
    assertTrue(updates.text().contains("earlier words"), updates.text());
  }

  @ParameterizedTest
  @ValueSource(strings = {"--dangerously-skip-permissions", "../../etc/passwd"})
  @Tag("SEC-40")
  void anIdThatIsNoneNeverBecomesAnArgument(String session) throws Exception {
    var updates = run(harness(), session, "[[sim history]]");
    assertFalse(arguments(updates).contains(session));
    assertFalse(arguments(updates).contains("--resume"));
    assertTrue(updates.text().contains("earlier words"), updates.text());
  }

  // ---- turns

  @Test
  void aQuestionIsAnsweredAndTheStepBegins() {
    var updates = new Updates();
    var attempt = harness().start(spec("", "[[sim permission]]"), updates);
    var asked = updates.await(HarnessUpdate.ApprovalRequested.class);
    assertEquals("{\"command\":\"rm x\"}", asked.input());
    assertEquals(List.of(), updates.all(HarnessUpdate.StepStarted.class));
    attempt.decide(asked.approvalId(), asked.digest(), true);
    updates.awaitEnd();
    assertEquals("chosen y", updates.text());
    assertEquals(List.of(new HarnessUpdate.StepFinished("toolu_9", true)),
        updates.all(HarnessUpdate.StepFinished.class));
  }

  @Test
  void aRequestThatWasNeverOfferedIsRefused() {
    assertEquals("code 1", run(harness(), "", "[[sim fs]]").text());
  }

  @Test
  void linesOfAnotherSessionAndLateOnesAreDropped() {
    var harness = harness();
    var first = run(harness, "", "[[sim late]]");
    var second = run(harness, session(first), "[[sim say next]]");
    assertEquals("next", first.text() + second.text());
  }

  @Test
  @Tag("SEC-44")
  void dirtDoesNotEndATurn() {
    var updates = run(harness(), "", "[[sim garbage; utf8; nul; fuzz 300 7; say clean]]");
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.awaitEnd());
    assertTrue(updates.text().endsWith("clean"), updates.text());
  }

  // ---- ends

  @Test
  void anAbortKeepsAnIdleProcess() {
    var harness = harness();
    var updates = new Updates();
    var attempt = harness.start(spec("", "[[sim hang]]"), updates);
    updates.awaitText("hanging");
    attempt.abort(Duration.ofSeconds(10));
    assertEquals(new HarnessUpdate.Aborted(), updates.awaitEnd());
    assertEquals(process(updates), process(run(harness, session(updates), "again")));
  }

  @Test
  void aProcessThatDiesFailsTheTurn() {
    assertEquals(Code.LOST, failure(run(harness(), "", "[[sim die]]")));
  }

  @Test
  @Tag("INV-H4")
  void aStopLeavesNoProcessNotEvenADaemonOfTheAgent() throws Exception {
    var updates = new Updates();
    var attempt = harness().start(spec("", "[[sim daemon]]"), updates);
    var daemon = updates.awaitText("daemon ").substring("daemon ".length());
    attempt.stop(Duration.ofSeconds(5)).toCompletableFuture().get(20, TimeUnit.SECONDS);
    Eventually.isTrue("it is gone", () -> !Files.exists(Path.of("/proc", daemon, "exe")));
    assertFalse(updates.ended());
  }
}
