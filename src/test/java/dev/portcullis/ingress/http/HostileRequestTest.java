package dev.portcullis.ingress.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.ingress.IngressRig;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What no honest client sends, to the real port. */
class HostileRequestTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final String RUNS = "/api/v1/sessions/main/runs";

  @TempDir Path data;
  private IngressRig rig;

  @BeforeEach
  void open() {
    rig = new IngressRig(KIT.system(), data.resolve("d"));
  }

  @AfterEach
  void close() {
    assertTrue(rig.sessions.submitted().isEmpty(), "a turn was taken");
    rig.close();
  }

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  private String post(String head, String body) throws IOException {
    return rig.raw("POST " + RUNS + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        + "Authorization: Bearer " + rig.token.reveal() + "\r\n" + head + "\r\n" + body);
  }

  /** Each ends with a whole second request, which must not be answered. */
  @ParameterizedTest
  @ValueSource(strings = {
      "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
      "Content-Length: 4\r\nContent-Length: 5\r\n", "Content-Length: 4, 5\r\n", "Content-Length: -1\r\n",
      "Content-Length: +4\r\n", "Content-Length: 0x4\r\n", "Transfer-Encoding: chunked, identity\r\n",
      "Transfer-Encoding: xchunked\r\n", "Content-Length : 4\r\n", "X: a\r\n b\r\nContent-Length : 4\r\n",
      "X: a\u0000b\r\nContent-Length: 4\r\n"})
  @Tag("SEC-53")
  void aRequestWhoseEndIsInDoubtIsRefusedAndTheConnectionClosed(String head) throws IOException {
    var answer = post(head, "0\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
        + rig.token.reveal() + "\r\n\r\n");
    assertTrue(answer.startsWith("HTTP/1.1 4") || answer.startsWith("HTTP/1.1 501"), answer);
    assertFalse(answer.contains("\"object\":\"list\""), answer);
  }

  @Test
  @Tag("SEC-53")
  void headersOfMoreThan16KiBTogetherAreRefused() throws IOException {
    var line = "X-Pad: " + "a".repeat(4_000) + "\r\n";
    assertTrue(post(line.repeat(5) + "Content-Length: 2\r\nConnection: close\r\n", "{}").startsWith("HTTP/1.1 431"));
    assertTrue(post(line.repeat(3) + "Content-Length: 2\r\nConnection: close\r\n", "{}").startsWith("HTTP/1.1 400"));
  }

  @ParameterizedTest
  @CsvSource({
      "GET /v1/models, 'Host: localhost\r\nHost: localhost', 400",
      "GET http://evil.example/v1/models, Host: evil.example, 421",
      "GET http://evil.example/v1/models, Host: localhost, 400",
      "GET /v1/models, Host: evil.example, 421",
      "GET /v1/models, Host: LOCALHOST., 200",
      "GET /v1/models, Host: 10.0.0.1, 421",
      "GET /v1/models, 'Host: localhost\r\nX-Forwarded-Host: evil.example', 200"})
  @Tag("SEC-03")
  void theHostMustBeOneThatThePortGoesBy(String line, String host, int status) throws IOException {
    var answer = rig.raw(line + " HTTP/1.1\r\n" + host + "\r\nConnection: close\r\nAuthorization: Bearer "
        + rig.token.reveal() + "\r\n\r\n");
    assertTrue(answer.startsWith("HTTP/1.1 " + status), answer);
  }

  @ParameterizedTest
  @CsvSource({
      "Origin: null, 403", "Origin: http://localhost.evil.example, 403", "Origin: https://localhost, 403",
      "'Origin: http://localhost\r\nOrigin: http://evil.example', 403", "Origin: http://localhost, 200",
      "Origin: http://localhost:1, 403", "Sec-Fetch-Site: cross-site, 403", "Sec-Fetch-Site: same-site, 403",
      "Sec-Fetch-Site: same-origin, 200", "Sec-Fetch-Site: none, 200",
      "'Origin: http://evil.example\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: http', 403"})
  @Tag("SEC-02")
  @Tag("SEC-04")
  void aPageOfAnotherOriginIsRefusedWithAValidToken(String header, int status) throws IOException {
    var answer = rig.raw("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer "
        + rig.token.reveal() + "\r\n" + header + "\r\n\r\n");
    assertTrue(answer.startsWith("HTTP/1.1 " + status), answer);
  }

  @Test
  @Tag("SEC-04")
  void aFormOfAPageStartsNothing() {
    for (var type : List.of("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")) {
      var response = rig.send(rig.request(RUNS).setHeader("Content-Type", type)
          .POST(BodyPublishers.ofString("{\"message\":\"hi\"}")));
      assertEquals(415, response.statusCode(), type);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"token", "access_token", "api_key", "ACCESS_TOKEN", "a=1&token"})
  @Tag("SEC-10")
  void aTokenInTheUrlIsRefusedBesidesAValidOneToo(String name) {
    var path = "/v1/models?" + name + "=" + rig.token.reveal();
    IngressRig.assertProblem(401, "invalid_api_key", rig.get(path));
    IngressRig.assertProblem(401, "invalid_api_key", rig.send(HttpRequest.newBuilder(URI.create(rig.url(path)))));
  }

  @Test
  @Tag("SEC-12")
  void aHundredWrongMethodsAreNoWrongCredentials() {
    for (int i = 0; i < 100; i++) {
      assertEquals(405, rig.send(rig.request(RUNS).setHeader("Authorization", "Bearer x").GET()).statusCode());
      assertEquals(404, rig.send(rig.request("/x").setHeader("Authorization", "Bearer x").GET()).statusCode());
    }
    assertEquals(400, rig.post(RUNS, "{}").statusCode());
  }

  @Test
  @Tag("SEC-13")
  void whatAHeaderSaysOfWhoAsksCountsForNothing() {
    for (var header : List.of("X-Forwarded-For", "X-Forwarded-User", "X-Real-IP", "Forwarded", "x-api-key")) {
      var request = HttpRequest.newBuilder(URI.create(rig.url("/v1/models"))).header(header, "127.0.0.1");
      IngressRig.assertProblem(401, "invalid_api_key", rig.send(request));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {
      "{\"message\":\"hi\",\"metadata\":{\"__proto__\":{\"admin\":true}}}", "{\"message\":\"hi\",\"__proto__\":1}",
      "{\"message\":\"hi\",\"message\":\"ho\"}", "{\"message\":\"hi\"} {}", "{\"message\":\"hi\"", "[]"})
  @Tag("SEC-52")
  void jsonThatMayBeReadInTwoWaysIsRefused(String body) {
    assertEquals(400, rig.post(RUNS, body).statusCode());
  }

  @ParameterizedTest
  @ValueSource(strings = {"__proto__", "constructor", "prototype", "agent:main:__proto__", "agent:main:x:constructor"})
  @Tag("SEC-52")
  void whatBrowsersStumbleOverIsNoKey(String key) {
    assertEquals(400, rig.post("/api/v1/sessions/" + key + "/runs", "{\"message\":\"hi\"}").statusCode());
    assertEquals(400, rig.get("/api/v1/sessions/" + key).statusCode());
  }

  @Test
  @Tag("SEC-50")
  void whatIsTooDeepTooLongOrTooMuchIsRefusedAndTheNextOneIsServed() {
    assertEquals(400, rig.post(RUNS, "[".repeat(10_000)).statusCode());
    assertEquals(400, rig.post(RUNS, "{\"a\":" + "[".repeat(65) + "]".repeat(65) + "}").statusCode());
    assertEquals(400, rig.post(RUNS, "{\"a\":" + "9".repeat(65) + "}").statusCode());
    assertEquals(400, rig.post(RUNS, "{\"message\":\"" + "a".repeat(1_001) + "\"}").statusCode());
    IngressRig.assertProblem(413, "body_too_large", rig.post(RUNS, "{\"message\":\"" + "a".repeat(70_000) + "\"}"));
    assertEquals(200, rig.get("/v1/models").statusCode());
  }

  @Test
  @Tag("SEC-31")
  void aBodyThatDripsIsCutOffAtItsDeadline() throws IOException {
    try (var socket = new Socket("127.0.0.1", rig.ingress.address().getPort())) {
      socket.setSoTimeout(8_000);
      socket.getOutputStream().write(("POST " + RUNS + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
          + "Content-Type: application/json\r\nAuthorization: Bearer " + rig.token.reveal()
          + "\r\nContent-Length: 100\r\n\r\n{").getBytes(StandardCharsets.US_ASCII));
      var answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(answer.startsWith("HTTP/1.1 408"), answer);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /CANARY\u0001 HTTP/1.1\r\n\r\n",
      "CANARY / HTTP/9.9\r\nHost: localhost\r\n\r\n", "GET / HTTP/1.1\r\nHost: CANARY CANARY\r\n\r\n"})
  @Tag("SEC-55")
  void whatIsMalformedIsToldNothingOfItselfOrOfUs(String request) throws IOException {
    var answer = rig.raw(request);
    assertTrue(answer.contains("\"code\":\"malformed_request\""), answer);
    assertFalse(answer.contains("CANARY") || answer.contains("pekko"), answer);
  }
}
