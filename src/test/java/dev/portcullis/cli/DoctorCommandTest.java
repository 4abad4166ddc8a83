package dev.portcullis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.harness.http.ScriptedServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorCommandTest {
  @TempDir Path directory;
  private final Shell shell = new Shell();
  private Path data;

  @BeforeEach void prepare() throws IOException {
    data = directory.resolve("data");
    shell.home = directory.resolve("home").toString();
    shell.env.put("PATH", directory.resolve("bin").toString());
  }

  private int doctor(String... more) {
    var words =
        new ArrayList<>(List.of("doctor", "--data", data.toString(), "--set", "portcullis.http.port=0",
        "--set", "portcullis.management.port=0"));
    words.addAll(List.of(more));
    return shell.run(words.toArray(String[]::new));
  }

  private void makeData() throws IOException {
    Files.createDirectory(data,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
  }

  private void unit(String stop) throws IOException {
    Files.createDirectories(Path.of(shell.home, "deploy/systemd"));
    Files.writeString(Path.of(shell.home, "deploy/systemd/portcullis.service"), "[Service]\n" + stop + "\n");
  }

  private void program(String name, String script) throws IOException {
    var file = Files.createDirectories(directory.resolve("bin")).resolve(name);
    Files.writeString(file, "#!/bin/sh\n" + script + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private void assertLine(String pattern) {
    assertTrue(shell.out().lines().anyMatch(line -> line.matches(pattern)), shell.out() + shell.err());
  }

  @Test void aFreshMachineIsSound() {
    assertEquals(0, doctor(), shell.out());

    assertLine("ok +java +25.*");
    assertLine("ok +config .*");
    assertLine("ok +data .*will be made.*");
    assertLine("ok +harness echo +built in");
    assertLine("ok +port http +any free one");
    assertLine("ok +unit file .*");
  }

  @Test
  @Tag("INV-J5")
  void aDiskWithLessRoomThanTheWatermarkFails() {
    assertEquals(1, doctor("--set", "portcullis.journal.low-space=" + (Long.MAX_VALUE >> 1)));

    assertLine("FAIL +space .* MiB free for .*portcullis.journal.low-space.*make room");
  }

  @Test void badSettingsAreOneFailedLine() {
    assertEquals(1, doctor("--set", "portcullis.run.attempts=0"));

    assertLine("FAIL +config .*portcullis.run.attempts.*");
  }

  @Test void aDirectoryOpenToOthersFails() throws IOException {
    makeData();
    Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.setPosixFilePermissions(Files.writeString(data.resolve("token"), "t"),
        PosixFilePermissions.fromString("rw-r--r--"));
    Files.setPosixFilePermissions(Files.writeString(data.resolve("credentials.json"), "{}"),
        PosixFilePermissions.fromString("rw-r--r--"));

    assertEquals(1, doctor());

    assertLine("FAIL +data .*chmod 700.*");
    assertLine("FAIL +token .*chmod 600.*");
    assertLine("FAIL +credentials.json .*chmod 600.*");
  }

  @Test void aJournalThatIsNoneFails() throws IOException {
    makeData();
    Files.createDirectory(data.resolve("journal"));

    assertEquals(1, doctor());

    assertLine("FAIL +journal .*");
  }

  @Test void aHeldLockMeansARunningGatewayWhosePortsAreOurs() throws IOException, InterruptedException {
    makeData();
    var lock = Files.createFile(data.resolve("lock"),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    try (var channel = FileChannel.open(lock, StandardOpenOption.WRITE);
        var port = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      channel.lock();
      shell.run("doctor", "--data", data.toString(), "--set", "portcullis.http.port=" + port.getLocalPort(),
          "--set", "portcullis.management.port=0");
    }

    assertLine("ok +journal +in use by a running gateway");
    assertLine("ok +port http .*while our gateway runs");
  }

  @Test void aPortThatSomebodyElseHasFails() throws IOException {
    try (var port = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertEquals(1, shell.run("doctor", "--data", data.toString(), "--set", "portcullis.http.port=0",
          "--set", "portcullis.management.port=" + port.getLocalPort()));
    }

    assertLine("FAIL +port management .*--management-port.*");
  }

  @Test void aHarnessIsLookedUpAndAskedForItsVersion() throws IOException {
    program("agent-ok", "echo agent 1.2.3");
    program("agent-bad", "exit 3");
    program("codex-ok", "echo codex-cli 0.170.0-alpha.2");
    program("codex-old", "echo codex-cli 0.99.0");

    var exit = doctor(
        "--set", "portcullis.harnesses.good={ kind = acp, command = agent-ok }",
        "--set", "portcullis.harnesses.bad={ kind = acp, command = agent-bad }",
        "--set", "portcullis.harnesses.gone={ kind = acp, command = agent-gone }",
        "--set", "portcullis.harnesses.cx={ kind = codex, command = codex-ok }",
        "--set", "portcullis.harnesses.cxold={ kind = codex, command = codex-old }",
        "--set", "portcullis.agents.main.fallbacks=[good, bad, gone, cx, cxold]");

    assertEquals(1, exit);
    assertLine("ok +harness good .*agent-ok agent 1\\.2\\.3");
    assertLine("ok +harness cx .*codex-ok codex-cli 0\\.170\\.0-alpha\\.2");
    assertLine("FAIL +harness cxold .*codex-cli 0\\.99\\.0 is not Codex 0\\.169\\.0 or newer.*");
    assertLine("FAIL +harness bad .*fails with 3.*");
    assertLine("FAIL +harness gone .*is not on PATH.*");
  }

  private String model(String kind, String url) {
    return "{ kind = " + kind + ", base-url = \"" + url + "\", api-key = s3cret, model = m }";
  }

  @Test void aModelServerIsAskedForItsModelsWithTheKey() throws IOException {
    String gone;
    try (var server = ScriptedServer.start()) {
      gone = server.url();
    }
    try (var good = ScriptedServer.start(); var strict = ScriptedServer.start()) {
      good.then(ScriptedServer.status(404, ""));
      strict.then(ScriptedServer.status(401, ""));

      var exit = doctor(
          "--set", "portcullis.harnesses.good=" + model("openai", good.url()),
          "--set", "portcullis.harnesses.strict=" + model("anthropic", strict.url()),
          "--set", "portcullis.harnesses.gone=" + model("openai", gone),
          "--set", "portcullis.agents.main.fallbacks=[good, strict, gone]");

      assertEquals(1, exit);
      assertLine("ok +harness good .*answers; model m");
      assertLine("FAIL +harness strict .*refuses the key \\(401\\); .*portcullis.harnesses.strict.api-key");
      assertLine("FAIL +harness gone .*cannot be reached.*portcullis.harnesses.gone.base-url");
      assertFalse(shell.out().contains("s3cret"));
      var request = good.requests().getFirst();
      assertEquals("GET /models Bearer s3cret",
          request.method() + " " + request.path() + " " + request.headers().get("authorization"));
      assertEquals("/v1/models s3cret",
          strict.requests().getFirst().path() + " " + strict.requests().getFirst().headers().get("x-api-key"));
    }
  }

  @Test @Tag("SEC-42") void aClaudeCodeThatWouldNotBeRegisteredFails() throws IOException {
    program("claude-new", "echo '2.1.197 (Claude Code)'");
    program("claude-old", "echo '2.1.128 (Claude Code)'");

    var exit = doctor(
        "--set", "portcullis.harnesses.new={ kind = claude-code, command = claude-new }",
        "--set", "portcullis.harnesses.old={ kind = claude-code, command = claude-old }",
        "--set", "portcullis.agents.main.fallbacks=[new, old]");

    assertEquals(1, exit);
    assertLine("ok +harness new .*claude-new 2\\.1\\.197 .*");
    assertLine("FAIL +harness old .*2\\.1\\.128 .* is not Claude Code 2\\.1\\.129 or newer.*");
  }

  @Test void aProgramThatRunsTheAgentIsAskedWithTheSameArgumentsAsLater() throws IOException {
    program("runner", "test \"$1 $2\" = 'cli.js --version' || exit 3; echo '2.1.197 (Claude Code)'");

    doctor("--set", "portcullis.harnesses.new={ kind = claude-code, command = runner, args = [\"cli.js\"] }",
        "--set", "portcullis.agents.main.fallbacks=[new]");

    assertLine("ok +harness new .*runner 2\\.1\\.197 .*");
  }

  @Test @Tag("INV-D4") void aUnitThatKillsBeforeTheDrainIsOverFails() throws IOException {
    unit("TimeoutStopSec=115");
    assertEquals(1, doctor());
    assertLine("FAIL +unit file .*set it to 120");

    unit("TimeoutStopSec=2min");
    assertEquals(0, doctor());
  }

  @Test @Tag("INV-D4") void aUnitThatKillsBeforeANodeHasHandedItsSessionsOverFails() throws IOException {
    unit("TimeoutStopSec=2min");
    assertEquals(1, doctor(
        "--set", "portcullis.journal.store=postgresql",
        "--set", "portcullis.journal.postgresql.url=jdbc:postgresql://127.0.0.1/nowhere",
        "--set", "portcullis.cluster.enabled=true",
        "--set", "portcullis.cluster.host=127.0.0.1",
        "--set", "portcullis.cluster.seeds=127.0.0.1:25520"));
    assertLine("FAIL +unit file .*set it to 160");
  }

  @Test void jsonIsOneObjectPerCheck() {
    assertEquals(0, doctor("--json"));

    assertTrue(shell.out().lines().allMatch(line -> line.startsWith("{\"check\":")), shell.out());
  }

  @Test void aDirectoryWhoseJournalIsInADatabaseIsSound() throws IOException {
    makeData();
    Files.createDirectory(data.resolve("journal")); // Every start makes it.

    assertEquals(0, doctor("--set", "portcullis.journal.store=postgresql", "--set",
        "portcullis.journal.postgresql.url=jdbc:postgresql://nowhere.invalid/gate"), shell.out());

    assertLine("ok +journal +in a database, schema portcullis.*");
  }
}
