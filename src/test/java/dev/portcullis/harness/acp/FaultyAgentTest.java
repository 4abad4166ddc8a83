package dev.portcullis.harness.acp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
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
import dev.portcullis.harness.ShellAgent;
import dev.portcullis.harness.SimulatedAgents;
import dev.portcullis.harness.Simulator;
import dev.portcullis.harness.Updates;
import dev.portcullis.harness.process.Reaper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What agents do wrong, and what becomes of the run, of the connection and of the machine. */
class FaultyAgentTest extends SimulatedAgents {

  private final List<Throwable> escaped = new CopyOnWriteArrayList<>();
  private final Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();

  @BeforeEach
  void listen() {
    Thread.setDefaultUncaughtExceptionHandler((_, failure) -> escaped.add(failure));
  }

  @AfterEach
  void nothingEscapes() throws Exception {
    closeAll();
    Thread.setDefaultUncaughtExceptionHandler(before);
    assertEquals(List.of(), escaped, "no exception escapes");
  }

  private Harness harness(String command, List<String> args, Map<String, String> env, Duration start) {
    var program = program(command, args, env, 4, start);
    var harness = AcpHarness.create(
        new HarnessConfig.Acp(program), launcher, workspace, Clock.systemUTC());
    return closing(harness);
  }

  private Harness simulator() {
    return simulator(Map.of(), Duration.ofSeconds(15));
  }

  private Harness simulator(Map<String, String> env, Duration start) {
    return harness(Simulator.java(), Simulator.arguments("acp"), env, start);
  }

  private AttemptSpec spec(String conversation, String message) {
    return new AttemptSpec(conversation, "run", 1, workspace, message, List.of(), "", new Interruption.None());
  }

  private Updates run(Harness harness, String message) {
    var updates = new Updates();
    harness.start(spec("c", message), updates);
    updates.awaitEnd();
    return updates;
  }

  private static Code failure(Updates updates) {
    return assertInstanceOf(HarnessUpdate.Failed.class, updates.awaitEnd()).fault().code();
  }

  private static boolean alive(long pid) {
    try {
      var stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      return stat.charAt(stat.lastIndexOf(')') + 2) != 'Z'; // What only waits to be reaped does not count.
    } catch (IOException e) {
      return false;
    }
  }

  // ---- starting
  @Test
  @Tag("H-1")
  void anAgentThatStartsLateIsProvenOnlyThen() throws Exception {
    var probe = simulator(Map.of("SIM_DELAY_MS", "300"), Duration.ofSeconds(15)).probe().toCompletableFuture();
    assertThrows(java.util.concurrent.TimeoutException.class, () -> probe.get(300, TimeUnit.MILLISECONDS));
    assertEquals("7.1", probe.get(30, TimeUnit.SECONDS).version());
  }

  @Test
  @Tag("H-1")
  void anAgentThatNeverStartsIsATimeoutAndLeavesNothing() {
    var harness = simulator(Map.of("SIM_DELAY_MS", "never"), Duration.ofSeconds(1));
    var failure = assertThrows(
        ExecutionException.class, () -> harness.probe().toCompletableFuture().get(30, TimeUnit.SECONDS));
    assertEquals(Code.TIMEOUT, assertInstanceOf(HarnessFault.class, failure.getCause()).code());
  }

  @Test
  @Tag("H-4")
  void anAgentOfAnotherProtocolVersionIsRefusedForGood() {
    var harness = simulator(Map.of("SIM_PROTOCOL", "2"), Duration.ofSeconds(15));
    var failure = assertThrows(
        ExecutionException.class, () -> harness.probe().toCompletableFuture().get(30, TimeUnit.SECONDS));
    assertEquals(Code.WRONG_VERSION, assertInstanceOf(HarnessFault.class, failure.getCause()).code());
  }

  // ---- dying
  @ParameterizedTest
  @Tag("H-2")
  @CsvSource({"exit 1, 1", "signal 9, 137", "signal 9 40, 137", "signal 11 40, 139"})
  void anAgentThatDiesEndsItsRunOnceAndWithItsExitCode(String death, int code) {
    var updates = run(simulator(), "[[sim say working; " + death + "]]");
    var fault = assertInstanceOf(HarnessUpdate.Failed.class, updates.awaitEnd()).fault();
    assertEquals(Code.LOST, fault.code());
    assertTrue(fault.getMessage().endsWith("exit code " + code), fault.getMessage());
    assertEquals("working", updates.text());
    assertEquals(1, updates.all(HarnessUpdate.End.class).size());
  }

  @Test
  @Tag("H-2")
  void fiftyDeathsAreEachNoticedWithinASecond() {
    var deaths = List.of("exit 1", "kill -KILL $$", "kill -SEGV $$");
    var millis = new ArrayList<Long>();
    for (int i = 0; i < 51; i++) {
      var harness =
          harness(ShellAgent.SHELL, ShellAgent.arguments(deaths.get(i % 3)), Map.of(), Duration.ofSeconds(15));
      var updates = new Updates();
      harness.start(spec("c", "die"), updates);
      updates.awaitText("working");
      var dying = System.nanoTime();
      assertEquals(Code.LOST, failure(updates));
      millis.add(Duration.ofNanos(System.nanoTime() - dying).toMillis());
    }
    millis.sort(Long::compare);
    assertTrue(millis.getLast() < 1_000, () -> "latencies in ms: " + millis);
  }

  // ---- hanging
  @Test
  @Tag("H-3")
  @Tag("INV-H4")
  void anAgentThatHangsAndIgnoresSigtermIsGoneWithinTheGrace() throws Exception {
    var updates = new Updates();
    var attempt = simulator().start(spec("c", "[[sim ignore-term; deaf]]"), updates);
    updates.awaitText("deaf");
    var pid = updates.await(HarnessUpdate.Attached.class).processes().getFirst().pid();
    var began = System.nanoTime();
    attempt.stop(Duration.ofSeconds(1)).toCompletableFuture().get(20, TimeUnit.SECONDS);
    assertFalse(alive(pid));
    assertTrue(Duration.ofNanos(System.nanoTime() - began).toMillis() < 3_000);
    assertFalse(updates.ended(), "a stop is no end of the run");
  }

  // ---- dirt
  @ParameterizedTest
  @Tag("H-4")
  @ValueSource(strings = {"garbage", "utf8", "nul", "flood 1000000", "line 100000000"})
  void whatIsNoMessageChangesNothing(String dirt) {
    var updates = run(simulator(), "[[sim " + dirt + "; say done]]");
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.awaitEnd());
    assertTrue(updates.text().endsWith("done"), updates.text());
  }

  @ParameterizedTest
  @Tag("H-4")
  @ValueSource(longs = {1, 2, 3})
  void aThousandLinesOfNonsenseEndTheRunWithACodeOrNotAtAll(long seed) {
    var harness = simulator();
    var updates = run(harness, "[[sim fuzz 1000 " + seed + "]]");
    switch (updates.awaitEnd()) {
      case HarnessUpdate.Completed _ -> assertTrue(updates.text().endsWith("after fuzz"), updates.text());
      case HarnessUpdate.Failed(var fault) -> assertEquals(Code.MALFORMED, fault.code(), fault.getMessage());
      case HarnessUpdate.Aborted _ -> throw new AssertionError("nobody aborted it");
    }
    assertEquals("heard: next", run(harness, "next").text());
  }

  @Test
  @Tag("H-4")
  void halfALineAndTheEndOfItsOutputIsALoss() {
    assertEquals(Code.LOST, failure(run(simulator(), "[[sim half]]")));
  }

  @Test
  @Tag("H-5")
  void aMessageOfManyMegabytesIsReadWhole() {
    var updates = run(simulator(), "[[sim frame 8000000]]");
    assertEquals(8_000_000, updates.text().length());
    assertEquals(new HarnessUpdate.Completed("end_turn"), updates.awaitEnd());
  }

  @Test
  @Tag("H-5")
  void aMessageBeyondTheLimitEndsTheConnectionAndTheNextTurnGoesOn() {
    var harness = simulator();
    assertEquals(Code.MALFORMED, failure(run(harness, "[[sim bloat 16800000]]")));
    assertEquals("heard: next", run(harness, "next").text());
  }

  @Test
  @Tag("SEC-44")
  @Tag("INV-R2")
  void endsThatAreRepeatedOrOfAnotherConversationAreNoEndsOfThisOne() {
    var harness = simulator();
    var first = run(harness, "[[sim foreign; say mine; twice]]");
    var second = run(harness, "[[sim late]]");
    assertEquals("mineonce", first.text());
    assertEquals("", second.text());
    assertEquals(1, first.all(HarnessUpdate.End.class).size());
    assertEquals("heard: next", run(harness, "next").text());
  }

  @Test
  void anAgentThatReadsNoFurtherCanStillEndItsTurn() {
    assertEquals("still here", run(simulator(), "[[sim close-input; say still here]]").text());
  }

  // ---- children
  @Test
  @Tag("H-6")
  @Tag("INV-H4")
  void aDaemonThatLeftGroupAndParentAndIgnoresSignalsIsKilledWithItsAgent() throws Exception {
    var updates = new Updates();
    var attempt = simulator().start(spec("c", "[[sim ignore-term; fork]]"), updates);
    var pids = Arrays.stream(updates.awaitText("forked ").strip().split(" ")).skip(1).map(Long::parseLong).toList();
    assertEquals(List.of(true, true), pids.stream().map(FaultyAgentTest::alive).toList());
    var began = System.nanoTime();
    attempt.stop(Duration.ofSeconds(1)).toCompletableFuture().get(20, TimeUnit.SECONDS);
    assertTrue(Duration.ofNanos(System.nanoTime() - began).toSeconds() < 5);
    assertEquals(List.of(false, false), pids.stream().map(FaultyAgentTest::alive).toList());
  }

  @Test
  @Tag("H-6")
  @Tag("INV-H4")
  void twentyAgentsWithDaemonsLeaveNoSurvivorWithinFiveSeconds() throws Exception {
    var deed = "trap '' TERM; setsid sh -c 'trap \"\" TERM HUP; sleep 1000 & wait' & setsid sleep 1000 & "
        + "(sleep 1000 &) ; wait";
    for (int i = 0; i < 20; i++) {
      var harness = harness(ShellAgent.SHELL, ShellAgent.arguments(deed), Map.of(), Duration.ofSeconds(15));
      var updates = new Updates();
      var attempt = harness.start(spec("c", "fork"), updates);
      updates.awaitText("working");
      var pid = updates.await(HarnessUpdate.Attached.class).processes().getFirst().pid();
      Eventually.isTrue("its children run", () -> ProcessHandle.of(pid).stream()
          .flatMap(ProcessHandle::descendants).count() >= 3);
      var began = System.nanoTime();
      attempt.stop(Duration.ofMillis(100)).toCompletableFuture().get(20, TimeUnit.SECONDS);
      assertTrue(Duration.ofNanos(System.nanoTime() - began).toSeconds() < 5);
      assertEquals(0, new Reaper(instance, 2).reap(List.of()), "survivors of round " + i);
    }
  }

  // ---- what goes in
  @ParameterizedTest
  @Tag("SEC-40")
  @ValueSource(strings = {"-p --help $(id) \\n", "`id`; rm -rf \"$HOME\" && 'x' | tee > y", "--dangerously-skip-permissions",
      "line one\nline two\r\n\ttab \\u0000 \u2028 \ud83d\ude00", "{\"jsonrpc\":\"2.0\",\"method\":\"session/cancel\"}\n"})
  void aMessageArrivesAsItIsAndNeverOnTheCommandLine(String message) throws Exception {
    var updates = run(simulator(), message);
    assertEquals("heard: " + message, updates.text());
    var pid = updates.await(HarnessUpdate.Attached.class).processes().getFirst().pid();
    assertFalse(Files.readString(Path.of("/proc/" + pid + "/cmdline")).contains(message));
  }
}
