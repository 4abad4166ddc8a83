package dev.portcullis.crash;

import static dev.portcullis.harness.http.ScriptedServer.recorded;
import static dev.portcullis.harness.http.ScriptedServer.status;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.portcullis.harness.http.ScriptedServer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model server behind a whole gateway, which is killed in the middle of an answer. */
class ModelKillTest {
  private static final String KEY = "sk-canary-1234567890";
  private static final int CONFIGURATION = 78;

  @TempDir Path directory;
  private final ScriptedServer model = ScriptedServer.start();

  @AfterEach void close() {
    model.close();
  }

  private GatewayProcess start(String kind) {
    return GatewayProcess.on(directory.resolve("data"))
        .set("portcullis.agents.main.harness", "model")
        .set("portcullis.harnesses.model", "{ kind = " + kind + ", base-url = \"" + model.url()
            + "\", model = mock-1, api-key = ${MODEL_KEY}, retries = 0 }")
        .environment("MODEL_KEY", KEY)
        .set("portcullis.run.resume-delays", "[0s]")
        .start();
  }

  /** Probes are answered in any number; each turn takes the next reply. */
  private void turns(ScriptedServer.Reply... replies) {
    var next = List.of(replies).iterator();
    model.then((request, wire) -> {
      var reply = request.method().equals("GET") ? status(200, "{\"data\":[{\"id\":\"mock-1\"}]}") : next.next();
      reply.to(request, wire);
    });
  }

  private List<String> bodies() {
    return model.requests().stream()
        .filter(request -> request.method().equals("POST")).map(ScriptedServer.Request::body).toList();
  }

  private List<String> chat(GatewayProcess gateway, String message) throws IOException, InterruptedException {
    var http = URI.create(gateway.addresses().orElseThrow().path("http").asText());
    var token = Files.readString(directory.resolve("data").resolve("token")).strip();
    var request = HttpRequest.newBuilder(http.resolve("/v1/chat/completions"))
        .header("Authorization", "Bearer " + token)
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString("{\"model\":\"main\",\"stream\":true,\"stream_options\":"
            + "{\"include_usage\":true},\"messages\":[{\"role\":\"user\",\"content\":\"" + message + "\"}]}"))
        .build();
    try (var client = HttpClient.newHttpClient()) {
      return client.send(request, BodyHandlers.ofLines()).body()
          .filter(line -> line.startsWith("data: ")).map(line -> line.substring(6)).toList();
    }
  }

  @Test void aChatCompletionGoesThroughTheGatewayAsAStreamWithItsUsage() throws IOException, InterruptedException {
    turns(recorded("openai-chat.hello"));
    try (var gateway = start("openai").awaitReady()) {
      var frames = chat(gateway, "hello");

      assertEquals("[DONE]", frames.getLast());
      var text = new StringBuilder();
      var json = new JsonMapper();
      long total = 0;
      for (var frame : frames.subList(0, frames.size() - 1)) {
        var chunk = json.readTree(frame);
        text.append(chunk.path("choices").path(0).path("delta").path("content").asText(""));
        total += chunk.path("usage").path("total_tokens").asLong();
      }
      assertEquals("hello there friend", text.toString());
      assertEquals(122, total);
      assertFalse(String.join("\n", gateway.lines()).contains(KEY), gateway::tail);
    }
  }

  @Test
  @Tag("K-1")
  @Tag("INV-M1")
  @Tag("INV-M8")
  void anAnswerThatTheKillOfTheGatewayCutOffIsAskedForAgainWithTheConversation() throws Exception {
    var left = new CountDownLatch(1);
    turns(
        recorded("anthropic.hello"),
        (_, wire) -> {
          var whole = ScriptedServer.golden("anthropic.hello.sse");
          wire.stream().send(whole.substring(0, whole.indexOf("friend")).replaceAll("[^\n]*$", ""));
          wire.awaitGone();
          left.countDown();
        },
        recorded("anthropic.hello"));
    String cut;
    try (var gateway = start("anthropic").awaitReady(); var client = gateway.client()) {
      client.awaitEnd(client.submit("talk", "remember mango").text("runId"));
      cut = client.submit("talk", "and now").text("runId");
      Await.until("words", GatewayProcess.PATIENCE, () -> !client.run(cut).path("text").asText().isEmpty());
      gateway.kill9();
    }
    assertTrue(left.await(20, TimeUnit.SECONDS), "the call outlived its gateway");

    try (var gateway = start("anthropic").awaitReady(); var client = gateway.client()) {
      var run = client.awaitEnd(cut);

      assertEquals("completed", run.path("status").asText(), run::toString);
      assertEquals(2, run.path("attempts").asInt());
      assertEquals("hello there friend", run.path("text").asText());
      assertEquals(1, client.events(cut).stream()
          .filter(event -> event.path("type").asText().equals("resumed")).count());
      var again = bodies().getLast();
      assertEquals(3, bodies().size());
      assertTrue(again.contains("remember mango") && again.contains("hello there friend"), again);
      assertTrue(again.contains("was cut off") && again.contains("and now"), again);
    }
  }

  @Test
  @Tag("INV-B3")
  void aKeyThatIsRefusedEndsTheBootWithoutBeingShown() {
    model.then(status(401, "{\"error\":{\"message\":\"Incorrect API key provided: " + KEY + "\"}}"));
    try (var gateway = start("openai")) {
      assertEquals(CONFIGURATION, gateway.exitCode(GatewayProcess.PATIENCE), gateway::tail);

      assertTrue(gateway.line("[gateway] CRITICAL: declared harness \"model\" failed to register: the model server"
          + " answered 401: Incorrect API key provided: [key]").isPresent(), gateway::tail);
      assertFalse(String.join("\n", gateway.lines()).contains(KEY), gateway::tail);
    }
  }
}
