package dev.portcullis.harness.acp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.harness.Eventually;
import dev.portcullis.harness.jsonrpc.Reply;
import dev.portcullis.harness.process.ProcessLauncher;
import dev.portcullis.harness.process.Reaper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AcpTerminalsTest {
  private static final String INSTANCE = "terminals" + ProcessHandle.current().pid();

  @TempDir Path directory;
  private Path root;
  private AcpTerminals terminals;

  @BeforeEach
  void make() throws IOException {
    assumeTrue(Files.isDirectory(Path.of("/proc/self")), "needs /proc");
    root = Files.createDirectory(directory.resolve("workspace"));
    terminals = new AcpTerminals("sim", ProcessLauncher.create(INSTANCE, 1), root);
  }

  @AfterEach
  void leaveNothing() throws Exception {
    terminals.close().toCompletableFuture().get(20, TimeUnit.SECONDS);
    assertEquals(0, new Reaper(INSTANCE, 2).reap(List.of()), "processes left by a terminal");
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  private static ObjectNode shell(String script) {
    var params = object().put("command", "sh");
    params.putArray("args").add("-c").add(script);
    return params;
  }

  private Reply serve(String method, ObjectNode params) throws Exception {
    return terminals.serve(method, params).toCompletableFuture().get(20, TimeUnit.SECONDS);
  }

  private JsonNode ask(String method, ObjectNode params) throws Exception {
    return assertInstanceOf(Reply.Result.class, serve(method, params)).value();
  }

  private ObjectNode create(ObjectNode params) throws Exception {
    return object().put("terminalId", ask("create", params).path("terminalId").asText());
  }

  private static String refusal(Reply reply) {
    return assertInstanceOf(Reply.Error.class, reply).message();
  }

  @Test
  void aCommandRunsInTheWorkspaceAndItsOutputOfBothKindsIsKept() throws Exception {
    var params = shell("pwd; echo $WORD >&2; printf end; exit 3");
    params.putArray("env").addObject().put("name", "WORD").put("value", "wide");
    var terminal = create(params);
    assertEquals(3, ask("wait_for_exit", terminal).path("exitCode").asInt());
    var output = ask("output", terminal);
    assertEquals(root.toRealPath() + "\nwide\nend", output.path("output").asText());
    assertFalse(output.path("truncated").asBoolean());
    assertEquals(3, output.path("exitStatus").path("exitCode").asInt());
  }

  @Test
  void ofLongOutputTheEndIsKept() throws Exception {
    var terminal = create(shell("seq 1 1000").put("outputByteLimit", 9));
    ask("wait_for_exit", terminal);
    var output = ask("output", terminal);
    assertEquals("999\n1000\n", output.path("output").asText());
    assertTrue(output.path("truncated").asBoolean());
  }

  @Test
  void aCommandThatIsKilledIsGoneAndItsOutputCanStillBeRead() throws Exception {
    var terminal = create(shell("echo begun; exec sleep 1000"));
    Eventually.isTrue("it has begun", () -> output(terminal).contains("begun"));
    assertTrue(ask("output", terminal).path("exitStatus").isMissingNode());
    ask("kill", terminal);
    assertTrue(ask("wait_for_exit", terminal).path("exitCode").asInt() > 128);
    assertEquals("begun\n", output(terminal));
  }

  private String output(ObjectNode terminal) {
    try {
      return ask("output", terminal).path("output").asText();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  @Tag("INV-H4")
  void theEndOfTheAttemptKillsEvenWhatLeftTheGroupAndLostItsParent() throws Exception {
    var terminal = create(shell("setsid sleep 1000 & setsid sleep 1000 & echo $!"));
    ask("wait_for_exit", terminal);
    var daemon = Path.of("/proc", output(terminal).strip(), "cmdline");
    Eventually.isTrue("the command it left behind runs", () -> commandLine(daemon).startsWith("sleep"));
    terminals.close().toCompletableFuture().get(20, TimeUnit.SECONDS);
    assertEquals("", commandLine(daemon), "the command it left behind runs on");
    assertEquals(0, new Reaper(INSTANCE, 2).reap(List.of()), "processes left by the terminal");
    assertEquals("the turn is over", refusal(serve("create", shell("true"))));
  }

  private static String commandLine(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return "";
    }
  }

  @Test
  void aReleasedTerminalIsForgotten() throws Exception {
    var terminal = create(shell("exec sleep 1000"));
    ask("release", terminal);
    assertEquals("no such terminal", refusal(serve("output", terminal)));
  }

  @Test
  void thereIsALimitOfTerminals() throws Exception {
    for (int i = 0; i < 16; i++) {
      create(shell("true"));
    }
    assertEquals("at most 16 terminals at a time", refusal(serve("create", shell("true"))));
  }

  @Test
  void aCommandThatCannotBeStartedTakesNoPlace() throws Exception {
    for (int i = 0; i < 17; i++) {
      assertEquals("the command cannot be started", refusal(serve("create", shell("#".repeat(200_000)))));
    }
    create(shell("true"));
  }

  @Test
  void aCommandOutsideTheWorkspaceOrOneThatIsNotThereIsRefused() throws Exception {
    Files.createSymbolicLink(root.resolve("out"), directory);
    assertTrue(refusal(serve("create", shell("true").put("cwd", root.resolve("out").toString())))
        .contains("not inside the workspace"));
    assertTrue(refusal(serve("create", object().put("command", "no-such-program"))).contains("no-such-program"));
    assertTrue(refusal(serve("create", object())).length() > 0);
  }

  @Test
  void nothingOfTheGatewaysEnvironmentReachesACommand() throws Exception {
    var terminal = create(object().put("command", "env"));
    ask("wait_for_exit", terminal);
    var names = output(terminal).lines().map(line -> line.substring(0, line.indexOf('='))).sorted().toList();
    assertTrue(List.of("HOME", "LANG", "PATH", "PORTCULLIS_HARNESS", "TERM").containsAll(names), names::toString);
  }
}
