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
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.RealAgent;
import dev.portcullis.harness.StandInModel;
import dev.portcullis.harness.Updates;
import dev.portcullis.harness.process.ProcessLauncher;
import dev.portcullis.harness.process.Reaper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** OpenCode, as the npm registry has it, with a model server that is part of the test. */
class RealAgentTest {
  private static final String INSTANCE = "real" + ProcessHandle.current().pid();

  @TempDir static Path directory;
  private static StandInModel model;
  private static Harness harness;
  private static Path workspace;

  @BeforeAll
  static void start() throws Exception {
    var command = RealAgent.OPENCODE.command();
    model = StandInModel.start();
    workspace = Files.createDirectory(directory.resolve("workspace"));
    var home = Files.createDirectory(directory.resolve("home"));
    var config = new HarnessConfig.Acp(new HarnessConfig.Program("opencode", command.toString(), List.of("acp"),
        RealAgent.OPENCODE.environment(model, home),
        2,
        Duration.ofMinutes(5), Duration.ofSeconds(60)));
    harness = AcpHarness.create(config, ProcessLauncher.create(INSTANCE, 1), workspace, Clock.systemUTC());
    var began = System.nanoTime();
    var registration = harness.probe().toCompletableFuture().get(90, TimeUnit.SECONDS);
    System.out.printf("opencode %s: probe %d ms%n", registration.version(), millisSince(began));
    assertEquals(Recovery.NATIVE, registration.recovery());
    assertFalse(registration.version().isEmpty());
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

  private static AttemptSpec spec(String conversation, String session, String message) {
    return new AttemptSpec(conversation, "run", 1, workspace, message, List.of(), session,
        new Interruption.None());
  }

  private static long millisSince(long nanos) {
    return Duration.ofNanos(System.nanoTime() - nanos).toMillis();
  }

  private static String memory(Updates updates) throws IOException {
    var pid = updates.await(HarnessUpdate.Attached.class).processes().getFirst().pid();
    return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
        .filter(line -> line.startsWith("VmRSS")).findFirst().orElse("");
  }

  @Test
  @Tag("INV-B5")
  void aConversationSurvivesACancelAndTheDeathOfTheAgent() throws Exception {
    var began = System.nanoTime();
    var first = new Updates();
    harness.start(spec("c", "", "remember mango [[say hello there friend]]"), first);
    assertEquals(new HarnessUpdate.Completed("end_turn"), first.awaitEnd());
    assertEquals("hello there friend", first.text());
    assertTrue(first.all(HarnessUpdate.Text.class).size() > 1, "text is streamed");
    var session = first.await(HarnessUpdate.Attached.class).nativeSession();
    System.out.printf("opencode: first turn %d ms, %s%n", millisSince(began), memory(first));

    began = System.nanoTime();
    var second = new Updates();
    var attempt = harness.start(spec("c", session, "[[slow 100 100]]"), second);
    second.awaitText("part2 ");
    var cancelled = System.nanoTime();
    attempt.abort(Duration.ofSeconds(10));
    assertEquals(new HarnessUpdate.Aborted(), second.awaitEnd());
    System.out.printf("opencode: second turn's first text and cancel %d ms, cancel %d ms%n",
        millisSince(began), millisSince(cancelled));
    assertEquals(process(first), process(second), "a cancel keeps the process");

    var third = new Updates();
    harness.start(spec("c", session, "[[slow 100 100]] to be killed"), third);
    third.awaitText("part2 ");
    ProcessHandle.of(process(third)).orElseThrow().destroyForcibly();
    assertInstanceOf(HarnessUpdate.Failed.class, third.awaitEnd());

    began = System.nanoTime();
    var fourth = new Updates();
    harness.start(spec("c", session, "[[history]]"), fourth);
    assertEquals(new HarnessUpdate.Completed("end_turn"), fourth.awaitEnd());
    System.out.printf("opencode: resumed turn %d ms%n", millisSince(began));
    assertNotEquals(process(first), process(fourth));
    assertEquals(session, fourth.await(HarnessUpdate.Attached.class).nativeSession());
    assertTrue(fourth.text().startsWith("users=4 "),
        "the agent knows the whole conversation, and nothing is told again");
    assertTrue(model.calls().getLast().userMessages().getFirst().contains("remember mango"));
  }

  @Test
  void aToolWaitsForPermissionAndRunsOnce() throws Exception {
    var updates = new Updates();
    var attempt = harness.start(spec("tools", "", "[[shell echo hi >> log.txt && cat log.txt]]"), updates);
    var asked = updates.await(HarnessUpdate.ApprovalRequested.class);
    assertTrue(asked.input().contains("echo hi >> log.txt"), asked.toString());
    assertFalse(Files.exists(workspace.resolve("log.txt")));
    attempt.decide(asked.approvalId(), asked.digest(), true);
    updates.awaitEnd();
    assertEquals("hi\n", Files.readString(workspace.resolve("log.txt")));
    assertTrue(updates.text().endsWith("The tool said: hi"), updates.text());
    assertEquals(1, updates.all(HarnessUpdate.StepStarted.class).size());
    assertEquals(List.of(true), updates.all(HarnessUpdate.StepFinished.class).stream()
        .map(HarnessUpdate.StepFinished::succeeded).toList());
  }

  @Test
  void aCommandOfTheAgentDiesWithTheAttempt() throws Exception {
    var updates = new Updates();
    var attempt = harness.start(spec("daemon", "", "[[shell echo $$ > pid.txt; exec sleep 1000]]"), updates);
    var asked = updates.await(HarnessUpdate.ApprovalRequested.class);
    attempt.decide(asked.approvalId(), asked.digest(), true);
    var file = workspace.resolve("pid.txt");
    Eventually.isTrue("the command runs", () -> Files.exists(file) && file.toFile().length() > 1);
    var pid = Files.readString(file).strip();
    assertTrue(Files.exists(Path.of("/proc", pid)));
    attempt.stop(Duration.ofSeconds(6)).toCompletableFuture().get(30, TimeUnit.SECONDS);
    var stat = Path.of("/proc", pid, "stat");
    assertTrue(!Files.exists(stat) || Files.readString(stat).contains(") Z "), "the command is gone");
  }

  private static long process(Updates updates) {
    return updates.await(HarnessUpdate.Attached.class).processes().getFirst().pid();
  }
}
