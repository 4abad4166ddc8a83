package dev.portcullis.ingress.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.ingress.IngressRig;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.Usage;
import java.nio.file.Path;
import java.util.List;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SessionRoutesTest {
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

  @Test
  void aSubmittedTurnIsAcceptedWithItsRun() {
    var response = rig.post("/api/v1/sessions/foo/runs", "{\"message\":\"hi\"}");
    assertEquals(202, response.statusCode());
    assertEquals(IngressRig.json(
        "{\"runId\":\"run-1\",\"sessionKey\":\"agent:main:explicit:foo\",\"status\":\"queued\",\"position\":0}"),
        IngressRig.json(response));
    var turn = rig.sessions.submitted().getFirst();
    assertEquals("hi", turn.message());
    assertEquals("owner", turn.principal());
    assertTrue(turn.key().isEmpty());
    assertTrue(response.headers().firstValue("idempotent-replayed").isEmpty());
  }

  @Test
  void aSegmentNamesASessionOfTheAgentAskedFor() {
    for (var path : List.of("main", "foo", "agent:second:main",
        "agent%3Amain%3Aslack%3Adirect%3Au%2F1%2B2")) {
      rig.post("/api/v1/sessions/" + path + "/runs", "{\"message\":\"hi\"}");
    }
    rig.post("/api/v1/sessions/foo/runs", "{\"message\":\"hi\",\"agent\":\"second\",\"mode\":\"queue\"}");
    assertEquals(
        List.of("agent:main:main", "agent:main:explicit:foo", "agent:second:main",
            "agent:main:slack:direct:u/1+2",
            "agent:second:explicit:foo"),
        rig.sessions.submitted().stream().map(turn -> turn.session().text()).toList());
  }

  @Test
  @Tag("INV-I3")
  void aRepeatedKeyGivesTheSameRunAndAnotherBodyIsRefused() {
    var path = "/api/v1/sessions/foo/runs";
    var first = rig.post(path, "{\"message\":\"hi\",\"idempotencyKey\":\"k\"}");
    var again = rig.post(path, "{ \"message\": \"hi\" }", "Idempotency-Key", "k");
    assertEquals(202, again.statusCode());
    assertEquals(IngressRig.json(first).path("runId"), IngressRig.json(again).path("runId"));
    assertEquals("true", again.headers().firstValue("idempotent-replayed").orElse(""));
    IngressRig.assertProblem(422, "idempotency_key_reused",
        rig.post(path, "{\"message\":\"other\"}", "Idempotency-Key", "k"));
    assertEquals(1, rig.sessions.submitted().size());
  }

  @Test
  @Tag("INV-I8")
  void anotherPrincipalsKeyIsAnotherKey() {
    var path = "/api/v1/sessions/foo/runs";
    var mine = rig.post(path, "{\"message\":\"hi\",\"idempotencyKey\":\"k\"}");
    var theirs = rig.send(rig.request(path)
        .setHeader("Authorization", "Bearer token-of-all")
        .POST(java.net.http.HttpRequest.BodyPublishers.ofString(
            "{\"message\":\"other\",\"idempotencyKey\":\"k\"}")));
    assertEquals(202, theirs.statusCode());
    assertNotEquals(IngressRig.json(mine).path("runId"), IngressRig.json(theirs).path("runId"));
  }

  @Test
  void rowsAreListedPageByPage() {
    for (var word : List.of("a", "b", "c")) {
      rig.post("/api/v1/sessions/" + word + "/runs", "{\"message\":\"hi\"}");
    }
    var first = IngressRig.json(rig.get("/api/v1/sessions?limit=2"));
    assertEquals(2, first.path("data").size());
    var second = IngressRig.json(rig.get("/api/v1/sessions?limit=2&cursor="
        + first.path("nextCursor").asText()));
    assertEquals(1, second.path("data").size());
    assertTrue(second.path("nextCursor").isNull());
    assertEquals(0, IngressRig.json(rig.get("/api/v1/sessions?active=true")).path("data").size());
    assertEquals(0, IngressRig.json(rig.get("/api/v1/sessions?agent=second")).path("data").size());
  }

  @Test
  void aRowHasEveryField() {
    rig.post("/api/v1/sessions/foo/runs", "{\"message\":\"hi\"}");
    var row = IngressRig.json(rig.get("/api/v1/sessions/foo"));
    var names = new java.util.ArrayList<String>();
    row.fieldNames().forEachRemaining(names::add);
    assertEquals(
        List.of("key", "sessionId", "agent", "title", "status", "hasActiveRun", "abortable", "activeRunIds",
            "queued",
            "interrupted", "parked", "lastRunId", "usage", "accepted", "terminal", "createdAt", "updatedAt",
                "rev", "owner"),
        names);
    assertEquals("idle", row.path("status").asText());
    assertEquals("2026-01-02T03:04:05Z", row.path("createdAt").asText());
  }

  @Test
  void aTranscriptIsPagedByPosition() {
    rig.post("/api/v1/sessions/foo/runs", "{\"message\":\"hi\"}");
    var first = IngressRig.json(rig.get("/api/v1/sessions/foo/history?limit=1"));
    assertEquals("hi", first.path("data").path(0).path("text").asText());
    var second = IngressRig.json(rig.get(
        "/api/v1/sessions/foo/history?limit=5&after=" + first.path("nextCursor").asText()));
    assertEquals("echo: hi", second.path("data").path(0).path("text").asText());
    assertEquals("assistant", second.path("data").path(0).path("role").asText());
    assertTrue(second.path("nextCursor").isNull());
  }

  @Test
  void aSessionIsResetAndDeletedOnBehalfOfTheAsker() {
    rig.post("/api/v1/sessions/foo/runs", "{\"message\":\"hi\"}");
    assertEquals(200, rig.post("/api/v1/sessions/foo/reset", "").statusCode());
    var delete = rig.send(rig.request("/api/v1/sessions/foo").DELETE());
    assertEquals(200, delete.statusCode());
    assertTrue(IngressRig.json(delete).path("deleted").asBoolean());
    IngressRig.assertProblem(404, "session_not_found",
        rig.send(rig.request("/api/v1/sessions/foo").DELETE()));
    IngressRig.assertProblem(404, "session_not_found", rig.post("/api/v1/sessions/foo/reset", ""));
    assertEquals("reset agent:main:explicit:foo owner", rig.sessions.asked().getFirst());
  }

  @Test
  @Tag("INV-A5")
  void changesBeginWithWhatThereIsAndGoOn() {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    rig.post("/api/v1/sessions/foo/runs", "{\"message\":\"hi\"}");
    try (var lines = rig.lines(rig.request("/api/v1/sessions/events").GET()).body()) {
      var rows = lines.filter(line -> line.startsWith("data: ")).iterator();
      var seen = IngressRig.json(rows.next().substring(6));
      assertEquals("agent:main:explicit:foo", seen.path("key").asText());
      while (!seen.path("hasActiveRun").asBoolean()) {
        seen = IngressRig.json(rows.next().substring(6));
      }
      rig.sessions.play("run-1", new RunEvent.Completed("end_turn", Usage.NONE));
      var last = IngressRig.json(rows.next().substring(6));
      assertEquals(false, last.path("hasActiveRun").asBoolean());
      assertTrue(last.path("rev").asLong() > seen.path("rev").asLong());
    }
  }
}
