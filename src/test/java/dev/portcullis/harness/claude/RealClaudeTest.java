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
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.RealAgent;
import dev.portcullis.harness.StandInModel;
import dev.portcullis.harness.Updates;
import dev.portcullis.harness.process.ProcessLauncher;
import dev.portcullis.harness.process.Reaper;
import dev.portcullis.protocol.Image;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.Message;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Claude Code, as its maker ships it, with a model server that is part of the test. */
class RealClaudeTest {
  /** One pixel. */
  private static final String PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
      + "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  private static final String INSTANCE = "claude" + ProcessHandle.current().pid();
  private static final Duration GRACE = Duration.ofSeconds(5);

  @TempDir static Path directory;
  private static StandInModel model;
  private static ProcessLauncher launcher;
  private static Harness harness;
  private static Path workspace;

  @BeforeAll
  static void start() throws Exception {
    RealAgent.CLAUDE.command(); // Or the tests are skipped.
    model = StandInModel.start();
    launcher = ProcessLauncher.create(INSTANCE, 1);
    workspace = Files.createDirectory(directory.resolve("workspace"));
    var hook = "{\"hooks\":[{\"type\":\"command\",\"command\":\"touch %s\"}]}".formatted(directory.resolve("hooked"));
    Files.createDirectory(workspace.resolve(".claude"));
    Files.writeString(workspace.resolve(".claude/settings.json"), """
        {"hooks":{"SessionStart":[%s],"UserPromptSubmit":[%s]},"env":{"ANTHROPIC_BASE_URL":"http://127.0.0.1:9"}}
        """.formatted(hook, hook));
    Files.writeString(workspace.resolve(".mcp.json"), """
        {"mcpServers":{"x":{"command":"touch","args":["%s"]}}}
        """.formatted(directory.resolve("hooked")));
    harness = harness(Map.of(), HarnessConfig.ClaudeCode.OLDEST_VERSION);
    var began = System.nanoTime();
    var registration = harness.probe().toCompletableFuture().get(90, TimeUnit.SECONDS);
    System.out.printf("claude %s: probe %d ms%n", registration.version(), millisSince(began));
    assertEquals(Recovery.NATIVE, registration.recovery());
    assertTrue(registration.version().matches("\\d+\\.\\d+\\.\\d+"), registration.version());
    assertTrue(model.calls().isEmpty(), "a probe must not call a model");
  }

  @AfterAll
  static void leaveNothing() throws Exception {
    if (harness == null) {
      return;
    }
    harness.close(Duration.ofSeconds(10)).toCompletableFuture().get(30, TimeUnit.SECONDS);
    model.close();
    assertEquals(0, new Reaper(INSTANCE, 2).reap(List.of()), "processes left by the agent");
  }

  private static Harness harness(Map<String, String> env, String minimumVersion) {
    var all = new HashMap<>(RealAgent.CLAUDE.environment(model, directory.resolve("home")));
    all.put("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1");
    all.putAll(env);
    var program = new HarnessConfig.Program("claude", RealAgent.CLAUDE.command().toString(), List.of(), all, 3,
        Duration.ofMinutes(5), Duration.ofSeconds(60));
    var config = new HarnessConfig.ClaudeCode(
        program, "", "", "You are addressed as Portia.", List.of(), minimumVersion);
    return ClaudeHarness.create(config, launcher, workspace);
  }

  private static AttemptSpec spec(String conversation, String session, String message) {
    return new AttemptSpec(conversation, "run", 1, workspace, message,
        List.of(new Message("user", "remember mango"), new Message("assistant", "noted")), session,
        new Interruption.None());
  }

  private static long millisSince(long nanos) {
    return Duration.ofNanos(System.nanoTime() - nanos).toMillis();
  }

  private static Updates run(String conversation, String session, String message) {
    var updates = new Updates();
    harness.start(spec(conversation, session, message), updates);
    updates.awaitEnd();
    return updates;
  }

  private static String session(Updates updates) {
    return updates.await(HarnessUpdate.Attached.class).nativeSession();
  }

  private static long process(Updates updates) {
    return updates.await(HarnessUpdate.Attached.class).processes().getFirst().pid();
  }

  private static List<Boolean> steps(Updates updates) {
    return updates.all(HarnessUpdate.StepFinished.class).stream()
        .map(HarnessUpdate.StepFinished::succeeded).toList();
  }

  private static boolean runs(String pid) {
    try {
      return !Files.readString(Path.of("/proc", pid, "stat")).contains(") Z ");
    } catch (IOException gone) {
      return false;
    }
  }

  @Test
  void anImageOfATurnReachesTheModel() {
    var image = new Image("image/png", 70, PNG);
    var updates = new Updates();
    harness.start(new AttemptSpec("image", "run", 1, workspace, "[[say seen]]", List.of(), "",
        new Interruption.None(), Input.of(List.of(image))), updates);
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.awaitEnd());
    var bodies = model.calls().stream().map(call -> call.body().toString()).toList();
    assertTrue(bodies.stream().anyMatch(body -> body.contains("\"type\":\"image\"") && body.contains("iVBORw0KGgo")),
        "no call of the model has the image");
  }

  @Test
  void aTurnIsStreamedAndEachIsCountedByItself() {
    var first = run("turn", "", "[[say hello there friend]]");
    assertEquals("hello there friend", first.text());
    assertEquals(new HarnessUpdate.Completed("end_turn"), first.awaitEnd());
    assertTrue(first.all(HarnessUpdate.Text.class).size() > 1, "text is streamed");
    var second = run("turn", session(first), "[[say hello there friend]]");
    assertEquals(process(first), process(second));
    var used = first.await(HarnessUpdate.Usage.class);
    assertTrue(used.inputTokens() > used.cachedTokens() && used.cachedTokens() > 0, used.toString());
    assertTrue(used.outputTokens() > 0 && used.costMicros() > 0, used.toString());
    assertEquals(used, second.await(HarnessUpdate.Usage.class), "what it costs is not told as a sum of all turns");
  }

  @Test
  void aMessageThatLooksLikeACommandIsAWordToTheModel() {
    var first = run("slash", "", "[[say noted]]");
    var second = run("slash", session(first), "/clear [[history]]");
    assertEquals("users=2 assistants=1", second.text());
  }

  @Test
  void theSystemPromptReachesTheModel() {
    run("system", "", "[[say who]] [[say Portia]]");
    var call = model.calls().stream()
        .filter(asked -> asked.userMessages().stream().anyMatch(said -> said.contains("[[say Portia]]")))
        .findFirst().orElseThrow();
    assertTrue(call.body().path("system").toString().contains("You are addressed as Portia."));
  }

  @Test
  @Tag("SEC-25")
  void anAllowedCommandRunsOnceExactlyAsItWasShown() throws Exception {
    var updates = new Updates();
    var attempt = harness.start(spec("allow", "", "[[shell echo hi >> log.txt && cat log.txt]]"), updates);
    var asked = updates.await(HarnessUpdate.ApprovalRequested.class);
    assertEquals("{\"command\":\"echo hi >> log.txt && cat log.txt\",\"description\":\"run the scripted command\"}",
        asked.input());
    assertEquals("execute", asked.kind());
    assertFalse(Files.exists(workspace.resolve("log.txt")));
    attempt.decide(asked.approvalId(), asked.digest(), true);
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.awaitEnd());
    assertEquals("hi\n", Files.readString(workspace.resolve("log.txt")));
    assertEquals("I will run the scripted tool.\n\nThe tool said: hi", updates.text());
    assertEquals(1, updates.all(HarnessUpdate.StepStarted.class).size());
    assertEquals(List.of(true), steps(updates));
  }

  @Test
  void aDeniedCommandNeverRunsAndTheTurnGoesOn() {
    var updates = new Updates();
    var attempt = harness.start(spec("deny", "", "[[shell touch denied.txt]]"), updates);
    var asked = updates.await(HarnessUpdate.ApprovalRequested.class);
    attempt.decide(asked.approvalId(), asked.digest(), false);
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.awaitEnd());
    assertTrue(updates.text().endsWith("The tool said: This was not allowed."), updates.text());
    assertFalse(Files.exists(workspace.resolve("denied.txt")));
    assertEquals(List.of(false), steps(updates));
  }

  @Test
  void aQuestionWithChoicesBecomesOneInTheAnswer() {
    var updates = run("question", "", "[[tool AskUserQuestion {\"questions\":[{\"question\":\"Which?\",\"header\":\"H\","
        + "\"options\":[{\"label\":\"A\",\"description\":\"a\"},{\"label\":\"B\",\"description\":\"b\"}],"
        + "\"multiSelect\":false}]}]]");
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.awaitEnd());
    assertEquals(List.of(), updates.all(HarnessUpdate.ApprovalRequested.class));
    assertTrue(updates.text().contains("Ask in your answer"), updates.text());
  }

  @Test
  void anAbortInMidStreamKeepsTheProcessAndTheConversation() {
    var first = new Updates();
    var attempt = harness.start(spec("abort", "", "[[slow 100 100]]"), first);
    first.awaitText("part2 ");
    var began = System.nanoTime();
    attempt.abort(Duration.ofSeconds(10));
    assertEquals(new HarnessUpdate.Aborted(), first.awaitEnd());
    System.out.printf("claude: abort %d ms%n", millisSince(began));
    var second = run("abort", session(first), "[[say still here]]");
    assertEquals("still here", second.text());
    assertEquals(process(first), process(second));
  }

  @Test
  void anAbortWhileItAsksNeverRunsTheCommandAndTheProcessServesOn() {
    var first = new Updates();
    var attempt = harness.start(spec("asking", "", "[[shell touch aborted.txt]]"), first);
    first.await(HarnessUpdate.ApprovalRequested.class);
    attempt.abort(Duration.ofSeconds(10));
    assertEquals(new HarnessUpdate.Aborted(), first.awaitEnd());
    var second = run("asking", session(first), "[[say still here]]");
    assertEquals(new HarnessUpdate.Completed("end_turn"), second.awaitEnd());
    assertEquals("still here", second.text());
    assertEquals(process(first), process(second));
    assertFalse(Files.exists(workspace.resolve("aborted.txt")));
  }

  @Test
  void anAbortBeforeTheFirstWordEndsTheTurn() {
    var updates = new Updates();
    var attempt = harness.start(spec("early", "", "[[slow 100 100]]"), updates);
    updates.await(HarnessUpdate.Attached.class);
    attempt.abort(GRACE);
    assertEquals(new HarnessUpdate.Aborted(), updates.awaitEnd());
  }

  @Test
  @Tag("INV-H4")
  void anAbortInMidCommandLeavesNothingOfIt() throws Exception {
    var updates = new Updates();
    var attempt = harness.start(spec("command", "", "[[shell setsid sh -c 'echo $$ > child.txt; exec sleep 1000' & "
        + "echo $$ > command.txt; exec sleep 1000]]"), updates);
    var asked = updates.await(HarnessUpdate.ApprovalRequested.class);
    attempt.decide(asked.approvalId(), asked.digest(), true);
    var files = List.of(workspace.resolve("child.txt"), workspace.resolve("command.txt"));
    Eventually.isTrue("both run", () -> files.stream().allMatch(file -> file.toFile().length() > 1));
    var began = System.nanoTime();
    attempt.abort(GRACE);
    assertEquals(new HarnessUpdate.Aborted(), updates.awaitEnd());
    for (var file : files) {
      var pid = Files.readString(file).strip();
      Eventually.isTrue("the command is gone", () -> !runs(pid));
    }
    Eventually.isTrue("the agent is gone", () -> !runs(Long.toString(process(updates))));
    assertTrue(millisSince(began) < GRACE.toMillis(), "it took " + millisSince(began) + " ms");

    var next = run("command", session(updates), "[[history]]");
    assertEquals(session(updates), session(next), "the conversation goes on in another process");
    assertEquals(List.of(), next.all(HarnessUpdate.StepStarted.class));
  }

  @Test
  @Tag("INV-B5")
  void aKilledAgentGoesOnInItsOwnSession() {
    var first = run("kill", "", "remember mango [[say noted]]");
    var second = new Updates();
    harness.start(spec("kill", session(first), "[[slow 100 100]] second"), second);
    second.awaitText("part2 ");
    ProcessHandle.of(process(second)).orElseThrow().destroyForcibly();
    assertEquals(Code.LOST, assertInstanceOf(HarnessUpdate.Failed.class, second.awaitEnd()).fault().code());

    var began = System.nanoTime();
    var third = run("kill", session(first), "[[history]]");
    System.out.printf("claude: resumed turn %d ms%n", millisSince(began));
    assertEquals(new HarnessUpdate.Completed("end_turn"), third.awaitEnd());
    assertNotEquals(process(first), process(third));
    assertEquals(session(first), session(third));
    assertEquals("users=3 assistants=2", third.text(), "the agent knows the whole conversation");
  }

  @Test
  void aSessionThatIsNotThereIsReplacedByOneThatIsToldTheConversation() {
    var unknown = "9978d80a-3754-415c-9f9c-f8be6b08d196";
    var updates = run("unknown", unknown, "[[history]]");
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.awaitEnd());
    assertNotEquals(unknown, session(updates));
    assertEquals("users=1 assistants=0", updates.text());
    assertTrue(model.calls().stream().flatMap(call -> call.userMessages().stream())
        .anyMatch(said -> said.contains("remember mango") && said.endsWith("[[history]]")));
  }

  /** In one conversation, for a start takes longer than a turn. */
  @Test
  void eachFailureOfTheModelHasACodeOfItsOwnAndTheProcessServesOn() {
    var codes = Map.of("[[error 400]]", Code.INVALID_REQUEST, "[[error 401]]", Code.AUTHENTICATION,
        "[[error 404]]", Code.MODEL_NOT_FOUND, "[[error 413]]", Code.CONTEXT_LENGTH,
        "[[error 429]]", Code.RATE_LIMITED, "[[error 500]]", Code.UPSTREAM, "[[error 529]]", Code.OVERLOADED,
        "[[say a b c d]] [[cut 2]]", Code.CUT);
    var first = run("errors", "", "[[say hello]]");
    var found = new HashMap<String, Code>();
    codes.keySet().forEach(message -> {
      var updates = run("errors", session(first), message);
      assertEquals(process(first), process(updates));
      found.put(message, assertInstanceOf(HarnessUpdate.Failed.class, updates.awaitEnd()).fault().code());
    });
    assertEquals(codes, found);
  }

  @Test
  void anAnswerThatBreaksAndComesAgainIsShownOnce() {
    var updates = run("broken", "", "[[say a b c d]] [[stream-error 2]]");
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.awaitEnd());
    var replaced = updates.all(HarnessUpdate.TextReplaced.class);
    assertEquals("a b c d", replaced.isEmpty() ? updates.text() : replaced.getLast().text());
  }

  @Test
  void aFailureThatPassesLosesNothing() {
    var updates = run("passing", "", "[[error 500 1]]");
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.awaitEnd());
    assertEquals("recovered", updates.text());
  }

  @Test
  @Tag("SEC-42")
  void settingsOfTheWorkspaceAreNotObeyed() {
    run("hooks", "", "[[say hello]]");
    assertFalse(Files.exists(directory.resolve("hooked")));
  }

  @ParameterizedTest
  @CsvSource({"'', 2.1.129, NOT_CONFIGURED", "none, 999.0.0, WRONG_VERSION"})
  void whatCannotWorkIsNotRegistered(String key, String minimumVersion, Code code) throws Exception {
    var other = harness(Map.of("ANTHROPIC_API_KEY", key), minimumVersion);
    try {
      var failure = assertThrows(ExecutionException.class,
          () -> other.probe().toCompletableFuture().get(60, TimeUnit.SECONDS));
      assertEquals(code, HarnessFault.in(failure.getCause()).code());
    } finally {
      other.close(GRACE).toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
  }
}
