package dev.portcullis.ingress.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.IngressRig;
import dev.portcullis.ingress.RecordedSessions;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.Usage;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whose sessions one sees: {@code write} began one, {@code own} and {@code all} are others. */
@Tag("SEC-19")
class VisibilityTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final String TURN = "{\"message\":\"hi\"}";

  @TempDir Path data;
  private IngressRig rig;

  @BeforeEach
  void aSessionOfAnother() {
    rig = new IngressRig(KIT.system(), data.resolve("d"));
    rig.sessions.script(new RunEvent.Started(1, "echo"), RecordedSessions.asked("a1"));
    assertEquals(202, as("write", "POST", "/api/v1/sessions/theirs/runs", TURN).statusCode());
  }

  @AfterEach
  void close() {
    rig.close();
  }

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  private HttpResponse<String> as(String who, String method, String path, String body) {
    return rig.send(rig.request(path)
        .setHeader("Authorization", "Bearer token-of-" + who)
        .method(method, BodyPublishers.ofString(body)));
  }

  private JsonNode read(String who, String path) {
    return IngressRig.json(as(who, "GET", path, ""));
  }

  private record Ask(String method, String path, String body) {}

  private static List<Ask> asks(String session, String run, String approval) {
    return List.of(
        new Ask("GET", "/api/v1/sessions/" + session, ""),
        new Ask("GET", "/api/v1/sessions/" + session + "/history", ""),
        new Ask("GET", "/api/v1/runs/" + run, ""),
        new Ask("GET", "/api/v1/runs/" + run + "?wait=1s", ""),
        new Ask("GET", "/api/v1/runs/" + run + "/events", ""),
        new Ask("POST", "/api/v1/runs/" + run + "/abort", ""),
        new Ask("POST", "/api/v1/runs/" + run + "/resume", ""),
        new Ask("GET", "/api/v1/approvals/" + approval, ""),
        new Ask("POST", "/api/v1/approvals/" + approval, "{\"decision\":\"allow\"}"),
        new Ask("POST", "/api/v1/runs/" + run + "/approvals/" + approval, "{\"decision\":\"allow\"}"));
  }

  @Test
  void whatIsAnothersLooksLikeWhatIsNotThereAndNothingHappensToIt() {
    var foreign = asks("theirs", "run-1", "a1");
    var unknown = asks("nobodys", "run-9", "a9");
    for (int i = 0; i < foreign.size(); i++) {
      var one = as("own", foreign.get(i).method(), foreign.get(i).path(), foreign.get(i).body());
      var other = as("own", unknown.get(i).method(), unknown.get(i).path(), unknown.get(i).body());
      assertEquals(404, one.statusCode(), foreign.get(i) + " " + one.body());
      assertEquals(
          other.body(),
          one.body().replace("theirs", "nobodys").replace("run-1", "run-9").replace("a1", "a9"));
    }
    assertEquals(List.of(), rig.sessions.asked());
    assertEquals(1, rig.sessions.submitted().size());
  }

  @Test
  @Tag("SEC-20")
  void aTurnIntoASessionOfAnotherIsNotTaken() {
    var key = as("own", "POST", "/api/v1/sessions/theirs/runs", TURN);
    IngressRig.assertProblem(404, "session_not_found", key);
    rig.sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Completed("end_turn", new Usage(1, 1)));
    for (var who : List.of("write", "own")) {
      as(who, "POST", "/v1/chat/completions", IngressRig.ask("main", "hi", false, "user", "\"me\""));
    }
    assertEquals(List.of("agent:main:api:write:me", "agent:main:api:own:me"), rig.sessions.submitted().stream()
        .map(turn -> turn.session().text()).filter(session -> session.endsWith(":me")).toList());
  }

  @Test
  void listsTotalsAndApprovalsAreOfOnesOwn() {
    as("own", "POST", "/api/v1/sessions/mine/runs", TURN);
    for (var who : List.of("write", "own")) {
      var rows = read(who, "/api/v1/sessions").path("data");
      assertEquals(1, rows.size(), who);
      assertEquals(who, rows.path(0).path("owner").asText());
      assertEquals(1, read(who, "/api/v1/status").path("counts").path("sessions").asInt());
      assertEquals(1, read(who, "/api/v1/status").path("counts").path("accepted").asInt());
    }
    assertEquals("agent:main:explicit:mine", read("own", "/api/v1/approvals").path("data").path(0)
        .path("sessionKey").asText());
    assertEquals(1, read("own", "/api/v1/approvals").path("data").size());
  }

  @Test
  void whoSeesAllSeesAll() {
    for (var who : List.of("all", "admin")) {
      as(who, "POST", "/api/v1/sessions/of-" + who + "/runs", TURN);
      assertTrue(read(who, "/api/v1/sessions").path("data").size() > 1, who);
      assertEquals("running", read(who, "/api/v1/runs/run-1").path("status").asText());
      assertEquals(202, as(who, "POST", "/api/v1/sessions/theirs/runs", TURN).statusCode());
    }
    assertTrue(rig.get("/api/v1/approvals").body().contains("a1"));
    assertEquals(202, as("all", "POST", "/api/v1/runs/run-1/abort", "").statusCode());
    assertEquals("write", read("all", "/api/v1/sessions/theirs").path("owner").asText());
  }

  @Test
  void theStreamOfChangesTellsOfOnesOwnSessionsOnly() {
    as("own", "POST", "/api/v1/sessions/mine/runs", TURN);
    var seen = new ArrayList<String>();
    try (var lines = rig.lines(rig.request("/api/v1/sessions/events")
        .setHeader("Authorization", "Bearer token-of-own")).body()) {
      var iterator = lines.filter(line -> line.startsWith("data: ")).iterator();
      seen.add(iterator.next());
      as("write", "POST", "/api/v1/sessions/theirs/runs", TURN);
      as("own", "POST", "/api/v1/sessions/mine/runs", TURN);
      seen.add(iterator.next());
      seen.add(iterator.next());
    }
    assertFalse(seen.stream().anyMatch(line -> line.contains("theirs")), seen.toString());
  }
}
