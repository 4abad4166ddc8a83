package dev.portcullis.ingress.http;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
            "rev", "owner", "stale"),
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

  /** Frames of an event stream, without comments: {@code id|event|data}, as far as each has them. */
  private static java.util.Iterator<String[]> frames(java.util.stream.Stream<String> lines) {
    var each = lines.filter(line -> !line.startsWith(":")).iterator();
    return java.util.stream.Stream.generate(() -> {
      var frame = new String[] {"", "", ""};
      for (var line = each.next(); !line.isEmpty() || frame[2].isEmpty(); line = each.next()) {
        for (int i = 0; i < 3; i++) {
          var name = List.of("id: ", "event: ", "data: ").get(i);
          frame[i] = line.startsWith(name) ? line.substring(name.length()) : frame[i];
        }
      }
      return frame;
    }).iterator();
  }

  @Test
  @Tag("INV-A5")
  void changesBeginWithWhatThereIsAndGoOnAlsoAfterAReconnect() {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    rig.post("/api/v1/sessions/foo/runs", "{\"message\":\"hi\"}");
    var last = "";
    long rev = 0;
    try (var lines = rig.lines(rig.request("/api/v1/sessions/events").GET()).body()) {
      var frames = frames(lines);
      assertArrayEquals(new String[] {"", "snapshot", "{\"full\":true}"}, frames.next());
      var row = frames.next();
      while (row[1].equals("row")) {
        assertEquals("", row[0], "who breaks off within a snapshot must begin anew");
        assertEquals("agent:main:explicit:foo", IngressRig.json(row[2]).path("key").asText());
        rev = IngressRig.json(row[2]).path("rev").asLong();
        row = frames.next();
      }
      assertEquals("snapshot.end", row[1]);
      rig.sessions.play("run-1", new RunEvent.Completed("end_turn", Usage.NONE));
      row = frames.next();
      last = row[0];
      assertEquals("row", row[1]);
      assertFalse(IngressRig.json(row[2]).path("hasActiveRun").asBoolean());
      assertTrue(IngressRig.json(row[2]).path("rev").asLong() > rev);
    }
    try (var lines =
        rig.lines(rig.request("/api/v1/sessions/events").header("Last-Event-ID", last).GET()).body()) {
      var frames = frames(lines);
      assertArrayEquals(new String[] {"", "snapshot", "{\"full\":false}"}, frames.next());
      assertEquals("snapshot.end", frames.next()[1], "it has seen everything");
    }
  }

  @Test
  @Tag("INV-A7")
  void aListThatDoesNotKnowWhatTheViewerHasSeenSaysSo() {
    rig.post("/api/v1/sessions/foo/runs", "{\"message\":\"hi\"}");
    var far = "agent%3Amain%3Aexplicit%3Afoo";
    for (var seen : List.of("minRev=1", "minRev=1000001")) {
      boolean stale = seen.length() > 9;
      assertEquals(stale, IngressRig.json(rig.get("/api/v1/sessions/foo?" + seen)).path("stale").asBoolean());
      assertEquals(stale, IngressRig.json(rig.get("/api/v1/sessions?minRev=0@bar&" + seen + "@" + far))
          .path("stale").asBoolean());
    }
    IngressRig.assertProblem(400, "", rig.get("/api/v1/sessions?minRev=1"));
    IngressRig.assertProblem(400, "", rig.get("/api/v1/sessions?minRev=x@foo"));
    IngressRig.assertProblem(400, "", rig.get("/api/v1/sessions/foo?minRev=-1"));
    IngressRig.assertProblem(400, "", rig.get("/api/v1/sessions?" + "minRev=1@foo&".repeat(21)));
  }
}
