package dev.portcullis.ingress.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.IngressRig;
import dev.portcullis.ingress.RecordedSessions;
import dev.portcullis.protocol.OpenStep;
import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.Usage;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunRoutesTest {
  private static final ActorTestKit KIT = ActorTestKit.create();

  @TempDir Path data;
  private IngressRig rig;

  @BeforeEach
  void open() {
    rig = new IngressRig(KIT.system(), data.resolve("d"), Duration.ofMillis(100));
  }

  @AfterEach
  void close() {
    rig.close();
  }

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  private void submit() {
    assertEquals(202, rig.post("/api/v1/sessions/foo/runs", "{\"message\":\"hi\"}").statusCode());
  }

  @Test
  void aRunHasEveryFieldAlsoTheEmptyOnes() {
    submit();
    assertEquals(IngressRig.json("""
        {"id":"run-1","sessionKey":"agent:main:explicit:foo","agent":"main","harness":"echo","status":"completed",
         "active":false,"attempts":1,"text":"echo: hi","steps":[],"approvals":[],"attachments":[],
         "toolResults":[],"tools":[],"toolCalls":[],"error":null,"resumePending":null,
         "usage":{"inputTokens":3,"outputTokens":4,"totalTokens":7},"acceptedAt":"2026-01-02T03:04:05Z",
         "startedAt":"2026-01-02T03:04:06Z","endedAt":"2026-01-02T03:04:09Z","lastSeq":5,"trimmed":false,"parked":null,
         "steeredInto":null}"""),
        IngressRig.json(rig.get("/api/v1/runs/run-1")));
  }

  @Test
  void aFailedAndAParkedRunSayWhy() {
    rig.sessions.script(new RunEvent.Failed(new RunError("harness_unavailable", "Not now.", "ref-1")));
    submit();
    assertEquals(
        IngressRig.json("{\"code\":\"harness_unavailable\",\"message\":\"Not now.\",\"reference\":\"ref-1\"}"),
        IngressRig.json(rig.get("/api/v1/runs/run-1")).path("error"));
    rig.sessions.script(new RunEvent.Parked("attempts exhausted", "ref-2"));
    submit();
    assertEquals(
        IngressRig.json("{\"reason\":\"attempts exhausted\",\"reference\":\"ref-2\"}"),
        IngressRig.json(rig.get("/api/v1/runs/run-2")).path("parked"));
  }

  @Test
  void waitingReturnsWithTheEnd() {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    submit();
    assertEquals("running", IngressRig.json(rig.get("/api/v1/runs/run-1?wait=50ms")).path("status").asText());
    var waiting = CompletableFuture.supplyAsync(() -> rig.get("/api/v1/runs/run-1?wait=15s"));
    rig.sessions.play("run-1", new RunEvent.Completed("end_turn", Usage.NONE));
    assertEquals("completed", IngressRig.json(waiting.join()).path("status").asText());
  }

  @Test
  void eventsCarryTheirNumbersAndEndWithTheRun() {
    submit();
    var response = rig.get("/api/v1/runs/run-1/events");
    assertEquals("text/event-stream; charset=UTF-8",
        response.headers().firstValue("content-type").orElse(""));
    assertEquals("no-store", response.headers().firstValue("cache-control").orElse(""));
    var blocks = response.body().split("\n\n");
    assertEquals(5, blocks.length, response.body());
    assertEquals("id: 1\nevent: accepted\ndata: {\"runId\":\"run-1\",\"seq\":1,\"at\":\"2026-01-02T03:04:05Z\","
        + "\"type\":\"accepted\",\"sessionKey\":\"agent:main:explicit:foo\",\"agent\":\"main\"}", blocks[0]);
    assertTrue(blocks[4].startsWith("id: 5\nevent: completed\n"), blocks[4]);
  }

  @Test
  void eventsGoOnWhereTheViewerLeftOff() {
    submit();
    assertTrue(rig.get("/api/v1/runs/run-1/events?after=3").body().startsWith("id: 4\n"));
    var again = rig.send(rig.request("/api/v1/runs/run-1/events").header("Last-Event-ID", "4").GET());
    assertTrue(again.body().startsWith("id: 5\n"), again.body());
    assertEquals("", rig.get("/api/v1/runs/run-1/events?after=5").body());
  }

  @Test
  void everyKindOfEventIsSpelledOut() {
    rig.sessions.script(
        new RunEvent.Started(1, "echo"), new RunEvent.StepStarted("s1", "List", "execute"),
        RecordedSessions.asked("a1"), new RunEvent.ApprovalDecided("a1", true, "owner", "", false),
        new RunEvent.StepFinished("s1", true), new RunEvent.Interrupted(1, "crash", "", List.of()),
            new RunEvent.Resumed(2, "echo", "crash"),
        new RunEvent.Parked("why", "ref"), new RunEvent.Aborted("owner"));
    submit();
    var types = rig.get("/api/v1/runs/run-1/events").body().lines()
        .filter(line -> line.startsWith("event: ")).map(line -> line.substring(7)).toList();
    assertEquals(
        List.of("accepted", "started", "step.started", "approval.requested", "approval.decided",
            "step.finished",
            "interrupted", "resumed", "parked", "aborted"),
        types);
  }

  private List<JsonNode> eventsOf(RunEvent.Body... bodies) {
    rig.sessions.script(bodies);
    submit();
    return rig.get("/api/v1/runs/run-1/events").body().lines()
        .filter(line -> line.startsWith("data: ")).map(line -> IngressRig.json(line.substring(6))).toList();
  }

  @Test
  void anInterruptionSaysWhyAndWhichStepsAreUncertain() {
    var step = new OpenStep("s-1", "deploy", "execute", "ab12");
    var events = eventsOf(
        new RunEvent.Started(1, "echo"), new RunEvent.Interrupted(1, "crash", "", List.of(step)),
        new RunEvent.Resumed(2, "echo", "crash"), new RunEvent.Aborted("owner"));
    assertEquals(IngressRig.json("""
        {"runId":"run-1","seq":3,"at":"2026-01-02T03:04:07Z","type":"interrupted","attempt":1,"cause":"crash","code":null,
         "uncertain":[{"stepId":"s-1","title":"deploy","kind":"execute","inputDigest":"ab12"}]}"""), events.get(2));
    assertEquals("crash", events.get(3).path("cause").asText());
  }

  @Test
  void aRunThatAnotherHarnessTookOverNamesBothAndWhy() {
    var events = eventsOf(
        new RunEvent.Started(1, "echo"), new RunEvent.Interrupted(1, "failover", "overloaded", List.of()),
        new RunEvent.Resumed(2, "spare", "failover"), new RunEvent.Completed("end_turn", Usage.NONE));
    assertEquals("overloaded", events.get(2).path("code").asText());
    assertEquals("spare", events.get(3).path("harness").asText());
    assertEquals("failover", events.get(3).path("cause").asText());
    assertEquals("spare", IngressRig.json(rig.get("/api/v1/runs/run-1")).path("harness").asText());
  }

  @Test
  void aTurnThatWentIntoARunningOneNamesIt() {
    var events = eventsOf(new RunEvent.Completed("steered", Usage.NONE, "run-0"));
    assertEquals("run-0", events.getLast().path("into").asText());
    assertEquals("run-0", IngressRig.json(rig.get("/api/v1/runs/run-1")).path("steeredInto").asText());
  }

  @Test
  void aSilentStreamIsKeptAliveAndEndsInOrderWhenTheGatewayDoes() {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    submit();
    HttpResponse<Stream<String>> response = rig.lines(rig.request("/api/v1/runs/run-1/events").GET());
    try (var body = response.body()) {
      var lines = body.filter(line -> !line.isEmpty()).iterator();
      var line = lines.next();
      while (!line.equals(": ping")) {
        line = lines.next();
      }
      rig.ingress.closeStreams();
      while (lines.hasNext()) {
        line = lines.next();
      }
      assertEquals(": gateway draining; reattach with Last-Event-ID", line);
    }
  }

  @Test
  void anAbortIsAnsweredWithWhatIsTrueThen() {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    submit();
    var abort = rig.post("/api/v1/runs/run-1/abort", "");
    assertEquals(202, abort.statusCode());
    assertEquals(IngressRig.json("{\"id\":\"run-1\",\"status\":\"aborted\"}"), IngressRig.json(abort));
    var again = rig.post("/api/v1/runs/run-1/abort", "");
    IngressRig.assertProblem(409, "run_aborted", again);
    assertEquals("aborted", IngressRig.json(again).path("status").asText());
    IngressRig.assertProblem(404, "run_not_found", rig.post("/api/v1/runs/run-9/abort", ""));
  }

  @Test
  void aRunIsResumedOnlyWhenItCanBe() {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    submit();
    IngressRig.assertProblem(409, "run_running", rig.post("/api/v1/runs/run-1/resume", ""));
    rig.sessions.play("run-1", new RunEvent.Parked("why", "ref"));
    assertEquals(202, rig.post("/api/v1/runs/run-1/resume", "").statusCode());
    rig.sessions.play("run-1", new RunEvent.Completed("end_turn", Usage.NONE));
    IngressRig.assertProblem(409, "run_completed", rig.post("/api/v1/runs/run-1/resume", ""));
    IngressRig.assertProblem(404, "run_not_found", rig.post("/api/v1/runs/run-9/resume", ""));
  }

  @Test
  void whoComesWithANumberThatTheRunNeverHadIsToldToBeginAnew() {
    submit();
    var body = rig.send(rig.request("/api/v1/runs/run-1/events?after=999").GET()).body();
    assertTrue(body.startsWith("""
        event: resync
        data: {"runId":"run-1","next":1,"reason":"unknown_position"}

        id: 1
        event: accepted
        """), body);
    assertTrue(body.contains("event: completed"), body);
  }
}
