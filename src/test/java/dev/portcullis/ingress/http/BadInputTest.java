package dev.portcullis.ingress.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.ingress.IngressRig;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Input that is wrong is refused in the one error shape, and nothing comes of it. */
class BadInputTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final String RUNS = "/api/v1/sessions/main/runs";
  private static final String CHAT = "/v1/chat/completions";
  private static final String DECIDE = "/api/v1/runs/run-1/approvals/a";

  @TempDir Path data;
  private IngressRig rig;

  @BeforeEach
  void open() {
    rig = new IngressRig(KIT.system(), data.resolve("d"));
  }

  @AfterEach
  void nothingWasSubmitted() {
    assertTrue(rig.sessions.submitted().isEmpty());
    assertTrue(rig.sessions.asked().isEmpty(), () -> rig.sessions.asked().toString());
    rig.close();
  }

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  static Stream<Arguments> everyJsonRouteAndMalformedBody() {
    var bodies = List.of(
        "", "{", "[]", "null", "\"text\"", "{}x", "{\"message\":\"a\",\"message\":\"b\"}", "{\"a\":"
            + "9".repeat(80) + "}",
        "{\"a\":" + "[".repeat(10_000) + "]".repeat(10_000) + "}", "{'message':'a'}",
            "{\"message\":\"\u0001\"}");
    return Stream.of(RUNS, CHAT, DECIDE)
        .flatMap(path -> bodies.stream().map(body -> Arguments.of(path, body)));
  }

  @ParameterizedTest
  @MethodSource("everyJsonRouteAndMalformedBody")
  void aBodyThatIsNoJsonObjectIsRefused(String path, String body) {
    IngressRig.assertProblem(400, "", rig.post(path, body));
  }

  @ParameterizedTest
  @ValueSource(strings = {RUNS, CHAT, DECIDE})
  void bytesThatAreNoUtf8AreRefused(String path) {
    var bytes = new byte[] {'{', '"', 'm', '"', ':', '"', (byte) 0xff, (byte) 0xc0, '"', '}'};
    IngressRig.assertProblem(400, "", rig.send(rig.request(path).POST(BodyPublishers.ofByteArray(bytes))));
  }

  @ParameterizedTest
  @ValueSource(strings = {RUNS, CHAT, DECIDE})
  void bytesThatAreNoTextAreRefused(String path) {
    var bytes = new byte[] {0, '{', 0, 0};
    IngressRig.assertProblem(400, "", rig.send(rig.request(path).POST(BodyPublishers.ofByteArray(bytes))));
  }

  @ParameterizedTest
  @ValueSource(strings = {RUNS, CHAT, DECIDE})
  void aBodyPastTheLimitIsTooLarge(String path) {
    var body = "{\"message\":\"" + "x".repeat(70_000) + "\"}";
    IngressRig.assertProblem(413, "body_too_large", rig.post(path, body));
    var chunked = BodyPublishers.ofInputStream(() -> new java.io.ByteArrayInputStream(body.getBytes()));
    IngressRig.assertProblem(413, "body_too_large", rig.send(rig.request(path).POST(chunked)));
  }

  @ParameterizedTest
  @ValueSource(strings = {RUNS, CHAT, DECIDE})
  void anotherMediaTypeIsRefused(String path) {
    for (var type : List.of("text/plain", "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x")) {
      IngressRig.assertProblem(415, "unsupported_media_type", rig.send(
          rig.request(path).setHeader("Content-Type", type).POST(BodyPublishers.ofString("{}"))));
    }
    IngressRig.assertProblem(415, "unsupported_media_type", rig.post(path, "{}", "Content-Encoding", "gzip"));
  }

  static Stream<Arguments> wrongFields() {
    var message = "{\"role\":\"user\",\"content\":\"hi\"}";
    var chat = "{\"model\":\"main\",\"messages\":[" + message + "],";
    return Stream.of(
        Arguments.of(RUNS, "{}", "message"),
        Arguments.of(RUNS, "{\"message\":null}", "message"),
        Arguments.of(RUNS, "{\"message\":7}", "message"),
        Arguments.of(RUNS, "{\"message\":[\"a\"]}", "message"),
        Arguments.of(RUNS, "{\"message\":\"  \"}", "message"),
        Arguments.of(RUNS, "{\"message\":\"" + "x".repeat(1_001) + "\"}", "message"),
        Arguments.of(RUNS, "{\"message\":\"half \\ud83d\"}", "message"),
        Arguments.of(RUNS, "{\"message\":\"a\",\"mode\":\"steer\"}", "mode"),
        Arguments.of(RUNS, "{\"message\":\"a\",\"agent\":1}", "agent"),
        Arguments.of(RUNS, "{\"message\":\"a\",\"idempotencyKey\":\"\"}", "idempotencyKey"),
        Arguments.of(RUNS, "{\"message\":\"a\",\"idempotencyKey\":\"a b\"}", "idempotencyKey"),
        Arguments.of(RUNS, "{\"message\":\"a\",\"idempotencyKey\":\"ä\"}", "idempotencyKey"),
        Arguments.of(RUNS, "{\"message\":\"a\",\"idempotencyKey\":\"" + "k".repeat(256) + "\"}",
            "idempotencyKey"),
        Arguments.of("/api/v1/sessions/agent:main:main/runs", "{\"message\":\"a\",\"agent\":\"second\"}",
            "agent"),
        Arguments.of("/api/v1/sessions/agent:x/runs", "{\"message\":\"a\"}", "key"),
        Arguments.of("/api/v1/sessions/a%20b/runs", "{\"message\":\"a\"}", "key"),
        Arguments.of("/api/v1/sessions/..%2Fetc/runs", "{\"message\":\"a\"}", "key"),
        Arguments.of("/api/v1/sessions/agent:main:" + "k".repeat(512) + "/runs", "{\"message\":\"a\"}",
            "key"),
        Arguments.of(DECIDE, "{}", "decision"),
        Arguments.of(DECIDE, "{\"decision\":\"maybe\"}", "decision"),
        Arguments.of(DECIDE, "{\"decision\":true}", "decision"),
        Arguments.of(CHAT, "{\"messages\":[" + message + "]}", "model"),
        Arguments.of(CHAT, "{\"model\":\"main\"}", "messages"),
        Arguments.of(CHAT, "{\"model\":\"main\",\"messages\":[]}", "messages"),
        Arguments.of(CHAT, "{\"model\":\"main\",\"messages\":\"hi\"}", "messages"),
        Arguments.of(CHAT, "{\"model\":\"main\",\"messages\":[7]}", "messages[0]"),
        Arguments.of(CHAT, chatOf("{\"role\":\"assistant\",\"content\":\"a\"}"), "messages[0].role"),
        Arguments.of(CHAT, chatOf("{\"role\":\"wizard\",\"content\":\"a\"}"), "messages[0].role"),
        Arguments.of(CHAT, chatOf("{\"role\":\"user\"}"), "messages[0].content"),
        Arguments.of(CHAT, chatOf("{\"role\":\"user\",\"content\":\"\"}"), "messages[0].content"),
        Arguments.of(CHAT, chatOf("{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}"),
            "messages[0].content[0].image_url.url"),
        Arguments.of(CHAT, chatOf("{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\"}]}"),
            "messages[0].content[0]"),
        Arguments.of(CHAT, chatOf("{\"role\":\"tool\",\"tool_call_id\":\"t\",\"content\":\"42\"}"), "messages[0]"),
        Arguments.of(CHAT, chatOf("{\"role\":\"assistant\",\"content\":\"x\"}"), "messages[0].role"),
        Arguments.of(CHAT, chat + "\"tools\":[{\"type\":\"web_search\"}]}", "tools[0].type"),
        Arguments.of(CHAT, chat + "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a b\"}}]}",
            "tools[0].function.name"),
        Arguments.of(CHAT, chatOf("{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}"),
            "messages[0].content[0].text"),
        Arguments.of(CHAT, chatOf("{\"role\":\"user\",\"content\":\"\\udc00\"}"), "messages[0].content"),
        Arguments.of(CHAT, chatOf("{\"role\":\"user\",\"content\":\"" + "x".repeat(1_001) + "\"}"),
            "messages[0].content"),
        Arguments.of(CHAT, chat + "\"stream\":\"yes\"}", "stream"),
        Arguments.of(CHAT, chat + "\"stream_options\":true}", "stream_options"),
        Arguments.of(CHAT, chat + "\"n\":2}", "n"),
        Arguments.of(CHAT, chat + "\"n\":1.5}", "n"),
        Arguments.of(CHAT, chat + "\"logprobs\":true}", "logprobs"),
        Arguments.of(CHAT, chat + "\"max_tokens\":0}", "max_tokens"),
        Arguments.of(CHAT, chat + "\"temperature\":\"hot\"}", "temperature"),
        Arguments.of(CHAT, chat + "\"tools\":{}}", "tools"),
        Arguments.of(CHAT, chat + "\"tool_choice\":\"required\"}", "tool_choice"),
        Arguments.of(CHAT, chat + "\"modalities\":[\"audio\"]}", "modalities"),
        Arguments.of(CHAT, chat + "\"user\":5}", "user"));
  }

  private static String chatOf(String message) {
    return "{\"model\":\"main\",\"messages\":[" + message + "]}";
  }

  @ParameterizedTest
  @MethodSource("wrongFields")
  void aWrongFieldIsNamed(String path, String body, String param) {
    var response = rig.post(path, body);
    IngressRig.assertProblem(400, "", response);
    assertEquals(param, IngressRig.json(response).path("error").path("param").asText());
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "/api/v1/sessions?limit=0", "/api/v1/sessions?limit=501", "/api/v1/sessions?limit=x",
        "/api/v1/sessions?limit=1&limit=2",
    "/api/v1/sessions?cursor=bogus", "/api/v1/sessions?cursor=%20", "/api/v1/sessions?active=maybe",
    "/api/v1/sessions/main/history?after=-1", "/api/v1/sessions/main/history?limit=1e3",
    "/api/v1/runs/run-1?wait=soon", "/api/v1/runs/run-1?wait=-1s", "/api/v1/runs/run-1/events?after=x",
    "/api/v1/runs/run-1/events?after=99999999999999999999", "/api/v1/sessions/%00"})
  void aWrongParameterIsRefused(String path) {
    IngressRig.assertProblem(400, "", rig.get(path));
  }

  @Test
  void aWrongLastEventIdIsRefused() {
    IngressRig.assertProblem(400, "",
        rig.send(rig.request("/api/v1/runs/r/events").header("Last-Event-ID", "x").GET()));
  }

  @Test
  void twoDifferentKeysInOneRequestAreRefused() {
    IngressRig.assertProblem(400, "",
        rig.post(RUNS, "{\"message\":\"a\",\"idempotencyKey\":\"one\"}", "Idempotency-Key", "two"));
    IngressRig.assertProblem(400, "",
        rig.post(CHAT, IngressRig.ask("main", "a", false), "Idempotency-Key", "k".repeat(256)));
  }

  @Test
  void whatIsNotThereIsNotFound() {
    IngressRig.assertProblem(404, "agent_not_found",
        rig.post("/api/v1/sessions/agent:ghost:main/runs", "{\"message\":\"a\"}"));
    IngressRig.assertProblem(404, "agent_not_found",
        rig.post(RUNS, "{\"message\":\"a\",\"agent\":\"ghost\"}"));
    IngressRig.assertProblem(404, "agent_not_found", rig.get("/api/v1/sessions?agent=ghost"));
    IngressRig.assertProblem(404, "model_not_found", rig.post(CHAT, IngressRig.ask("ghost", "a", false)));
    IngressRig.assertProblem(404, "model_not_found", rig.get("/v1/models/ghost"));
    IngressRig.assertProblem(404, "run_not_found", rig.get("/api/v1/runs/run-1"));
    IngressRig.assertProblem(404, "run_not_found", rig.get("/api/v1/runs/run-1?wait=5s"));
    IngressRig.assertProblem(404, "run_not_found", rig.get("/api/v1/runs/%2e%2e%2f"));
    IngressRig.assertProblem(404, "run_not_found", rig.get("/api/v1/runs/run-1/events"));
    IngressRig.assertProblem(404, "session_not_found", rig.get("/api/v1/sessions/agent:main:none"));
    IngressRig.assertProblem(404, "session_not_found", rig.get("/api/v1/sessions/none/history"));
  }
}
