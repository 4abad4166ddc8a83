package dev.portcullis.harness.acp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.AttemptSpec.Interruption;
import dev.portcullis.harness.Eventually;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.Harness.Recovery;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.RealAgent;
import dev.portcullis.harness.StandInModel;
import dev.portcullis.harness.Updates;
import dev.portcullis.harness.process.ProcessLauncher;
import dev.portcullis.harness.process.Reaper;
import dev.portcullis.protocol.Message;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Agents as the npm registry has them, with a model server that is part of the test. */
@ParameterizedClass
@EnumSource(names = {"OPENCODE", "GEMINI", "CLAUDE_ACP"})
class RealAgentTest {
  private static final String INSTANCE = "real" + ProcessHandle.current().pid();
  private static final Duration GRACE = Duration.ofSeconds(10);

  @TempDir static Path directory;
  private static StandInModel model;
  private static Harness harness;
  private static Path workspace;
  private static HarnessConfig.Program program;
  private static ProcessLauncher launcher;

  @Parameter RealAgent agent;

  @BeforeParameterizedClassInvocation
  static void start(RealAgent agent) throws Exception {
    var command = agent.command();
    model = StandInModel.start();
    workspace = Files.createDirectories(directory.resolve(agent.program()).resolve("workspace"));
    var environment = agent.environment(model, directory.resolve(agent.program()).resolve("home"));
    program = new HarnessConfig.Program(agent.program(), command.toString(),
        agent.arguments(), environment, 2, Duration.ofMinutes(5), Duration.ofSeconds(60));
    launcher = ProcessLauncher.create(INSTANCE, 1);
    harness = AcpHarness.create(new HarnessConfig.Acp(program), launcher, workspace, Clock.systemUTC());
    var began = System.nanoTime();
    var registration = harness.probe().toCompletableFuture().get(90, TimeUnit.SECONDS);
    System.out.printf("RealAgentTest agent=%s version=%s probe_ms=%d%n",
        agent.program(), registration.version(), millisSince(began));
    assertEquals(Recovery.NATIVE, registration.recovery());
    assertFalse(registration.version().isEmpty());
    assertTrue(model.calls().isEmpty(), "a probe must not call a model");
  }

  @AfterParameterizedClassInvocation
  static void leaveNothing() throws Exception {
    harness.close(GRACE).toCompletableFuture().get(30, TimeUnit.SECONDS);
    model.close();
    assertEquals(0, new Reaper(INSTANCE, 2).reap(List.of()), "processes left by the agent");
  }

  private static AttemptSpec spec(String session, String message) {
    return new AttemptSpec("c", "run", 1, workspace, message,
        session.isEmpty() ? List.of() : List.of(new Message("user", "seeded words")), session,
        new Interruption.None());
  }

  private static long millisSince(long nanos) {
    return Duration.ofNanos(System.nanoTime() - nanos).toMillis();
  }

  private static Updates run(String session, String message) {
    return run(harness, session, message);
  }

  private static Updates run(Harness harness, String session, String message) {
    var updates = new Updates();
    harness.start(spec(session, message), updates);
    updates.awaitEnd();
    return updates;
  }

  private static String session(Updates updates) {
    return updates.await(HarnessUpdate.Attached.class).nativeSession();
  }

  private static long process(Updates updates) {
    return updates.await(HarnessUpdate.Attached.class).processes().getFirst().pid();
  }

  private static boolean runs(String pid) {
    try {
      return !Files.readString(Path.of("/proc", pid, "stat")).contains(") Z ");
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void aTurnIsAnsweredInPiecesAndItsCostIsTold() {
    var updates = run("", "[[say hello there friend]]");
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.awaitEnd());
    assertEquals("hello there friend", updates.text());
    assertTrue(updates.all(HarnessUpdate.Text.class).size() > 1, "text is streamed");
    var usage = updates.await(HarnessUpdate.Usage.class);
    assertEquals(agent == RealAgent.CLAUDE_ACP ? 150 : 110, usage.inputTokens(), "what came from the cache counts");
    assertEquals(12, usage.outputTokens());
    assertEquals(agent == RealAgent.CLAUDE_ACP, usage.costMicros() > 0, usage::toString);
    assertEquals(1, model.calls().stream().filter(StandInModel.Call::turn)
        .filter(call -> call.userMessages().getLast().contains("hello there friend")).count());
  }

  @Test
  void modelAndModeOfTheSettingsAreChosen() throws Exception {
    var model = switch (agent) {
      case OPENCODE -> "standin/" + StandInModel.SMALL;
      case GEMINI -> "gemini-2.5-pro";
      default -> "sonnet";
    };
    var config = new HarnessConfig.Acp(program, "", model, "plan", false, false);
    var chosen = AcpHarness.create(config, launcher, workspace, Clock.systemUTC());
    try {
      var updates = run(chosen, "", "[[say ok]] in " + agent);
      assertEquals(new HarnessUpdate.Completed("end_turn"), updates.awaitEnd());
      assertEquals("ok", updates.text(), "and nothing of the change of mode");
      var call = RealAgentTest.model.calls().stream()
          .filter(each -> each.userMessages().getLast().contains("[[say ok]]")).toList().getLast();
      var asked = call.path() + " " + call.body().path("model").asText();
      assertTrue(asked.contains(model.replace("standin/", "")), asked);
    } finally {
      chosen.close(GRACE).toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
  }

  @Test
  void anApprovedCommandRunsOnce() throws Exception {
    var updates = new Updates();
    var attempt = harness.start(spec("", "[[shell echo hi >> log.txt && cat log.txt]]"), updates);
    var asked = updates.await(HarnessUpdate.ApprovalRequested.class);
    assertTrue((asked.title() + asked.input()).contains("echo hi >> log.txt"), asked.toString());
    assertFalse(Files.exists(workspace.resolve("log.txt")), "it waits");
    attempt.decide(asked.approvalId(), asked.digest(), true);
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.awaitEnd());
    assertEquals("hi\n", Files.readString(workspace.resolve("log.txt")));
    assertTrue(updates.text().contains("scripted tool.\n\nThe tool said: "), updates.text());
    assertEquals(1, updates.all(HarnessUpdate.StepStarted.class).size());
    assertEquals(List.of(true), updates.all(HarnessUpdate.StepFinished.class).stream()
        .map(HarnessUpdate.StepFinished::succeeded).toList());
  }

  @Test
  void aDeniedCommandDoesNotRun() {
    var updates = new Updates();
    var attempt = harness.start(spec("", "[[shell touch denied.txt]]"), updates);
    var asked = updates.await(HarnessUpdate.ApprovalRequested.class);
    attempt.decide(asked.approvalId(), asked.digest(), false);
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.awaitEnd());
    assertFalse(Files.exists(workspace.resolve("denied.txt")));
    assertTrue(updates.all(HarnessUpdate.StepFinished.class).stream()
        .noneMatch(HarnessUpdate.StepFinished::succeeded), updates.all()::toString);
  }

  @Test
  void anAbortWhileItAsksEndsTheTurnAndKeepsTheProcess() {
    var updates = new Updates();
    var attempt = harness.start(spec("", "[[shell touch aborted.txt]]"), updates);
    updates.await(HarnessUpdate.ApprovalRequested.class);
    attempt.abort(GRACE);
    assertEquals(new HarnessUpdate.Aborted(), updates.awaitEnd());
    assertEquals(process(updates), process(run("", "[[say still here]]")));
    assertFalse(Files.exists(workspace.resolve("aborted.txt")));
  }

  /** What is approved must be seen whole: a long command may not hide its end. */
  @Test
  void aLongCommandIsShownWholeWhenItAsks() {
    var command = "echo " + "x".repeat(10_000) + "; touch hidden.txt";
    var updates = new Updates();
    var attempt = harness.start(spec("", "[[shell " + command + "]]"), updates);
    var asked = updates.await(HarnessUpdate.ApprovalRequested.class);
    attempt.decide(asked.approvalId(), asked.digest(), false);
    updates.awaitEnd();
    assertTrue((asked.title() + asked.input()).contains("x; touch hidden.txt"),
        () -> asked.title().length() + " " + asked.input().length());
  }

  @Test
  void anAbortInMidStreamEndsTheModelsCallAndKeepsTheProcess() {
    var updates = new Updates();
    var attempt = harness.start(spec("", "[[slow 200 100]] for " + agent), updates);
    updates.awaitText("part2 ");
    var began = System.nanoTime();
    attempt.abort(GRACE);
    assertEquals(new HarnessUpdate.Aborted(), updates.awaitEnd());
    System.out.printf("RealAgentTest agent=%s abort_ms=%d%n", agent.program(), millisSince(began));
    var call = model.calls().stream().filter(StandInModel.Call::turn)
        .filter(each -> each.userMessages().getLast().contains("[[slow 200 100]]")).findFirst().orElseThrow();
    assertEquals(StandInModel.End.CLOSED_BY_CLIENT, call.awaitEnd());

    var next = run(session(updates), "[[say still here]]");
    assertEquals(new HarnessUpdate.Completed("end_turn"), next.awaitEnd());
    assertEquals("still here", next.text());
    assertEquals(process(updates), process(next));
  }

  @Test
  @Tag("INV-H4")
  void anAbortInMidCommandLeavesNothingOfItNotEvenWhatLeftItsGroup() throws Exception {
    var updates = new Updates();
    var attempt = harness.start(spec("", "[[shell setsid sh -c 'echo $$ > a.pid; exec sleep 1000' & "
        + "echo $$ > b.pid; exec sleep 1000]]"), updates);
    var asked = updates.await(HarnessUpdate.ApprovalRequested.class);
    attempt.decide(asked.approvalId(), asked.digest(), true);
    var files = List.of(workspace.resolve("a.pid"), workspace.resolve("b.pid"));
    Eventually.isTrue("both run", () -> files.stream().allMatch(file -> file.toFile().length() > 1));
    var pids = files.stream().map(RealAgentTest::content).toList();
    assertTrue(pids.stream().allMatch(RealAgentTest::runs), pids::toString);
    attempt.abort(GRACE);
    assertEquals(new HarnessUpdate.Aborted(), updates.awaitEnd());
    attempt.stop(GRACE).toCompletableFuture().get(20, TimeUnit.SECONDS);
    assertTrue(pids.stream().noneMatch(RealAgentTest::runs), pids::toString);
    files.forEach(file -> assertTrue(file.toFile().delete()));
  }

  private static String content(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aModelsErrorFailsTheTurnAndSaysWhy() {
    var updates = run("", "[[error 400]]");
    var fault = assertInstanceOf(HarnessUpdate.Failed.class, updates.awaitEnd()).fault();
    // OpenCode keeps the status to itself.
    assertEquals(agent == RealAgent.OPENCODE ? Code.REFUSED : Code.INVALID_REQUEST, fault.code(), fault::toString);
    assertTrue(fault.getMessage().contains("scripted failure"), fault::toString);
    assertEquals("fine", run("", "[[say fine]]").text());
  }

  @Test
  @Tag("INV-B5")
  void aConversationSurvivesTheDeathOfTheAgent() {
    var first = run("", "remember mango [[say noted]]");
    var session = session(first);
    var killed = new Updates();
    harness.start(spec(session, "[[slow 100 100]] to be killed"), killed);
    killed.awaitText("part2 ");
    ProcessHandle.of(process(killed)).orElseThrow().destroyForcibly();
    assertInstanceOf(HarnessUpdate.Failed.class, killed.awaitEnd());

    var began = System.nanoTime();
    var resumed = run(session, "[[history]]");
    System.out.printf("RealAgentTest agent=%s resumed_turn_ms=%d%n", agent.program(), millisSince(began));
    assertEquals(new HarnessUpdate.Completed("end_turn"), resumed.awaitEnd());
    assertNotEquals(process(first), process(resumed));
    var asked = model.calls().getLast().userMessages();
    if (agent == RealAgent.GEMINI) {
      // Its store may not be touched again within a minute, so it is told the conversation instead.
      assertNotEquals(session, session(resumed));
      assertTrue(asked.getFirst().contains("seeded words"), asked::toString);
    } else {
      assertEquals(session, session(resumed));
      assertTrue(resumed.text().startsWith("users=3 "), resumed.text());
      assertTrue(asked.getFirst().contains("remember mango"), asked::toString);
      assertTrue(asked.stream().noneMatch(text -> text.contains("seeded words")), "nothing is told again");
    }
  }
}
