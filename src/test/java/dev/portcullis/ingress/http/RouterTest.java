package dev.portcullis.ingress.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.ingress.IngressRig;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.listener.IngressListener;
import dev.portcullis.session.Gate;
import dev.portcullis.session.Receipt;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.LoggingTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What every request has in common: error shape, request id, token, scope, host, origin. */
class RouterTest {
  private static final ActorTestKit KIT = ActorTestKit.create();

  @TempDir Path data;
  private IngressRig rig;

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

  private Stream<Endpoint> endpoints() {
    return IngressListener.endpoints(
            rig.edge, new Sse(Duration.ofSeconds(15)), new Problems(rig.edge.random()), KIT.system())
        .stream();
  }

  private HttpRequest.Builder to(Endpoint endpoint) {
    var path = endpoint.path().replace("{key}", "foo").replaceAll("\\{[a-zA-Z]+}", "x");
    return HttpRequest.newBuilder(URI.create(rig.url(path)))
        .header("Content-Type", "application/json")
        .method(endpoint.method(), BodyPublishers.ofString(endpoint.json() ? "{}" : ""));
  }

  @Test
  void everyRouteWantsAToken() {
    endpoints().forEach(endpoint -> {
      var missing = rig.send(to(endpoint));
      IngressRig.assertProblem(401, "invalid_api_key", missing);
      assertEquals("Bearer", missing.headers().firstValue("www-authenticate").orElse(""));
      for (var wrong : List.of("Bearer wrong", "Basic b3duZXI6eA==", "Bearer " + rig.token.reveal() + "x",
          "Bearer")) {
        IngressRig.assertProblem(401, "invalid_api_key", rig.send(to(endpoint).header("Authorization", wrong)));
      }
    });
    assertTrue(rig.sessions.submitted().isEmpty());
    assertTrue(rig.sessions.asked().isEmpty());
  }

  @Test
  void aTokenInTheUrlIsNoToken() {
    var url = rig.url("/v1/models?access_token=" + rig.token.reveal());
    IngressRig.assertProblem(401, "invalid_api_key", rig.send(HttpRequest.newBuilder(URI.create(url))));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/v1", "/v1/models/", "/v1/models/a/b", "/api/v1/runs", "/api/v1/nothing",
      "//v1/models"})
  void anUnknownPathIsNotFound(String path) {
    IngressRig.assertProblem(404, "not_found", rig.get(path));
  }

  @ParameterizedTest
  @CsvSource({
    "HEAD,/v1/models,GET", "OPTIONS,/v1/chat/completions,POST", "GET,/v1/chat/completions,POST",
    "PUT,/api/v1/sessions/main,'DELETE, GET'", "DELETE,/api/v1/runs/x,GET", "PATCH,/api/v1/status,GET"
  })
  void anUnknownMethodIsToldWhatThereIs(String method, String path, String allow) {
    var response = rig.send(rig.request(path).method(method, BodyPublishers.noBody()));
    assertEquals(405, response.statusCode());
    assertEquals(allow, response.headers().firstValue("allow").orElse(""));
    assertTrue(response.headers().firstValue("x-request-id").isPresent());
  }

  @ParameterizedTest
  @CsvSource({"localhost,200", "127.0.0.1:8420,200", "localhost.,200", "[::1]:1,200", "evil.example,421",
    "localhost.evil.example,421", "127.0.0.1.nip.io:8420,421"})
  void aLoopbackListenerAnswersOnlyToLoopbackNames(String host, int status) throws IOException {
    var answer = rig.raw("GET /v1/models HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n"
        + "Authorization: Bearer " + rig.token.reveal() + "\r\n\r\n");
    assertTrue(answer.startsWith("HTTP/1.1 " + status), answer);
  }

  @Test
  void aPageOfAnotherOriginIsRefusedWithAValidToken() {
    for (var origin : List.of("https://evil.example", "null", "http://localhost.evil.example",
        "http://127.0.0.1:1")) {
      IngressRig.assertProblem(403, "origin_not_allowed",
          rig.send(rig.request("/api/v1/sessions/main/runs").header("Origin", origin)
              .POST(BodyPublishers.ofString("{\"message\":\"hi\"}"))));
    }
    IngressRig.assertProblem(403, "origin_not_allowed",
        rig.send(rig.request("/v1/models").header("Sec-Fetch-Site", "cross-site").GET()));
    assertEquals(200, rig.send(rig.request("/v1/models").header("Origin", rig.url("")).GET()).statusCode());
    assertTrue(rig.sessions.submitted().isEmpty());
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "GET /v1/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "NONSENSE /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /v1/models HTTP/1.1\r\n\r\n",
    "GET http://evil.example/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"})
  void whatCannotBeParsedHasTheErrorShapeToo(String request) throws IOException {
    var answer = rig.raw(request);
    assertTrue(answer.startsWith("HTTP/1.1 4") || answer.startsWith("HTTP/1.1 501"), answer);
    assertTrue(answer.toLowerCase().contains("x-request-id: req_"), answer);
    assertTrue(answer.contains("{\"error\":{\"message\":"), answer);
    assertFalse(answer.toLowerCase().contains("server: "), answer);
  }

  @ParameterizedTest
  @EnumSource(value = Gate.State.class, names = "OPEN", mode = EnumSource.Mode.EXCLUDE)
  void aClosedGateSaysWhyAndWhenToComeBack(Gate.State state) {
    rig.sessions.refuse(new Receipt.Closed(state));
    var code = switch (state) {
      case BOOTING, OPEN -> "not_ready";
      case DRAINING -> "draining";
      case STORAGE_LOW -> "storage_low";
      case FENCED -> "journal_unavailable";
    };
    for (var response : List.of(
        rig.post("/api/v1/sessions/main/runs", "{\"message\":\"hi\"}"),
        rig.post("/v1/chat/completions", IngressRig.ask("main", "hi", false)),
        rig.post("/v1/chat/completions", IngressRig.ask("main", "hi", true)))) {
      IngressRig.assertProblem(503, code, response);
      assertTrue(response.headers().firstValue("retry-after").isPresent());
      assertEquals("true", response.headers().firstValue("x-should-retry").orElse(""));
    }
  }

  @Test
  void aFullQueueAndABusySessionAreDistinct() {
    rig.sessions.refuse(new Receipt.QueueFull(100));
    var full = rig.post("/api/v1/sessions/main/runs", "{\"message\":\"hi\"}");
    IngressRig.assertProblem(429, "rate_limit_exceeded", full);
    assertTrue(full.headers().firstValue("retry-after").isPresent());
    rig.sessions.refuse(new Receipt.Busy("run-9"));
    var busy = rig.post("/api/v1/sessions/main/runs", "{\"message\":\"hi\"}");
    IngressRig.assertProblem(409, "session_busy", busy);
    assertEquals("run-9", IngressRig.json(busy).path("runId").asText());
  }

  @Test
  void anUnansweredJournalIsUnknownAndCanBeAskedAgain() {
    rig.sessions.fail(new CompletionException(new TimeoutException("ask")));
    var response = rig.post("/api/v1/sessions/main/runs", "{\"message\":\"hi\",\"idempotencyKey\":\"k\"}");
    IngressRig.assertProblem(503, "journal_unavailable", response);
    assertTrue(IngressRig.json(response).path("error").path("message").asText().contains("same key"));
  }

  @Test
  void aBugIsNamedByAnIdAndNothingElse() {
    rig.sessions.fail(new IllegalStateException("a secret detail"));
    var response = LoggingTestKit.error("ingress.bug errorId=err_")
        .expect(KIT.system(), () -> rig.get("/api/v1/runs/run-1"));
    IngressRig.assertProblem(500, "internal_error", response);
    assertTrue(response.body().contains("err_"), response.body());
    assertFalse(response.body().contains("secret"), response.body());
  }

  @Test
  void noResponseNamesItsServer() {
    assertTrue(rig.get("/v1/models").headers().firstValue("server").isEmpty());
  }
}
