package dev.portcullis.ingress.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.ingress.Digests;
import dev.portcullis.ingress.IngressRig;
import dev.portcullis.protocol.RunEvent;
import java.io.UncheckedIOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CredentialRoutesTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final String PATH = "/api/v1/credentials";

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

  private String add(String name, String scopes) {
    var response = rig.post(PATH, "{\"name\":\"" + name + "\",\"scopes\":[" + scopes + "]}");
    assertEquals(201, response.statusCode(), response.body());
    return IngressRig.json(response).path("token").asText();
  }

  private HttpResponse<String> models(String token) {
    return rig.send(rig.request("/v1/models").setHeader("Authorization", "Bearer " + token).GET());
  }

  @Test
  @Tag("SEC-16")
  void aCredentialHoldsFromTheAnswerThatMakesItToTheAnswerThatEndsIt() {
    var token = add("ci", "\"operator.read\"");
    assertEquals(200, models(token).statusCode());
    var fresh = IngressRig.json(rig.post(PATH + "/ci/rotate", "")).path("token").asText();
    IngressRig.assertProblem(401, "invalid_api_key", models(token));
    assertEquals(200, models(fresh).statusCode());
    assertEquals(200, rig.send(rig.request(PATH + "/ci").DELETE()).statusCode());
    IngressRig.assertProblem(401, "invalid_api_key", models(fresh));
    IngressRig.assertProblem(404, "credential_not_found", rig.send(rig.request(PATH + "/ci").DELETE()));
  }

  @Test
  @Tag("SEC-16")
  void theOwnerWhoRotatesItsTokenHearsTheNewOneAndTheOldOneIsNoMore() {
    var response = rig.post(PATH + "/owner/rotate", "");
    assertEquals(200, response.statusCode(), response.body());
    IngressRig.assertProblem(401, "invalid_api_key", models(rig.token.reveal()));
    assertEquals(200, models(IngressRig.json(response).path("token").asText()).statusCode());
  }

  @Test
  @Tag("SEC-16")
  void aStreamEndsWithinASecondOfItsCredential() {
    var token = add("ci", "\"operator.write\"");
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    var run = IngressRig.json(rig.send(rig.request("/api/v1/sessions/x/runs")
        .setHeader("Authorization", "Bearer " + token)
        .POST(BodyPublishers.ofString("{\"message\":\"hi\"}")))).path("runId").asText();
    try (var lines = rig.lines(rig.request("/api/v1/runs/" + run + "/events")
        .setHeader("Authorization", "Bearer " + token)).body()) {
      var iterator = lines.iterator();
      assertTrue(iterator.next().startsWith("id: 1"));
      var revoked = System.nanoTime();
      rig.send(rig.request(PATH + "/ci").DELETE());
      assertThrows(UncheckedIOException.class, () -> iterator.forEachRemaining(_ -> { }), "the stream ended well");
      assertTrue(Duration.ofNanos(System.nanoTime() - revoked).toMillis() < 1_000);
    }
  }

  @Test
  @Tag("SEC-16")
  void whoWaitsWhileItsCredentialEndsIsToldNothing() throws Exception {
    var token = add("ci", "\"operator.write\"");
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    var asked = rig.request("/v1/chat/completions")
        .setHeader("Authorization", "Bearer " + token)
        .POST(BodyPublishers.ofString(IngressRig.ask("main", "hi", false)));
    var answer = java.util.concurrent.CompletableFuture.supplyAsync(() -> rig.send(asked), Thread::startVirtualThread);
    while (rig.sessions.runIds().isEmpty()) {
      Thread.onSpinWait();
    }
    rig.send(rig.request(PATH + "/ci").DELETE());
    rig.sessions.play(rig.sessions.runIds().getFirst(),
        new RunEvent.Text(1, "secret"), new RunEvent.Completed("end_turn", new dev.portcullis.protocol.Usage(1, 1)));
    IngressRig.assertProblem(401, "invalid_api_key", answer.get(10, java.util.concurrent.TimeUnit.SECONDS));
  }

  @Test
  @Tag("SEC-17")
  void theListHasNoSecretAndNothingThatIsTakenForOne() {
    var token = add("ci", "\"operator.read\"");
    var list = rig.get(PATH).body();
    for (var name : List.of("owner", "ci", "read", "nobody")) {
      assertTrue(list.contains("\"name\":\"" + name + "\""), list);
    }
    for (var secret : List.of(token, Digests.hex(token), rig.token.reveal(), Digests.hex("token-of-read"))) {
      assertFalse(list.contains(secret), list);
    }
    IngressRig.assertProblem(401, "invalid_api_key", models(Digests.hex(token)));
  }

  @Test
  void whatIsNoCredentialIsRefusedByItsField() {
    for (var body : List.of("{}", "{\"name\":\"x\"}", "{\"name\":\"a b\",\"scopes\":[]}",
        "{\"name\":\"x\",\"scopes\":[\"root\"]}", "{\"name\":\"x\",\"scopes\":[7]}",
        "{\"name\":\"x\",\"scopes\":[],\"sessions\":\"some\"}", "{\"name\":\"__proto__\",\"scopes\":[]}")) {
      assertEquals(400, rig.post(PATH, body).statusCode(), body);
    }
    IngressRig.assertProblem(409, "credential_exists", rig.post(PATH, "{\"name\":\"read\",\"scopes\":[]}"));
    IngressRig.assertProblem(409, "credential_fixed", rig.post(PATH + "/read/rotate", ""));
  }

  @Test
  void aCredentialWithoutScopesMayDoNothing() {
    assertEquals(403, models(add("ci", "")).statusCode());
  }
}
