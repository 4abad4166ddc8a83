package dev.portcullis.harness.acp;

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
import dev.portcullis.harness.Harness.Attempt;
import dev.portcullis.harness.Harness.Recovery;
import dev.portcullis.harness.Harness.Registration;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.ProcessIdentity;
import dev.portcullis.harness.SimulatedAgents;
import dev.portcullis.harness.Simulator;
import dev.portcullis.harness.Updates;
import dev.portcullis.protocol.Image;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.Need;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AcpHarnessTest extends SimulatedAgents {

  private final List<HarnessFault> losses = new CopyOnWriteArrayList<>();

  private Harness harness() {
    return harness(4, Map.of());
  }

  private Harness harness(int processes, Map<String, String> env) {
    return harness(Simulator.java(), Simulator.arguments("acp"), processes, env);
  }

  private Harness harness(String command, List<String> args, int processes, Map<String, String> env) {
    var program = program(command, args, env, processes, Duration.ofSeconds(15));
    var harness = AcpHarness.create(new HarnessConfig.Acp(program), launcher, workspace, Clock.systemUTC());
    harness.onLost(losses::add);
    return closing(harness);
  }

  private AttemptSpec spec(String conversation, String message) {
    return new AttemptSpec(conversation, "run", 1, workspace, message, List.of(), "",
        new Interruption.None());
  }

  private AttemptSpec resuming(String session, String message) {
    return new AttemptSpec("c", "run", 2, workspace, message, List.of(new Message("user", "earlier words")),
        session,
        new Interruption.Cut("crash", List.of("step one"), List.of("step two")));
  }

  private static Registration probe(Harness harness) throws Exception {
    return harness.probe().toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  private static Code probeFails(Harness harness) {
    var failure = assertThrows(ExecutionException.class, () -> probe(harness));
    return HarnessFault.in(failure.getCause()).code();
  }

  private static Updates run(Harness harness, AttemptSpec spec) {
    var updates = new Updates();
    harness.start(spec, updates);
    updates.awaitEnd();
    return updates;
  }

  @Test
  void anAgentThatSeesImagesIsShownThem() throws Exception {
    var harness = harness(1, Map.of("SIM_CAPABILITIES", "resume image"));
    assertEquals(Set.of(Need.IMAGES), probe(harness).takes());
    var image = new Image("image/png", 8, "iVBORw0KGgo=");
    var updates = run(harness, new AttemptSpec("c", "run", 1, workspace, "[[sim history]]", List.of(), "",
        new Interruption.None(), Input.of(List.of(image))));
    assertTrue(updates.text().contains("<image/png iVBORw0KGgo=>[[sim history]]"), updates::text);
  }

  private static ProcessIdentity process(Updates updates) {
    return updates.await(HarnessUpdate.Attached.class).processes().getFirst();
  }

  private static boolean alive(long pid) {
    try {
      var stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      return stat.charAt(stat.lastIndexOf(')') + 2) != 'Z'; // What only waits to be reaped does not count.
    } catch (IOException e) {
      return false;
    }
  }

  private static String commandLine(long pid) {
    try {
      return Files.readString(Path.of("/proc/" + pid + "/cmdline"));
    } catch (IOException e) {
      return "";
    }
  }

  private static void kill(long pid) {
    ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    Eventually.isTrue("it is dead", () -> !alive(pid));
  }

  private static HarnessFault failure(Updates updates) {
    return assertInstanceOf(HarnessUpdate.Failed.class, updates.awaitEnd()).fault();
  }

  // ---- proving
  @Test
  void aProbeLearnsVersionAndRecoveryAndTheProcessServesTheFirstConversation() throws Exception {
    var harness = harness();
    assertEquals(new Registration("7.1", Recovery.NATIVE), probe(harness));
    var began = System.nanoTime();
    var updates = run(harness, spec("c", "hello"));
    assertEquals("heard: hello", updates.text());
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.awaitEnd());
    assertEquals(List.of(new HarnessUpdate.Usage(30, 4)), updates.all(HarnessUpdate.Usage.class));
    assertTrue(Duration.ofNanos(System.nanoTime() - began).toMillis() < 2_000);
  }

  @Test
  @Tag("INV-B7")
  void aMissingCommandIsNotFoundAtOnceAndNamed() {
    var harness = harness("no-such-agent", List.of(), 1, Map.of());
    var stage = harness.probe().toCompletableFuture();
    assertTrue(stage.isCompletedExceptionally());
    var fault = HarnessFault.in(assertThrows(CompletionException.class, stage::join));
    assertEquals(Code.NOT_FOUND, fault.code());
    assertTrue(fault.getMessage().contains("no-such-agent"));
  }

  @Test
  void anotherProtocolVersionIsAWrongVersion() {
    assertEquals(Code.WRONG_VERSION, probeFails(harness(1, Map.of("SIM_PROTOCOL", "2"))));
  }

  @Test
  void anAgentThatStartsTooSlowlyIsATimeout() throws Exception {
    var config = new HarnessConfig.Acp(new HarnessConfig.Program("sim", Simulator.java(), Simulator.arguments("acp"),
        Map.of("SIM_STORE", store.toString(), "SIM_DELAY_MS", "60000"), 1, Duration.ofMinutes(5),
            Duration.ofSeconds(1)));
    var harness = AcpHarness.create(config, launcher, workspace, Clock.systemUTC());
    harnesses.add(harness);
    assertEquals(Code.TIMEOUT, probeFails(harness));
  }

  @Test
  void aProgramThatIsNoAgentIsLost() {
    assertEquals(Code.LOST, probeFails(harness("/bin/true", List.of(), 1, Map.of())));
  }

  @Test
  @Tag("INV-B5")
  void theDeathOfTheStandbyIsALossAndTheNextDispatchStartsAnother() throws Exception {
    var harness = harness();
    probe(harness);
    var standby = ProcessHandle.current().children()
        .filter(child -> commandLine(child.pid()).contains("Simulator"))
        .toList();
    assertEquals(1, standby.size());
    kill(standby.getFirst().pid());
    assertEquals("heard: hello", run(harness, spec("c", "hello")).text());
    Eventually.isTrue("the loss is told", () -> losses.size() == 1);
    assertEquals(Code.LOST, losses.getFirst().code());
    assertEquals("7.1", probe(harness).version());
  }

  @Test
  void theDisappearanceOfTheProgramIsALossWithinTwoSeconds(@TempDir Path bin) throws Exception {
    var script = bin.resolve("agent");
    Files.writeString(script, "#!/bin/sh\nexec " + Simulator.java() + " \"$@\"\n");
    assertTrue(script.toFile().setExecutable(true));
    var harness = harness(script.toString(), Simulator.arguments("acp"), 2, Map.of());
    probe(harness);
    var gone = System.nanoTime();
    Files.delete(script);
    Eventually.isTrue("the loss is told", () -> losses.size() == 1);
    assertTrue(Duration.ofNanos(System.nanoTime() - gone).toMillis() < 2_500);
    assertEquals(Code.NOT_FOUND, losses.getFirst().code());
    assertEquals(Code.NOT_FOUND, probeFails(harness));
  }

  @Test
  @Tag("INV-B5")
  void anIdleProcessIsClosedWithoutALossAndTheNextTurnStartsAnother() throws Exception {
    var config = new HarnessConfig.Acp(new HarnessConfig.Program("sim", Simulator.java(), Simulator.arguments("acp"),
        Map.of("SIM_STORE", store.toString()), 1, Duration.ofMillis(200), Duration.ofSeconds(15)));
    var harness = AcpHarness.create(config, launcher, workspace, Clock.systemUTC());
    harness.onLost(losses::add);
    harnesses.add(harness);
    probe(harness);
    var first = run(harness, spec("c", "one"));
    Eventually.isTrue("the idle process is gone", () -> !alive(process(first).pid()));
    assertEquals("heard: two", run(harness, spec("c", "two")).text());
    assertEquals(List.of(), losses);
  }

  // ---- turns
  @Test
  void aConversationKeepsItsProcessAndItsSession() {
    var harness = harness();
    var first = run(harness, spec("c", "one"));
    var session = first.await(HarnessUpdate.Attached.class).nativeSession();
    var second = run(harness, new AttemptSpec("c", "run2", 1, workspace, "[[sim history]]",
        List.of(new Message("user", "one")), session, new Interruption.None()));
    assertEquals(process(first), process(second));
    assertEquals("one;[[sim history]]", second.text());
  }

  @Test
  void eachConversationHasAProcessOfItsOwnInItsWorkspace(@TempDir Path other) throws Exception {
    var harness = harness();
    var first = run(harness, spec("c1", "[[sim pwd]]"));
    var second = run(harness, new AttemptSpec(
        "c2", "run", 1, other, "[[sim pwd]]", List.of(), "", new Interruption.None()));
    assertNotEquals(process(first), process(second));
    assertEquals(workspace.toRealPath().toString(), first.text());
    assertEquals(other.toRealPath().toString(), second.text());
  }

  @Test
  void manyUpdatesArriveInOrder() {
    var text = run(harness(), spec("c", "[[sim stream 3000]]")).text();
    assertTrue(text.startsWith("w0 w1 w2 ") && text.endsWith("w2999 "));
  }

  @Test
  void toolCallsBecomeStepsThatBeginAndEndOnce() {
    var updates = run(harness(), spec("c", "[[sim tool]]"));
    var begun = updates.all(HarnessUpdate.StepStarted.class);
    assertEquals(List.of("echo hi", "lost", "open"), begun.stream().map(HarnessUpdate.StepStarted::title)
        .toList());
    assertEquals("execute", begun.getFirst().kind());
    assertEquals(64, begun.getFirst().inputDigest().length());
    assertEquals(List.of(new HarnessUpdate.StepFinished("c1", true),
        new HarnessUpdate.StepFinished("never-announced", false),
        new HarnessUpdate.StepFinished("never-ended", false)), updates.all(HarnessUpdate.StepFinished.class));
  }

  @Test
  void anAllowedPermissionChoosesOnceAndBeginsTheStep() {
    var updates = new Updates();
    var attempt = harness().start(spec("c", "[[sim permission]]"), updates);
    var asked = updates.await(HarnessUpdate.ApprovalRequested.class);
    assertEquals("rm x", asked.title());
    assertEquals("{\"command\":\"rm x\"}", asked.input());
    assertTrue(updates.all(HarnessUpdate.StepStarted.class).isEmpty());
    attempt.decide("unknown", asked.digest(), true);
    attempt.decide(asked.approvalId(), asked.digest(), true);
    updates.awaitEnd();
    assertEquals("chosen y1", updates.text());
    assertEquals(List.of(new HarnessUpdate.StepFinished("c2", true)),
        updates.all(HarnessUpdate.StepFinished.class));
  }

  @Test
  void aDeniedPermissionChoosesRejectOnce() {
    var updates = new Updates();
    var attempt = harness().start(spec("c", "[[sim permission]]"), updates);
    attempt.decide(updates.await(HarnessUpdate.ApprovalRequested.class).approvalId(), "", false);
    updates.awaitEnd();
    assertEquals("chosen n1", updates.text());
    assertEquals(List.of(new HarnessUpdate.StepFinished("c2", false)),
        updates.all(HarnessUpdate.StepFinished.class));
  }

  @Test
  void garbageOnTheOutputDoesNotEndTheTurn() {
    assertEquals("after garbage", run(harness(), spec("c", "[[sim garbage]]")).text());
  }

  @Test
  void updatesAfterTheEndOrOfAnotherSessionAreDropped() {
    var harness = harness();
    var first = run(harness, spec("c", "[[sim late]]"));
    // A whole turn later nothing has been added to the first.
    var second = run(harness, spec("c", "[[sim late]]"));
    assertEquals("", first.text() + second.text());
  }

  @Test
  @Tag("INV-B7")
  void errorsBecomeTypedFaults() {
    var harness = harness();
    var authentication = failure(run(harness, spec("c", "[[sim error -32000]]")));
    assertEquals(Code.AUTHENTICATION, authentication.code());
    assertTrue(authentication.getMessage().contains("Run `sim login`"));
    assertEquals(Code.UPSTREAM, failure(run(harness, spec("c", "[[sim error 500]]"))).code());
  }

  // ---- aborts, deaths, stops
  @Test
  void anAbortCancelsTheTurnAndKeepsTheProcess() {
    var harness = harness();
    var updates = new Updates();
    var attempt = harness.start(spec("c", "[[sim hang]]"), updates);
    updates.awaitText("hanging");
    attempt.abort(Duration.ofSeconds(10));
    attempt.abort(Duration.ofSeconds(10));
    assertEquals(new HarnessUpdate.Aborted(), updates.awaitEnd());
    assertEquals(process(updates), process(run(harness, spec("c", "again"))));
  }

  @Test
  @Tag("INV-H4")
  void anAgentThatDoesNotListenIsKilledWithinTheGrace() {
    var updates = new Updates();
    var began = System.nanoTime();
    var attempt = harness("/bin/sh", shell("trap '' TERM; "), 1, Map.of())
        .start(spec("c", "[[sim deaf]]"), updates);
    updates.awaitText("deaf");
    began = System.nanoTime();
    attempt.abort(Duration.ofSeconds(1));
    assertEquals(new HarnessUpdate.Aborted(), updates.awaitEnd());
    assertFalse(alive(process(updates).pid()), "the end was told before it was gone");
    assertTrue(Duration.ofNanos(System.nanoTime() - began).toMillis() < 3_000);
  }

  private static List<String> shell(String before) {
    var all = new ArrayList<>(List.of("-c", before + "exec \"$0\" \"$@\"", Simulator.java()));
    all.addAll(Simulator.arguments("acp"));
    return all;
  }

  @Test
  @Tag("INV-B5")
  void aProcessThatDiesInATurnFailsItWithinASecondAndTheNextTurnStartsAnother() {
    var harness = harness();
    var updates = new Updates();
    harness.start(spec("c", "[[sim die]]"), updates);
    updates.awaitText("dying");
    var dying = System.nanoTime();
    var fault = failure(updates);
    assertTrue(Duration.ofNanos(System.nanoTime() - dying).toMillis() < 1_000);
    assertEquals(Code.LOST, fault.code());
    assertFalse(fault.getMessage().contains("secret-in-stderr"));
    assertEquals("heard: again", run(harness, spec("c", "again")).text());
  }

  @Test
  void halfALineAndTheEndOfOutputIsALoss() {
    assertEquals(Code.LOST, failure(run(harness(), spec("c", "[[sim half]]"))).code());
  }

  @Test
  @Tag("INV-H4")
  void aStopLeavesNoProcessNotEvenADaemonOfTheAgent() throws Exception {
    var updates = new Updates();
    var attempt = harness().start(spec("c", "[[sim daemon]]"), updates);
    var daemon = Long.parseLong(updates.awaitText("daemon ").substring("daemon ".length()));
    assertTrue(alive(daemon));
    attempt.stop(Duration.ofSeconds(5)).toCompletableFuture().get(20, TimeUnit.SECONDS);
    assertFalse(alive(daemon));
    assertFalse(alive(process(updates).pid()));
    assertFalse(updates.ended());
  }

  @Test
  void attemptsBeyondTheNumberOfProcessesWaitInOrder() {
    var harness = harness(1, Map.of());
    var first = new Updates();
    var attempt = harness.start(spec("c1", "[[sim hang]]"), first);
    first.awaitText("hanging");
    var second = new Updates();
    var third = new Updates();
    var order = new CopyOnWriteArrayList<String>();
    harness.start(spec("c2", "two"), update -> {
      order.add("two");
      second.accept(update);
    });
    var given = harness.start(spec("c4", "never"), third);
    harness.start(spec("c3", "three"), _ -> order.add("three"));
    given.abort(Duration.ofSeconds(1));
    assertEquals(new HarnessUpdate.Aborted(), third.awaitEnd());
    attempt.abort(Duration.ofSeconds(5));
    second.awaitEnd();
    Eventually.isTrue("the third runs", () -> order.contains("three"));
    assertTrue(order.lastIndexOf("two") < order.indexOf("three"));
  }

  @Test
  void closingFailsWhatRunsAndLeavesNothing() throws Exception {
    var harness = harness();
    var updates = new Updates();
    Attempt attempt = harness.start(spec("c", "[[sim hang]]"), updates);
    updates.awaitText("hanging");
    harness.close(Duration.ofSeconds(4)).toCompletableFuture().get(20, TimeUnit.SECONDS);
    assertEquals(Code.LOST, failure(updates).code());
    attempt.abort(Duration.ofSeconds(1));
    assertFalse(alive(process(updates).pid()));
    assertEquals(Code.LOST, failure(run(harness, spec("d", "x"))).code());
  }

  // ---- resuming
  @Test
  void aLostProcessIsResumedInTheAgentsOwnSessionWithANote() throws Exception {
    var harness = harness();
    var first = run(harness, spec("c", "first"));
    var session = first.await(HarnessUpdate.Attached.class).nativeSession();
    kill(process(first).pid());
    var second = run(harness, resuming(session, "go on [[sim history]]"));
    assertEquals(session, second.await(HarnessUpdate.Attached.class).nativeSession());
    assertTrue(second.text().startsWith("first;Note from the gateway"), second.text());
    assertTrue(second.text().contains("- step one") && second.text().contains("- step two"));
    assertFalse(second.text().contains("earlier words"));
  }

  @Test
  void whatALoadTellsAgainIsNotPartOfTheAnswer() {
    var harness = harness(4, Map.of("SIM_CAPABILITIES", "load"));
    var first = run(harness, spec("c", "first"));
    var session = first.await(HarnessUpdate.Attached.class).nativeSession();
    var stopped = new CompletableFuture<Void>();
    var updates = new Updates();
    var attempt = harness.start(spec("c", "[[sim hang]]"), updates);
    updates.awaitText("hanging");
    attempt.stop(Duration.ofSeconds(2)).thenRun(() -> stopped.complete(null));
    stopped.join();
    assertTrue(run(harness, resuming(session, "[[sim history]]")).text().startsWith("first;Note"));
  }

  @Test
  void anUnknownSessionIsReplacedByANewOneThatIsToldTheConversation() {
    var updates = run(harness(), resuming("forgotten", "go on [[sim history]]"));
    assertNotEquals("forgotten", updates.await(HarnessUpdate.Attached.class).nativeSession());
    assertTrue(updates.text().contains("earlier words"), updates.text());
  }

  @Test
  void aYoungSessionOfAnAgentWhoseLoadDestroysIsNotLoaded() {
    var env = Map.of("SIM_CAPABILITIES", "load", "SIM_NAME", "gemini-cli");
    var session = run(harness(4, env), spec("c", "first")).await(HarnessUpdate.Attached.class)
        .nativeSession();
    var updates = run(harness(4, env), resuming(session, "[[sim history]]"));
    assertNotEquals(session, updates.await(HarnessUpdate.Attached.class).nativeSession());
    assertTrue(updates.text().contains("earlier words"));
  }
}
