package dev.portcullis.ingress.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.IngressRig;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.RecordedSessions;
import dev.portcullis.protocol.RunEvent;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.StreamSupport;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.LogCapturingExtension;
import org.apache.pekko.actor.testkit.typed.javadsl.LoggingTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(LogCapturingExtension.class)
class ApprovalRoutesTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final String A1 = "/api/v1/approvals/a1";
  private static final String ALLOW = "{\"decision\":\"allow\"}";

  @TempDir Path data;
  private IngressRig rig;

  @BeforeEach
  void open() {
    rig = new IngressRig(KIT.system(), data.resolve("d"), Duration.ofMillis(100));
    ask("foo", RecordedSessions.asked("a1"));
  }

  @AfterEach
  void close() {
    rig.close();
  }

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  private void ask(String session, RunEvent.Body... more) {
    var script = new RunEvent.Body[more.length + 1];
    script[0] = new RunEvent.Started(1, "echo");
    System.arraycopy(more, 0, script, 1, more.length);
    rig.sessions.script(script);
    assertEquals(202, rig.post("/api/v1/sessions/" + session + "/runs", "{\"message\":\"hi\"}").statusCode());
  }

  private HttpResponse<String> as(String holder, String path, String body) {
    return rig.send(HttpRequest.newBuilder(URI.create(rig.url(path)))
        .header("Authorization", "Bearer token-of-" + holder)
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  private List<String> ids(String query) {
    return StreamSupport.stream(IngressRig.json(rig.get("/api/v1/approvals" + query)).path("data").spliterator(), false)
        .map(asked -> asked.path("id").asText())
        .toList();
  }

  private static JsonNode asked(String decision) {
    return IngressRig.json("""
        {"id":"a1","runId":"run-1","sessionKey":"agent:main:explicit:foo","agent":"main","kind":"execute",
         "title":"Run?","input":"ls","directory":"/work","digest":"%s","requestedAt":"2026-01-02T03:04:07Z",
         "expiresAt":"2026-01-02T04:04:05Z","decision":%s}""".formatted(RecordedSessions.digest("a1"), decision));
  }

  @Test
  void anOpenApprovalIsListedWhole() {
    var body = Json.object();
    body.putArray("data").add(asked("null"));
    assertEquals(body, IngressRig.json(rig.get("/api/v1/approvals")));
    assertEquals(asked("null"), IngressRig.json(rig.get(A1)));
    assertEquals(asked("null"), IngressRig.json(rig.get("/api/v1/runs/run-1")).path("approvals").path(0));
  }

  @Test
  void theListIsFilteredBySessionAndByAgent() {
    rig.sessions.script(new RunEvent.Started(1, "echo"), RecordedSessions.asked("b1"));
    assertEquals(202, rig.post(
        "/api/v1/sessions/agent%3Asecond%3Amain/runs", "{\"message\":\"hi\"}").statusCode());
    assertEquals(List.of("a1", "b1"), ids(""));
    assertEquals(List.of("a1"), ids("?session=foo"));
    assertEquals(List.of("b1"), ids("?session=agent%3Asecond%3Amain"));
    assertEquals(List.of("b1"), ids("?agent=second"));
    IngressRig.assertProblem(404, "agent_not_found", rig.get("/api/v1/approvals?agent=nobody"));
  }

  @Test
  @Tag("SEC-24")
  void aDecisionIsTakenOnceAndASecondOneHearsWhatWasDecidedByWhom() {
    var taken = rig.post(A1, ALLOW);
    assertEquals(202, taken.statusCode());
    assertEquals(
        IngressRig.json("""
            {"id":"a1","decision":"allow","by":"owner","status":"decided","runStatus":"running"}"""),
        IngressRig.json(taken));
    assertEquals(List.of(), ids(""));
    assertEquals("owner", IngressRig.json(rig.get(A1)).path("decision").path("by").asText());

    var second = LoggingTestKit.warn("ingress.approval_refused approvalId=a1 by=approvals cause=approval_decided")
        .expect(KIT.system(), () -> as("approvals", A1, "{\"decision\":\"deny\"}"));
    IngressRig.assertProblem(409, "approval_decided", second);
    assertEquals("allow", IngressRig.json(second).path("decision").asText());
    assertEquals("owner", IngressRig.json(second).path("by").asText());
  }

  @Test
  void anAnswerThatNoHarnessWaitsForSaysSo() {
    ask("bar", RecordedSessions.asked("c1"), new RunEvent.Interrupted(1, "crash", "", List.of()));
    var kept = rig.post("/api/v1/approvals/c1", ALLOW);
    assertEquals(202, kept.statusCode());
    assertEquals("kept for the resumed attempt", IngressRig.json(kept).path("status").asText());
  }

  @Test
  @Tag("SEC-25")
  void anAnswerWithTheDigestOfAnotherActionIsRefused() {
    var other = RecordedSessions.digest("another");
    var changed = rig.post(A1, "{\"decision\":\"allow\",\"digest\":\"" + other + "\"}");
    IngressRig.assertProblem(409, "approval_changed", changed);
    assertEquals(RecordedSessions.digest("a1"), IngressRig.json(changed).path("digest").asText());
    assertEquals(List.of("a1"), ids(""));
    assertEquals(202, rig.post(
        A1, "{\"decision\":\"allow\",\"digest\":\"" + RecordedSessions.digest("a1") + "\"}").statusCode());
  }

  @Test
  @Tag("SEC-24")
  @Tag("SEC-27")
  void whoDecidesIsWhoHasShownTheTokenWhateverTheBodySays() {
    assertEquals(202, as("approvals", A1, """
        {"decision":"deny","by":"owner","principal":"owner","senderId":"owner","user":"owner"}""").statusCode());
    assertEquals("approvals", IngressRig.json(rig.get(A1)).path("decision").path("by").asText());
  }

  @ParameterizedTest
  @ValueSource(strings = {"read", "write", "nobody"})
  @Tag("SEC-24")
  void whoMayNotDecideIsRefusedAndOnRecord(String holder) {
    var refused = LoggingTestKit.warn("ingress.forbidden principal=" + holder + " operation=DECIDE_APPROVAL")
        .expect(KIT.system(), () -> as(holder, A1, ALLOW));
    IngressRig.assertProblem(403, "insufficient_scope", refused);
    assertEquals(List.of("a1"), ids(""));
    assertTrue(rig.sessions.asked().stream().noneMatch(asked -> asked.startsWith("decide")));
  }

  @ParameterizedTest
  @ValueSource(strings = {
      "{}", "{\"decision\":\"yes\"}", "{\"decision\":true}", "{\"decision\":\"allow\",\"digest\":\"d\"}",
      "{\"decision\":\"allow\",\"digest\":7}", "{\"decision\":\"allow\",\"decision\":\"deny\"}"})
  void anAnswerThatCannotBeUnderstoodDecidesNothing(String body) {
    assertEquals(400, rig.post(A1, body).statusCode());
    assertEquals(400, rig.post("/api/v1/runs/run-1/approvals/a1", body).statusCode());
    assertEquals(List.of("a1"), ids(""));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a2", "%20", "a%0Ab", "..%2F.."})
  void whatIsNotAskedIsNotFound(String id) {
    IngressRig.assertProblem(404, "approval_not_found", rig.get("/api/v1/approvals/" + id));
    IngressRig.assertProblem(404, "approval_not_found", rig.post("/api/v1/approvals/" + id, ALLOW));
  }

  @Test
  void anApprovalIsAlsoDecidedByItsRun() {
    ask("bar", RecordedSessions.asked("c1"));
    IngressRig.assertProblem(404, "approval_not_found", rig.post("/api/v1/runs/run-1/approvals/a2", ALLOW));
    IngressRig.assertProblem(404, "approval_not_found", rig.post("/api/v1/runs/run-1/approvals/c1", ALLOW));
    IngressRig.assertProblem(404, "run_not_found", rig.post("/api/v1/runs/run-9/approvals/a1", ALLOW));
    assertEquals(202, rig.post("/api/v1/runs/run-1/approvals/a1", ALLOW).statusCode());
    assertEquals("decide a1 true owner", rig.sessions.asked().getLast());
  }
}
