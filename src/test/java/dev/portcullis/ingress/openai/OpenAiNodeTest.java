package dev.portcullis.ingress.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.IngressRig;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.Usage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The official Node client, as {@code .ci/install-clients} puts it on this machine. */
@Tag("C-1")
class OpenAiNodeTest {
  private static final Path CLIENT =
      Path.of(System.getenv().getOrDefault("PORTCULLIS_TEST_CLIENTS", "target/clients"), "openai").toAbsolutePath();
  private static final ActorTestKit KIT = ActorTestKit.create();

  @TempDir Path data;
  private IngressRig rig;

  @BeforeAll
  static void installed() {
    assumeTrue(Files.isDirectory(CLIENT.resolve("node_modules/openai")),
        "the Node client of OpenAI is not installed; .ci/install-clients does that");
  }

  @BeforeEach
  void open() {
    rig = new IngressRig(KIT.system(), data.resolve("d"));
  }

  @AfterEach
  void close() {
    rig.close();
  }

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  private JsonNode play(String scenario, String base) throws IOException, InterruptedException {
    var output = data.resolve("output").toFile();
    var process = new ProcessBuilder(
            "node", "src/test/resources/clients/openai.mjs", base, rig.token.reveal(), CLIENT.toString(), scenario)
        .redirectErrorStream(true)
        .redirectOutput(output)
        .start();
    boolean ended = process.waitFor(30, TimeUnit.SECONDS);
    process.destroyForcibly().waitFor();
    var printed = Files.readString(output.toPath(), StandardCharsets.UTF_8);
    assertTrue(ended && process.exitValue() == 0, printed);
    return IngressRig.json(printed);
  }

  private JsonNode play(String scenario) throws IOException, InterruptedException {
    return play(scenario, rig.url("/v1"));
  }

  @Test
  void chatsAreReadWholeAndThroughTheHelperForStreams() throws Exception {
    assertEquals(IngressRig.json("""
        {"whole":"echo: hello there","tokens":7,"streamed":"echo: hello there","finish":"stop","streamedTokens":7}"""),
        play("chat"));
  }

  @Test
  void responsesAreReadContinuedReadAgainCancelledAndDeleted() throws Exception {
    assertEquals(IngressRig.json("""
        {"whole":"echo: hello there","streamed":"echo: hello there","next":"echo: and on","previous":true,
         "again":"echo: hello there","rest":"hello there","item":"hello there","late":"completed",
         "deleted":"no error","gone":"NotFoundError 404 response_not_found"}"""),
        play("responses"));
  }

  @Test
  void functionsAreCalledAndAnswered() throws Exception {
    rig.sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "let me see"),
        new RunEvent.Completed("tool_calls", Usage.NONE, "", List.of(new FunctionCall("call_1", "weather", "{}"))));
    assertEquals(IngressRig.json("""
        {"name":"weather","arguments":"{}","done":["weather"],"next":"completed"}"""), play("tools"));
    assertEquals("rain", rig.sessions.submitted().get(1).input().results().getFirst().text());
  }

  @Test
  void errorsAreTheClientsOwnKinds() throws Exception {
    rig.sessions.script(new RunEvent.Started(1, "echo"),
        new RunEvent.Failed(new RunError("harness_failed", "It broke.", "")));
    var seen = play("errors");
    assertEquals("NotFoundError 404 model_not_found", seen.path("model").asText());
    assertEquals("InternalServerError 502 harness_failed", seen.path("whole").asText());
    assertEquals("APIError  harness_failed", seen.path("chat").asText());
    assertEquals("no error", seen.path("stream").asText(), "a failed response is an event, not an error");
  }

  @Test
  @Tag("C-7")
  void anAnswerThatIsLostIsFetchedByTheClientsOwnRetryAndNothingRunsTwice() throws Exception {
    try (var way = new LostAnswers(rig.ingress.address().getPort(), 2)) {
      assertEquals("echo: hello there", play("retry", way.url()).path("whole").asText());
    }
    assertEquals(1, rig.sessions.submitted().size());
  }
}
