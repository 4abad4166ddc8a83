package dev.portcullis.harness.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.portcullis.harness.Eventually;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.ProcessIdentity;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HarnessProcessTest {
  private static final String INSTANCE = "test" + ProcessHandle.current().pid();
  private static final Path SHELL = Path.of("/bin/sh");

  @TempDir Path directory;
  private final Recorder recorder = new Recorder();
  private final List<HarnessProcess> started = new ArrayList<>();

  @BeforeEach
  void onlyOnLinux() {
    assumeTrue(Files.isDirectory(Path.of("/proc/self")), "needs /proc");
  }

  @AfterEach
  void leaveNothing() throws Exception {
    for (var process : started) {
      process.stop(Duration.ZERO).toCompletableFuture().get(20, TimeUnit.SECONDS);
    }
    assertEquals(List.of(), ProcessTable.marked(entry -> entry.startsWith(Marker.entryPrefix(INSTANCE))));
  }

  private HarnessProcess start(String script) throws Exception {
    return start(script, Map.of());
  }

  private HarnessProcess start(String script, Map<String, String> env) throws Exception {
    var gateway = new HashMap<>(System.getenv());
    gateway.putAll(Map.of("NOTIFY_SOCKET", "/run/notify", "WATCHDOG_USEC", "1", "LISTEN_FDS", "1", "SECRET",
        "s"));
    var launcher = new ProcessLauncher(INSTANCE, 3, gateway);
    var process = launcher.launch(new ProcessSpec("sh", SHELL, List.of("-c", script), env, directory),
        recorder)
        .toCompletableFuture().get(20, TimeUnit.SECONDS);
    started.add(process);
    return process;
  }

  private static long stopMillis(HarnessProcess process, Duration grace) throws Exception {
    var began = System.nanoTime();
    process.stop(grace).toCompletableFuture().get(30, TimeUnit.SECONDS);
    return Duration.ofNanos(System.nanoTime() - began).toMillis();
  }

  @Test
  @Tag("INV-H1")
  void theEnvironmentIsEmptyButForTheList() throws Exception {
    start("env | sed 's/^/{/'; echo {end", Map.of("KEY", "value", "WATCHDOG_PID", "1"));
    Eventually.isTrue("all lines", () -> recorder.lines.contains("end"));
    var names = recorder.lines.stream().filter(line -> line.contains("="))
        .map(line -> line.substring(0, line.indexOf('='))).collect(Collectors.toCollection(TreeSet::new));
    // The shell sets these; HOME may be missing here.
    names.removeAll(List.of("PWD", "SHLVL", "_", "OLDPWD", "HOME"));
    assertEquals(new TreeSet<>(List.of("KEY", "LANG", "PATH", Marker.VARIABLE, "TERM")), names);
    assertTrue(recorder.lines.contains("TERM=dumb"));
    assertTrue(recorder.lines.stream()
        .anyMatch(line -> line.startsWith(Marker.VARIABLE + "=" + INSTANCE + ":3:sh-")));
  }

  @Test
  @Tag("INV-H1")
  void itLeadsItsOwnGroupInTheWorkspaceWithItsInputHeldOpen() throws Exception {
    var process = start("echo {$(pwd); read line; echo {got $line; read line; echo {end of input");
    assertEquals(directory.toRealPath().toString(), recorder.awaitLine(0));
    var row = ProcessTable.find(process.identity().pid()).getFirst();
    assertEquals(process.identity().pid(), row.group());
    process.send("hello");
    assertEquals("got hello", recorder.awaitLine(1));
    assertTrue(process.alive());
    stopMillis(process, Duration.ofSeconds(10));
    assertTrue(recorder.lines.contains("end of input"));
  }

  @Test
  @Tag("INV-H2")
  void itsIdentityIsOfThisBootAndTellsARecycledPidApart() throws Exception {
    var process = start("read line");
    var identity = process.identity();
    assertTrue(ProcessTable.alive(identity));
    assertEquals(Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip(), identity.bootId());
    var other = new ProcessIdentity(
        identity.bootId(), identity.pid(), identity.startTime() + 1);
    assertFalse(ProcessTable.alive(other));
  }

  @Test
  @Tag("INV-H4")
  void aChildThatIgnoresTermIsKilled() throws Exception {
    var process = start("trap '' TERM; echo {ready; while :; do sleep 0.1; done");
    recorder.awaitLine(0);
    var millis = stopMillis(process, Duration.ofMillis(400));
    assertTrue(millis >= 400 && millis < 5_000, "took " + millis);
    assertFalse(ProcessTable.alive(process.identity()));
  }

  @Test
  @Tag("INV-H4")
  void aCommandThatLeftTheGroupAndLostItsParentIsKilledToo() throws Exception {
    var process = start("setsid sh -c 'echo {$$; sleep 1000' & read line; exit 0");
    var pid = Long.parseLong(recorder.awaitLine(0));
    process.send("go on"); // The shell ends and leaves its command to init.
    Eventually.isTrue("the shell has ended", () -> !process.alive());
    assertFalse(ProcessTable.find(pid).isEmpty());
    stopMillis(process, Duration.ofSeconds(10));
    assertTrue(ProcessTable.running(row -> row.pid() == pid).isEmpty());
  }

  @Test
  void aDescendantThatDroppedTheMarkerIsKilledToo() throws Exception {
    var process = start("env -i setsid /bin/sh -c 'echo {$$; /bin/sleep 1000' & wait");
    var pid = Long.parseLong(recorder.awaitLine(0));
    stopMillis(process, Duration.ZERO);
    assertTrue(ProcessTable.running(row -> row.pid() == pid).isEmpty());
  }

  @Test
  void itsEndIsReportedThoughADaemonHoldsItsOutputOpen() throws Exception {
    var process = start("setsid sleep 1000 & echo last words >&2; exit 3");
    var fault = recorder.ended.get(5, TimeUnit.SECONDS);
    assertEquals(HarnessFault.Code.LOST, fault.code());
    assertTrue(fault.getMessage().contains("exit code 3"), fault.getMessage());
    Eventually.isTrue("its last words", () -> process.errorTail().equals("last words\n"));
  }

  @Test
  void onlyTheTailOfStandardErrorIsKept() throws Exception {
    var process = start("i=0; while [ $i -lt 3000 ]; do echo line-$i >&2; i=$((i+1)); done; echo {done");
    recorder.awaitLine(0);
    Eventually.isTrue("the last line", () -> process.errorTail().endsWith("line-2999\n"));
    assertEquals(8 * 1024, process.errorTail().length());
  }

  /** Records as ever, but takes no line before the gate opens. */
  private ProcessListener listenerBehind(CountDownLatch gate) {
    return new ProcessListener() {
      @Override
      public void line(String line) {
        try {
          gate.await();
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
        recorder.line(line);
      }

      @Override
      public void ended(HarnessFault fault) {
        recorder.ended(fault);
      }
    };
  }

  @Test
  void aListenerThatTakesItsTimeMakesTheChildWaitOnItsPipe() throws Exception {
    var gate = new CountDownLatch(1);
    var listener = listenerBehind(gate);
    var written = directory.resolve("written");
    var script = "i=0; while [ $i -lt 5000 ]; do echo {" + "x".repeat(100)
        + "; i=$((i+1)); done; echo y > written";
    var process = ProcessLauncher.create(INSTANCE, 3)
        .launch(new ProcessSpec("sh", SHELL, List.of("-c", script), Map.of(), directory), listener)
        .toCompletableFuture().get(20, TimeUnit.SECONDS);
    started.add(process);
    Eventually.isTrue("the child waits to write", () -> waitsForPipe(process.identity().pid()));
    assertFalse(Files.exists(written));
    gate.countDown();
    Eventually.isTrue("the child is done", () -> Files.exists(written));
    recorder.ended.get(20, TimeUnit.SECONDS);
    assertEquals(5_000, recorder.lines.size());
  }

  private static boolean waitsForPipe(long pid) {
    try {
      return Files.readString(Path.of("/proc/" + pid + "/wchan")).contains("pipe")
          || Files.readString(Path.of("/proc/" + pid + "/syscall")).startsWith("1 "); // write(2) on x86-64
    } catch (java.io.IOException e) {
      return false;
    }
  }

  private static ProcessBuilder gateway(String script) {
    return new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1",
        "-cp", System.getProperty("java.class.path"), DyingGateway.class.getName(), INSTANCE, script);
  }

  @Test
  @Tag("INV-H1")
  void itDiesWhenTheGatewayIsKilled() throws Exception {
    assumeTrue(Files.exists(Path.of("/usr/bin/setpriv")), "needs setpriv");
    var gateway = gateway(":").redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try (var reader = gateway.inputReader()) {
      var child = Long.parseLong(reader.lines().filter(line -> line.startsWith("child ")).findFirst()
          .orElseThrow().substring("child ".length()));
      assertFalse(ProcessTable.running(row -> row.pid() == child).isEmpty());
      gateway.destroyForcibly().waitFor();
      Eventually.isTrue("the child is gone", () -> ProcessTable.running(row -> row.pid() == child).isEmpty());
    } finally {
      gateway.destroyForcibly();
    }
  }

  @Test
  @Tag("INV-H1")
  @Tag("SEC-41")
  void nothingOfTheGatewaysOwnEnvironmentReachesAnAgentButTheList() throws Exception {
    var gateway = gateway("env | sed 's/^/{/'");
    var env = gateway.environment();
    env.keySet().retainAll(List.of("PATH"));
    env.putAll(Map.of("HOME", "/root", "LANG", "C.UTF-8", "LD_PRELOAD", "/nowhere.so", "NODE_OPTIONS", "--inspect",
        "BASH_ENV", "/nowhere", "GIT_SSH_COMMAND", "false", "JAVA_TOOL_OPTIONS", "-Dx=y", "PYTHONSTARTUP", "/nowhere"));
    env.putAll(Map.of("NOTIFY_SOCKET", "/run/notify", "PORTCULLIS_TOKEN", "t", "ANTHROPIC_API_KEY", "k",
        "LD_LIBRARY_PATH", "/nowhere", "ENV", "/nowhere", "DBUS_SESSION_BUS_ADDRESS", "x"));
    var process = gateway.redirectError(ProcessBuilder.Redirect.DISCARD).start();
    try (var reader = process.inputReader()) {
      var lines = new ArrayList<String>();
      for (var line = reader.readLine(); !line.startsWith("child "); line = reader.readLine()) {
        lines.add(line);
      }
      var names = lines.stream().filter(line -> line.startsWith("said "))
          .map(line -> line.substring("said ".length(), line.indexOf('='))).collect(Collectors.toCollection(TreeSet::new));
      // The shell in between sets PWD and, some of them, OLDPWD, SHLVL and _.
      names.removeAll(List.of("PWD", "OLDPWD", "SHLVL", "_"));
      assertEquals(new TreeSet<>(List.of("HOME", "KEY", "LANG", "PATH", Marker.VARIABLE, "TERM")), names);
    } finally {
      process.destroyForcibly().waitFor();
      new Reaper(INSTANCE, 2).reap(List.of());
    }
  }

  @Test
  @Tag("INV-H2")
  @Tag("INV-H3")
  @Tag("SEC-45")
  void aProcessThatHasTheNumberOfARecordedOneIsNotSignalled() throws Exception {
    var bystander = new ProcessBuilder("sleep", "1000").start();
    try {
      var its = ProcessTable.identity(bystander.pid());
      var earlier = new ProcessIdentity(its.bootId(), its.pid(), its.startTime() - 1);
      var beforeTheReboot = new ProcessIdentity("another-boot", its.pid(), its.startTime());
      var unknown = new ProcessIdentity(its.bootId(), its.pid(), 0);

      assertEquals(0, new Reaper(INSTANCE, 3).reap(List.of(earlier, beforeTheReboot, unknown)));
      for (var recorded : List.of(earlier, beforeTheReboot, unknown)) {
        var stop = new HardStop(recorded, new Marker(INSTANCE, 3, "gone"));
        stop.signal(Signals.TERM);
        stop.run();
      }
      assertTrue(ProcessTable.alive(its));
      assertEquals(1, new Reaper(INSTANCE, 3).reap(List.of(its)), "the recorded one itself is");
      bystander.waitFor();
    } finally {
      bystander.destroyForcibly();
    }
  }

  @Test
  @Tag("SEC-40")
  void aLineThatWouldBeTwoIsNeverSent() throws Exception {
    var process = start("cat");
    assertThrows(IllegalStateException.class, () -> process.send("{}\n{\"second\":1}"));
    process.send("{} $(id) `id` ; | > \u2028 --x");
    assertEquals("} $(id) `id` ; | > \u2028 --x", recorder.awaitLine(0));
  }

  @Test
  @Tag("INV-H4")
  void aStopFirstEndsTheInputThenAsksThenKills() throws Exception {
    var process = start("trap 'echo {asked' TERM; while read line; do :; done; echo {end of input; "
        + "while :; do sleep 0.05; done");
    Eventually.isTrue("it reads", () -> waitsForPipe(process.identity().pid()));
    var millis = stopMillis(process, Duration.ofSeconds(1));
    assertEquals(List.of("end of input", "asked"), recorder.lines);
    assertTrue(millis >= 1_000 && millis < 5_000, "took " + millis);
  }

  @Test
  @Tag("INV-H4")
  void whatOutlivesAnAgentIsEndedWithoutBeingAsked() throws Exception {
    start("setsid sh -c 'echo {$$; exec sleep 1000' & read line < /dev/null; sleep 0.2; exit 7");
    var pid = Long.parseLong(recorder.awaitLine(0));
    assertTrue(recorder.ended.get(5, TimeUnit.SECONDS).getMessage().contains("exit code 7"));
    Eventually.isTrue("its daemon is gone", () -> ProcessTable.running(row -> row.pid() == pid).isEmpty());
  }

  @Test
  void whatAnAgentSaidBeforeItDiedIsHeardHoweverLongTheListenerTakes() throws Exception {
    var gate = new CountDownLatch(1);
    var slow = listenerBehind(gate);
    var script = "echo {first; echo {last; exit 3";
    var process = new ProcessLauncher(INSTANCE, 3, System.getenv())
        .launch(new ProcessSpec("sh", SHELL, List.of("-c", script), Map.of(), directory), slow)
        .toCompletableFuture().get(20, TimeUnit.SECONDS);
    started.add(process);
    Eventually.isTrue("it is dead", () -> !process.alive());
    assertThrows(java.util.concurrent.TimeoutException.class, () -> recorder.ended.get(1_200, TimeUnit.MILLISECONDS));
    gate.countDown();
    recorder.ended.get(5, TimeUnit.SECONDS);
    assertEquals(List.of("first", "last"), recorder.lines);
  }

  @Test
  @Tag("INV-H3")
  void theReaperKillsLeftoversOfEarlierLivesAndNothingElse() throws Exception {
    var recorders = List.of(new Recorder(), new Recorder(), new Recorder());
    var script = "setsid sh -c 'sleep 1000' & echo {ready; read line";
    var older = launch(INSTANCE, 2, script, recorders.get(0));
    var own = launch(INSTANCE, 3, script, recorders.get(1));
    var foreign = launch(INSTANCE + "x", 2, script, recorders.get(2));
    recorders.forEach(each -> each.awaitLine(0));

    Eventually.isTrue("the daemon runs", () -> ProcessTable.marked(
        entry -> entry.startsWith(Marker.VARIABLE + "=" + INSTANCE + ":2:")).size() >= 3);
    var reaped = new Reaper(INSTANCE, 3).reap(List.of(older.identity()));

    assertTrue(reaped >= 3, "reaped " + reaped);
    assertFalse(ProcessTable.alive(older.identity()));
    assertTrue(ProcessTable.alive(own.identity()));
    assertTrue(ProcessTable.alive(foreign.identity()));
    assertEquals(0, new Reaper(INSTANCE, 3).reap(List.of()));
  }

  private HarnessProcess launch(String instance, long incarnation, String script, Recorder listener)
      throws Exception {
    var process = ProcessLauncher.create(instance, incarnation)
        .launch(new ProcessSpec("sh", SHELL, List.of("-c", script), Map.of(), directory), listener)
        .toCompletableFuture().get(20, TimeUnit.SECONDS);
    started.add(process);
    return process;
  }
}
