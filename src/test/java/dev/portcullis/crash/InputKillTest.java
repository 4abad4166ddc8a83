package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.portcullis.harness.StandInModel;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.Random;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images and functions through a whole gateway, which is killed between a call and its result. */
class InputKillTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String TOOLS = """
      "tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}}]""";
  private static final String PNG = "data:image/png;base64,iVBORw0KGgo=";

  /** As large as the shipped settings take. */
  private static final String LARGE = "data:image/png;base64," + Base64.getEncoder().encodeToString(large());

  private static byte[] large() {
    var bytes = new byte[2_900_000];
    new Random(1).nextBytes(bytes);
    System.arraycopy(Base64.getDecoder().decode("iVBORw0KGgo="), 0, bytes, 0, 8);
    return bytes;
  }

  @TempDir Path directory;
  private StandInModel model;

  @BeforeEach void open() throws IOException {
    model = StandInModel.start();
  }

  @AfterEach void close() {
    model.close();
  }

  private GatewayProcess start() {
    return GatewayProcess.on(directory.resolve("data"))
        .set("portcullis.agents.main.harness", "model")
        .set("portcullis.harnesses.model", "{ kind = openai, base-url = \"" + model.baseUrl() + "\", model = "
            + StandInModel.MODEL + ", api-key = ${MODEL_KEY}, retries = 0 }")
        .environment("MODEL_KEY", "sk-test")
        .set("portcullis.run.resume-delays", "[0s]")
        .start();
  }

  private HttpResponse<String> post(GatewayProcess gateway, String path, String body)
      throws IOException, InterruptedException {
    var http = URI.create(gateway.addresses().orElseThrow().path("http").asText());
    var request = HttpRequest.newBuilder(http.resolve(path))
        .timeout(Duration.ofSeconds(30))
        .header("Authorization", "Bearer " + Files.readString(directory.resolve("data").resolve("token")).strip())
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
    try (var client = HttpClient.newHttpClient()) {
      return client.send(request, BodyHandlers.ofString());
    }
  }

  /** A turn of alice's, whose conversation is the gateway's. */
  private JsonNode chat(GatewayProcess gateway, String messages) throws IOException, InterruptedException {
    var answer = post(gateway, "/v1/chat/completions",
        "{\"model\":\"main\",\"user\":\"alice\"," + TOOLS + ",\"messages\":" + messages + "}");
    assertEquals(200, answer.statusCode(), answer.body());
    return JSON.readTree(answer.body()).path("choices").path(0);
  }

  private JsonNode lastAsked() {
    return model.calls().getLast().body().path("messages");
  }

  @Test
  @Tag("K-1")
  @Tag("INV-M8")
  void aCallOfAModelAndTheImageBeforeItSurviveAKillAndItsResultIsAnsweredAfterwards() throws Exception {
    String call;
    try (var gateway = start().awaitReady()) {
      var choice = chat(gateway, """
          [{"role":"user","content":[{"type":"image_url","image_url":{"url":"%s"}},
            {"type":"text","text":"[[tool weather {\\"city\\":\\"Oslo\\"}]]"}]}]""".formatted(PNG));
      assertEquals("tool_calls", choice.path("finish_reason").asText());
      call = choice.path("message").path("tool_calls").path(0).path("id").asText();
      assertTrue(lastAsked().toString().contains(PNG));
      gateway.kill9();
    }

    try (var gateway = start().awaitReady()) {
      var choice = chat(gateway, """
          [{"role":"assistant","content":null,"tool_calls":[{"id":"%s","type":"function","function":
            {"name":"weather","arguments":"{}"}}]},{"role":"tool","tool_call_id":"%s","content":"rain"}]"""
          .formatted(call, call));
      assertEquals("stop", choice.path("finish_reason").asText());
      assertEquals("The tool said: rain", choice.path("message").path("content").asText());
      var roles = StreamSupport.stream(lastAsked().spliterator(), false).map(each -> each.path("role").asText()).toList();
      assertEquals("[user, assistant, tool]", roles.toString());
      assertTrue(lastAsked().path(0).toString().contains(PNG), "the image is of the conversation");
      // What the model has said, not what the client says that it said.
      assertEquals("{\"city\":\"Oslo\"}", lastAsked().path(1).path("tool_calls").path(0).path("function")
          .path("arguments").asText());
    }
  }

  @Test
  @Tag("K-1")
  void anImageThatWasAcceptedReachesTheModelAfterAKill() throws Exception {
    String run;
    try (var gateway = start().awaitReady(); var client = gateway.client()) {
      var body = "{\"message\":\"[[slow 40 100]]\",\"attachments\":[{\"type\":\"image\",\"data\":\"" + LARGE + "\"}]}";
      var accepted = post(gateway, "/api/v1/sessions/pictures/runs", body);
      assertEquals(202, accepted.statusCode(), accepted.body());
      run = JSON.readTree(accepted.body()).path("runId").asText();
      Await.until("words", GatewayProcess.PATIENCE, () -> !client.run(run).path("text").asText().isEmpty());
      gateway.kill9();
    }
    int before = model.calls().size();

    try (var gateway = start().awaitReady(); var client = gateway.client()) {
      Await.until("asked again", GatewayProcess.PATIENCE, () -> model.calls().size() > before);
      assertTrue(lastAsked().toString().contains(LARGE), "the model is shown the image");
      var view = client.run(run);
      assertEquals("image/png", view.path("attachments").path(0).path("mediaType").asText());
      assertEquals(2, view.path("attempts").asInt());
    }
  }

  @Test
  void echoRefusesBothByNameBeforeItAcceptsThem() throws Exception {
    try (var gateway = GatewayProcess.on(directory.resolve("data")).start().awaitReady()) {
      var image = post(gateway, "/api/v1/sessions/x/runs",
          "{\"message\":\"\",\"attachments\":[{\"type\":\"image\",\"data\":\"" + PNG + "\"}]}");
      var tools = post(gateway, "/v1/chat/completions",
          "{\"model\":\"main\"," + TOOLS + ",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}");
      assertEquals("400 images_not_supported", image.statusCode() + " "
          + JSON.readTree(image.body()).path("error").path("code").asText());
      assertEquals("400 tools_not_supported", tools.statusCode() + " "
          + JSON.readTree(tools.body()).path("error").path("code").asText());
    }
  }
}
