package dev.portcullis.harness.acp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.AttemptSpec.Interruption;
import dev.portcullis.harness.Eventually;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.SimulatedAgents;
import dev.portcullis.harness.Simulator;
import dev.portcullis.harness.Updates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the settings of an ACP harness do, and what its agent may have us do. */
class AcpSettingsTest extends SimulatedAgents {
  private static final Duration GRACE = Duration.ofSeconds(5);


  private HarnessConfig.Program program(Map<String, String> env) {
    return program(Simulator.java(), Simulator.arguments("acp"), env, 2, Duration.ofSeconds(15));
  }

  private Harness harness(HarnessConfig.Acp config) {
    var harness = AcpHarness.create(config, launcher, workspace, Clock.systemUTC());
    return closing(harness);
  }

  private Harness serving(boolean files, boolean terminals) {
    return harness(new HarnessConfig.Acp(program(Map.of()), "", "", "", files, terminals));
  }

  private Harness choosing(String how, String model, String mode) {
    return harness(new HarnessConfig.Acp(
        program(Map.of("SIM_CHOICES", how)), "", model, mode, false, false));
  }

  private AttemptSpec spec(String session, String message) {
    return new AttemptSpec(
        "c", "run", 1, workspace, message, List.of(), session, new Interruption.None());
  }

  private Updates run(Harness harness, String message) {
    return run(harness, "", message);
  }

  private Updates run(Harness harness, String session, String message) {
    var updates = new Updates();
    harness.start(spec(session, message), updates);
    updates.awaitEnd();
    return updates;
  }

  private static HarnessFault fault(Updates updates) {
    return assertInstanceOf(HarnessUpdate.Failed.class, updates.awaitEnd()).fault();
  }

  private static long process(Updates updates) {
    return updates.await(HarnessUpdate.Attached.class).processes().getFirst().pid();
  }

  // ---- signing in

  @Test
  void withoutAuthMethodTheAgentsOwnHintIsPassedOn() {
    var fault = fault(run(harness(new HarnessConfig.Acp(program(Map.of("SIM_LOGIN", "login")))), "hello"));
    assertEquals(Code.AUTHENTICATION, fault.code());
    assertTrue(fault.getMessage().contains("Run `sim login` (login)"), fault::getMessage);
  }

  @Test
  void authMethodSignsIn() {
    var config = new HarnessConfig.Acp(program(Map.of("SIM_LOGIN", "login")), "login", "", "", false, false);
    assertEquals("heard: hello", run(harness(config), "hello").text());
  }

  @Test
  void anAuthMethodThatTheAgentDoesNotKnowFailsTheProbeAndSaysWhatItKnows() {
    var config = new HarnessConfig.Acp(program(Map.of("SIM_LOGIN", "login")), "other", "", "", false, false);
    var failure = assertThrows(ExecutionException.class,
        () -> harness(config).probe().toCompletableFuture().get(30, TimeUnit.SECONDS));
    var fault = HarnessFault.in(failure.getCause());
    assertEquals(Code.AUTHENTICATION, fault.code());
    assertTrue(fault.getMessage().contains("other") && fault.getMessage().contains("(login)"), fault::getMessage);
  }

  // ---- model and mode

  @ParameterizedTest
  @CsvSource({"options,session/set_config_option session/set_config_option",
      "older,session/set_model session/set_mode"})
  void modelAndModeAreChosenTheWayTheAgentOffers(String how, String by) {
    var updates = run(choosing(how, "m2", "plan"), "[[sim chosen]]");
    assertEquals("{by=" + by + ", mode=plan, model=m2}", updates.text());
  }

  @Test
  void whatIsSoAlreadyIsNotChosenAgain() {
    assertEquals("{mode=ask, model=m1}", run(choosing("options", "m1", "ask"), "[[sim chosen]]").text());
  }

  @Test
  void aSessionThatIsReopenedGetsModelAndModeAgain() {
    var harness = choosing("older", "m2", "plan");
    var first = run(harness, "hello");
    ProcessHandle.of(process(first)).orElseThrow().destroyForcibly();
    var stat = Path.of("/proc", Long.toString(process(first)), "stat");
    Eventually.isTrue("it is dead", () -> content(stat).contains(") Z "));
    var session = first.await(HarnessUpdate.Attached.class).nativeSession();
    var second = run(harness, session, "[[sim chosen]]");
    assertNotEquals(process(first), process(second));
    assertEquals(session, second.await(HarnessUpdate.Attached.class).nativeSession());
    assertEquals("{by=session/set_model session/set_mode, mode=plan, model=m2}", second.text());
  }

  @ParameterizedTest
  @ValueSource(strings = {"options", "older"})
  void aModelOrModeThatTheAgentDoesNotTakeIsNamedWithThoseItOffers(String how) {
    var model = fault(run(choosing(how, "wrong", ""), "hello"));
    assertEquals(Code.MODEL_NOT_FOUND, model.code());
    assertTrue(model.getMessage().contains("model = wrong"), model::getMessage);
    assertTrue(model.getMessage().endsWith("it offers m1"), model::getMessage);
    var mode = fault(run(choosing(how, "", "wrong"), "hello"));
    assertEquals(Code.NOT_CONFIGURED, mode.code(), mode::toString);
    assertTrue(mode.getMessage().endsWith("it offers ask"), mode::getMessage);
  }

  @Test
  void anAgentThatLetsNobodyChooseFailsATurnThatWantsTo() {
    var fault = fault(run(choosing("", "m2", ""), "hello"));
    assertEquals(Code.NOT_CONFIGURED, fault.code());
    assertTrue(fault.getMessage().contains("model = m2"), fault::getMessage);
  }

  // ---- files and terminals

  @Test
  void whatIsNotSetIsNeitherOfferedNorServed() throws IOException {
    var harness = serving(false, false);
    assertEquals("{\"fs\":{\"readTextFile\":false,\"writeTextFile\":false},\"terminal\":false}",
        run(harness, "[[sim offered]]").text());
    var file = Files.writeString(workspace.resolve("f"), "content");
    assertEquals("code -32601", run(harness, "[[sim read " + file + "]]").text());
    assertEquals("code -32601", run(harness, "[[sim terminal true]]").text());
    var filesOnly = serving(true, false);
    assertEquals("{\"fs\":{\"readTextFile\":true,\"writeTextFile\":true},\"terminal\":false}",
        run(filesOnly, "[[sim offered]]").text());
    assertEquals("code -32601", run(filesOnly, "[[sim terminal true]]").text());
  }

  @Test
  void filesOfTheWorkspaceAreServedAndNoOthers() throws IOException {
    var harness = serving(true, false);
    var file = workspace.resolve("f");
    assertEquals("{}", run(harness, "[[sim write " + file + " content]]").text());
    assertEquals("content", Files.readString(file));
    assertEquals("{\"content\":\"content\"}", run(harness, "[[sim read " + file + "]]").text());
    var outside = Files.writeString(store.resolve("outside"), "secret");
    var link = Files.createSymbolicLink(workspace.resolve("link"), outside);
    assertEquals("code -32602", run(harness, "[[sim read " + outside + "]]").text());
    assertEquals("code -32602", run(harness, "[[sim read " + link + "]]").text());
    assertEquals("code -32602", run(harness, "[[sim write " + link + " x]]").text());
    Files.delete(link);
    assertEquals("secret", Files.readString(outside));
  }

  @Test
  void aCommandIsRunInTheWorkspaceAndItsOutputIsTold() throws IOException {
    var text = run(serving(false, true), "[[sim terminal pwd && exit 3]]").text();
    assertTrue(text.contains("\"exitCode\":3"), text);
    assertTrue(text.contains("\"output\":\"" + workspace.toRealPath() + "\\n\""), text);
  }

  @Test
  @Tag("INV-H4")
  void aCommandThatRunsWhenTheTurnIsAbortedIsGoneWhenItHasEnded() {
    var updates = new Updates();
    var attempt = serving(false, true).start(
        spec("", "[[sim launch echo $$ > pid & setsid sleep 1000 & exec sleep 1000; hang]]"), updates);
    var file = workspace.resolve("pid");
    Eventually.isTrue("it runs", () -> file.toFile().length() > 1);
    var pid = content(file);
    assertTrue(Files.exists(Path.of("/proc", pid)));
    attempt.abort(GRACE);
    assertEquals(new HarnessUpdate.Aborted(), updates.awaitEnd());
    assertTrue(!Files.exists(Path.of("/proc", pid)) || content(Path.of("/proc", pid, "stat")).contains(") Z "));
  }

  @Test
  @Tag("INV-H4")
  void aCommandIsGoneWhenTheTurnHasEndedBecauseTheAgentDied() {
    var updates = new Updates();
    serving(false, true).start(spec("", "[[sim terminal echo $$ > pid; exec sleep 1000]]"), updates);
    var file = workspace.resolve("pid");
    Eventually.isTrue("it runs", () -> file.toFile().length() > 1);
    var command = Path.of("/proc", content(file), "stat");
    var agent = updates.await(HarnessUpdate.Attached.class).processes().getFirst();
    ProcessHandle.of(agent.pid()).orElseThrow().destroyForcibly();
    assertInstanceOf(HarnessUpdate.Failed.class, updates.awaitEnd());
    assertTrue(content(command).contains(") Z "), "the command runs on");
  }

  @Test
  @Tag("INV-H4")
  void whatAnAgentStartedIsGoneWhenItsDeathHasEndedTheTurn() {
    var updates = new Updates();
    serving(false, false).start(spec("", "[[sim daemon]]"), updates);
    var daemon = Path.of("/proc", updates.awaitText("daemon ").substring("daemon ".length()), "stat");
    var agent = updates.await(HarnessUpdate.Attached.class).processes().getFirst();
    ProcessHandle.of(agent.pid()).orElseThrow().destroyForcibly();
    assertInstanceOf(HarnessUpdate.Failed.class, updates.awaitEnd());
    assertTrue(content(daemon).contains(") Z "), "it runs on, and the next attempt may begin elsewhere");
  }

  private static String content(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      return ") Z ";
    }
  }

  // ---- what agents say

  @Test
  void everyKindOfUpdateIsToleratedAndTheCostIsOfTheTurn() {
    var harness = serving(false, false);
    var first = run(harness, "[[sim kinds]]");
    assertEquals("all kinds", first.text());
    assertEquals(List.of(new HarnessUpdate.Unknown("of_next_year")), first.all(HarnessUpdate.Unknown.class));
    assertEquals(250_000, first.await(HarnessUpdate.Usage.class).costMicros());
    var second = run(harness, first.await(HarnessUpdate.Attached.class).nativeSession(), "[[sim kinds]]");
    assertEquals(250_000, second.await(HarnessUpdate.Usage.class).costMicros());
  }

  @Test
  void aQuestionThatTheAgentWithdrawsIsClosed() {
    var updates = run(serving(false, false), "[[sim withdraw]]");
    assertEquals("cancelled", updates.text());
    assertEquals(updates.await(HarnessUpdate.ApprovalRequested.class).approvalId(),
        updates.await(HarnessUpdate.ApprovalWithdrawn.class).approvalId());
  }

  @Test
  void anAbortInTheMiddleOfAStepEndsTheProcessTooForItMayHaveLeftSomethingRunning() throws Exception {
    var harness = serving(false, false);
    var updates = new Updates();
    var attempt = harness.start(spec("", "[[sim begin work; daemon; end work]]"), updates);
    var daemon = updates.awaitText("daemon ").substring("daemon ".length());
    attempt.abort(GRACE);
    assertEquals(new HarnessUpdate.Aborted(), updates.awaitEnd());
    attempt.stop(GRACE).toCompletableFuture().get(20, TimeUnit.SECONDS);
    assertTrue(content(Path.of("/proc", daemon, "stat")).contains(") Z "), "the daemon is gone");
    assertNotEquals(process(updates), process(run(harness, "hello")));
  }
}
