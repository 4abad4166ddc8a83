package dev.portcullis.ingress.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.IngressRig;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.Usage;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChatRoutesTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final String CHAT = "/v1/chat/completions";

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

  /** The payloads of a stream's data lines; anything but data, comments and blank lines fails (C-2). */
  static List<String> data(HttpResponse<String> response) {
    assertEquals(200, response.statusCode(), response.body());
    assertEquals("text/event-stream; charset=UTF-8",
        response.headers().firstValue("content-type").orElse(""));
    assertEquals("no-store", response.headers().firstValue("cache-control").orElse(""));
    assertEquals("no", response.headers().firstValue("x-accel-buffering").orElse(""));
    response.body().lines().forEach(line ->
        assertTrue(line.isEmpty() || line.equals(": ping") || line.startsWith("data: "), line));
    return response.body().lines().filter(line -> line.startsWith("data: ")).map(line -> line.substring(6))
        .toList();
  }

  private static String text(List<String> data) {
    return data.stream()
        .filter(line -> !line.equals("[DONE]"))
        .map(line -> IngressRig.json(line).path("choices").path(0).path("delta").path("content").asText(""))
        .collect(Collectors.joining());
  }

  @Test
  void aWholeAnswerHasEveryFieldOfItsKind() {
    var response = rig.post(CHAT, IngressRig.ask("main", "hi", false));
    assertEquals(200, response.statusCode());
    var id = IngressRig.json(response).path("id").asText();
    assertTrue(id.matches("chatcmpl-[A-Za-z0-9_-]{24,}"), id);
    assertEquals(IngressRig.json("""
        {"id":"%s","object":"chat.completion","created":1767323045,"model":"main","choices":[{"index":0,
         "message":{"role":"assistant","content":"echo: hi","refusal":null},"logprobs":null,"finish_reason":"stop"}],
         "usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}""".formatted(id)),
        IngressRig.json(response));
    assertEquals(Optional.of("echo"), response.headers().firstValue("x-portcullis-harness"));
  }

  @Test
  void aWholeAnswerNamesTheHarnessThatTookOver() {
    rig.sessions.script(
        new RunEvent.Started(1, "echo"), new RunEvent.Interrupted(1, "failover", "overloaded", List.of()),
        new RunEvent.Resumed(2, "spare", "failover"), new RunEvent.Text(2, "hi"),
        new RunEvent.Completed("end_turn", Usage.NONE));
    var response = rig.post(CHAT, IngressRig.ask("main", "hi", false));
    assertEquals(Optional.of("spare"), response.headers().firstValue("x-portcullis-harness"));
  }

  @Test
  @Tag("C-2")
  @Tag("C-4")
  void aStreamIsRoleTextFinishDone() {
    var data = data(rig.post(CHAT, IngressRig.ask("main", "hi there", true)));
    var first = IngressRig.json(data.getFirst());
    var head = "\"id\":\"" + first.path("id").asText()
        + "\",\"object\":\"chat.completion.chunk\",\"created\":1767323045,\"model\":\"main\",\"choices\":[{\"index\":0,\"delta\":";
    assertEquals(
        List.of(
            "{" + head + "{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}",
            "{" + head + "{\"content\":\"echo: \"},\"logprobs\":null,\"finish_reason\":null}]}",
            "{" + head + "{\"content\":\"hi \"},\"logprobs\":null,\"finish_reason\":null}]}",
            "{" + head + "{\"content\":\"there\"},\"logprobs\":null,\"finish_reason\":null}]}",
            "{" + head + "{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}",
            "[DONE]"),
        data);
  }

  @Test
  @Tag("C-13")
  void usageIsStreamedOnlyWhenAskedFor() {
    var data = data(rig.post(CHAT, IngressRig.ask("main", "hi", true, "stream_options", "{\"include_usage\":true}")));
    var chunks = data.subList(0, data.size() - 1).stream().map(IngressRig::json).toList();
    for (JsonNode chunk : chunks.subList(0, chunks.size() - 1)) {
      assertTrue(chunk.has("usage") && chunk.path("usage").isNull(), chunk.toString());
    }
    var usage = chunks.getLast();
    assertEquals(0, usage.path("choices").size());
    assertEquals(
        usage.path("usage").path("prompt_tokens").asInt()
            + usage.path("usage").path("completion_tokens").asInt(),
        usage.path("usage").path("total_tokens").asInt());
    assertEquals("[DONE]", data.getLast());
  }

  @Test
  @Tag("C-3")
  void theBodyEndsWithTheLastEvent() {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    assertTimeoutPreemptively(Duration.ofSeconds(10), () -> {
      try (var body = rig.lines(rig.request(CHAT).POST(BodyPublishers.ofString(IngressRig.ask("main", "hi", true))))
          .body()) {
        var lines = body.filter(line -> !line.isEmpty()).iterator();
        assertTrue(lines.next().contains("\"role\":\"assistant\""));
        assertEquals(": ping", lines.next());
        rig.sessions.play("run-1", new RunEvent.Text(1, "a"),
            new RunEvent.Completed("max_tokens", Usage.NONE));
        var last = "";
        while (lines.hasNext()) {
          last = lines.next();
        }
        assertEquals("data: [DONE]", last);
      }
    });
  }

  @Test
  @Tag("C-14")
  void noCharacterIsSplitBetweenChunks() {
    var smile = "\ud83d\ude00";
    rig.sessions.script(
        new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "a" + smile.charAt(0)),
        new RunEvent.Text(1, smile.charAt(1) + "ä"), new RunEvent.Completed("end_turn", Usage.NONE));
    var data = data(rig.post(CHAT, IngressRig.ask("main", "hi", true)));
    assertEquals("a" + smile + "ä", text(data));
    assertEquals("a" + smile + "ä",
        IngressRig.json(rig.post(CHAT, IngressRig.ask("main", "hi", false))).at("/choices/0/message/content").asText());
  }

  @Test
  @Tag("INV-I5")
  void aRepeatedKeyGivesTheSameBytes() {
    var first = rig.post(CHAT, IngressRig.ask("main", "hi", false), "Idempotency-Key", "k");
    var again = rig.post(CHAT, " " + IngressRig.ask("main", "hi", false), "Idempotency-Key", "k");
    assertEquals(first.body(), again.body());
    assertEquals("true", again.headers().firstValue("idempotent-replayed").orElse(""));
    assertTrue(first.headers().firstValue("idempotent-replayed").isEmpty());
    IngressRig.assertProblem(422, "idempotency_key_reused",
        rig.post(CHAT, IngressRig.ask("main", "other", false), "Idempotency-Key", "k"));
    assertEquals(1, rig.sessions.submitted().size());
  }

  @ParameterizedTest
  @CsvSource({
      "context_length_exceeded, 400, invalid_request_error",
      "content_refused, 400, invalid_request_error",
      "rate_limited, 429, rate_limit_error",
      "quota_exceeded, 502, upstream_error",
      "authentication_failed, 502, upstream_error",
      "overloaded, 502, upstream_error",
      "model_error, 502, upstream_error",
      "stream_cut, 502, upstream_error",
      "harness_timeout, 504, upstream_error"
  })
  void aFailureOfTheModelTellsTheAskerWhatTheyCanChangeAndThatARepeatDoesNotHelp(String code, int status, String type) {
    rig.sessions.script(new RunEvent.Failed(new RunError(code, "It failed.", "")));

    var answer = rig.post(CHAT, IngressRig.ask("main", "hi", false));

    IngressRig.assertProblem(status, code, answer);
    assertTrue(answer.body().contains("\"" + type + "\""), answer.body());
    assertEquals("false", answer.headers().firstValue("x-should-retry").orElse(""));
    assertTrue(answer.headers().firstValue("retry-after").isEmpty());
  }

  @Test
  @Tag("INV-I5")
  void aRepeatedFailureIsTheSameFailure() {
    rig.sessions.script(new RunEvent.Failed(new RunError("harness_failed", "It broke.", "ref-1")));
    var first = rig.post(CHAT, IngressRig.ask("main", "hi", false), "Idempotency-Key", "k");
    var again = rig.post(CHAT, IngressRig.ask("main", "hi", false), "Idempotency-Key", "k");
    assertEquals(502, again.statusCode());
    assertEquals(first.body(), again.body());
    assertEquals(1, rig.sessions.submitted().size());
  }

  @Test
  @Tag("C-8")
  @Tag("INV-I4")
  void aStreamThatIsJoinedBeginsAtTheFirstChunk() {
    rig.sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "one "));
    try (var joined = rig.lines(rig.request(CHAT).header("Idempotency-Key", "k")
        .POST(BodyPublishers.ofString(IngressRig.ask("main", "hi", true)))).body()) {
      var lines = joined.filter(line -> line.startsWith("data: ")).iterator();
      var role = lines.next();
      lines.next();
      var second = CompletableFuture.supplyAsync(
          () -> rig.post(CHAT, IngressRig.ask("main", "hi", true), "Idempotency-Key", "k"));
      rig.sessions.play("run-1", new RunEvent.Text(1, "two"), new RunEvent.Completed("end_turn", Usage.NONE));
      var data = data(second.join());
      assertEquals(role.substring(6), data.getFirst());
      assertEquals("one two", text(data));
    }
    assertEquals(1, rig.sessions.submitted().size());
  }

  @Test
  @Tag("INV-I12")
  void manyRequestsWithOneKeyAreOneRun() {
    var answers = IntStream.range(0, 16)
        .mapToObj(_ -> CompletableFuture.supplyAsync(
            () -> rig.post(CHAT, IngressRig.ask("main", "hi", false), "Idempotency-Key", "k").body()))
        .toList();
    assertEquals(1, answers.stream().map(CompletableFuture::join).distinct().count());
    assertEquals(1, rig.sessions.submitted().size());
  }

  @Test
  @Tag("C-5")
  void aRunThatFailsHasARealStatusUnlessTextWasSent() {
    rig.sessions.script(
        new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "par"),
        new RunEvent.Failed(new RunError("harness_unavailable", "The gateway needs its operator.", "ref-1")));
    var whole = rig.post(CHAT, IngressRig.ask("main", "hi", false));
    IngressRig.assertProblem(502, "harness_unavailable", whole);
    assertEquals("false", whole.headers().firstValue("x-should-retry").orElse(""));
    assertTrue(whole.body().contains("ref-1"));
    var data = data(rig.post(CHAT, IngressRig.ask("main", "hi", true)));
    assertEquals("harness_unavailable", IngressRig.json(data.getLast()).at("/error/code").asText());
    assertFalse(data.contains("[DONE]"));
    rig.sessions.script(new RunEvent.Failed(new RunError("deadline_exceeded", "Too long.", "")));
    IngressRig.assertProblem(504, "deadline_exceeded", rig.post(CHAT, IngressRig.ask("main", "hi", false)));
  }

  @Test
  void aRunThatIsAbortedOrParkedIsAConflict() {
    rig.sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Aborted("owner"));
    IngressRig.assertProblem(409, "run_aborted", rig.post(CHAT, IngressRig.ask("main", "hi", false)));
    var aborted = data(rig.post(CHAT, IngressRig.ask("main", "hi", true)));
    assertEquals("run_aborted", IngressRig.json(aborted.getLast()).at("/error/code").asText());
    rig.sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Parked("attempts exhausted", "ref"));
    var parked = rig.post(CHAT, IngressRig.ask("main", "hi", false));
    IngressRig.assertProblem(409, "run_parked", parked);
    assertTrue(parked.body().contains("run-3"), parked.body());
    var stream = data(rig.post(CHAT, IngressRig.ask("main", "hi", true)));
    assertEquals("run_parked", IngressRig.json(stream.getLast()).at("/error/code").asText());
  }

  @Test
  void aRunThatWasParkedAndWentOnIsReplayedToItsEnd() {
    rig.sessions.script(
        new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "a b"), new RunEvent.Parked("why", "ref"));
    var parked = data(rig.post(CHAT, IngressRig.ask("main", "hi", true), "Idempotency-Key", "k"));
    assertEquals("run_parked", IngressRig.json(parked.getLast()).at("/error/code").asText());
    rig.sessions.play("run-1",
        new RunEvent.Resumed(2, "echo", "crash"), new RunEvent.Text(2, "a b c"),
            new RunEvent.Completed("end_turn", Usage.NONE));
    assertEquals("a b c", text(data(rig.post(CHAT, IngressRig.ask("main", "hi", true), "Idempotency-Key", "k"))));
  }

  @Test
  @Tag("C-6")
  void aWholeAnswerWaitsForItsRunToComeToRest() {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    var completing = CompletableFuture.supplyAsync(() -> rig.post(CHAT, IngressRig.ask("main", "hi", false)));
    awaitSubmitted(1);
    var parking = CompletableFuture.supplyAsync(() -> rig.post(CHAT, IngressRig.ask("main", "hi", false)));
    awaitSubmitted(2);
    rig.sessions.play("run-1", new RunEvent.Text(1, "at last"), new RunEvent.Completed("end_turn", Usage.NONE));
    rig.sessions.play("run-2", new RunEvent.Parked("why", "ref"));
    assertEquals("at last", IngressRig.json(completing.join()).at("/choices/0/message/content").asText());
    IngressRig.assertProblem(409, "run_parked", parking.join());
  }

  @Test
  @Tag("C-9")
  void aClientThatGoesAwayCancelsNothing() {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    var request = rig.request(CHAT).POST(BodyPublishers.ofString(IngressRig.ask("main", "hi", true, "user", "\"u\"")));
    try (var body = rig.lines(request).body()) {
      assertTrue(body.iterator().next().startsWith("data: "));
    }
    rig.sessions.play("run-1", new RunEvent.Completed("end_turn", Usage.NONE));
    assertEquals("completed", IngressRig.json(rig.get("/api/v1/runs/run-1")).path("status").asText());
    assertTrue(rig.sessions.asked().isEmpty());
  }

  private void awaitSubmitted(int turns) {
    while (rig.sessions.submitted().size() < turns) {
      Thread.onSpinWait();
    }
  }

  @Test
  void aStreamThatTheGatewayCutsIsNoWholeAnswer() {
    rig.sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "a"));
    var waiting = CompletableFuture.supplyAsync(() -> rig.post(CHAT, IngressRig.ask("main", "hi", true)));
    awaitSubmitted(1);
    rig.ingress.closeStreams();
    var data = data(waiting.join());
    assertEquals("draining", IngressRig.json(data.getLast()).at("/error/code").asText());
    assertFalse(data.contains("[DONE]"));
  }

  @Test
  void aWholeAnswerThatTheGatewayCutsIsNotToBeRepeatedBlindly() {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    var waiting = CompletableFuture.supplyAsync(() -> rig.post(CHAT, IngressRig.ask("main", "hi", false)));
    awaitSubmitted(1);
    rig.ingress.closeStreams();
    var response = waiting.join();
    IngressRig.assertProblem(503, "draining", response);
    assertTrue(response.body().contains("run-1"), response.body());
    assertEquals("false", response.headers().firstValue("x-should-retry").orElse(""));
  }

  @Test
  void whatAUserSaysStaysInTheUsersSession() {
    rig.post(CHAT, IngressRig.ask("main", "hi", false, "user", "\"alice\""));
    rig.post(CHAT, IngressRig.ask("second", "hi", false, "user", "\"" + "u".repeat(600) + "\""));
    var turns = rig.sessions.submitted();
    assertEquals("agent:main:api:alice", turns.get(0).session().text());
    assertTrue(turns.get(1).session().text().matches("agent:second:api:[0-9a-f]{64}"));
  }

  @Test
  void withoutAUserTheEarlierMessagesAreContext() {
    var body = """
        {"model":"main","messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":"one"},
         {"role":"assistant","content":null,"tool_calls":[]},{"role":"tool","tool_call_id":"t","content":"42"},
         {"role":"assistant","content":[{"type":"text","text":"two"}]},
         {"role":"user","content":[{"type":"text","text":"th"},{"type":"text","text":"ree"}]}]%s}""";
    rig.post(CHAT, body.formatted(""));
    rig.post(CHAT, body.formatted(",\"user\":\"bob\""));
    var turns = rig.sessions.submitted();
    assertEquals("three", turns.get(0).message());
    assertEquals(
        List.of(new Message("system", "Be brief."), new Message("user", "one"),
            new Message("tool", "42", List.of(), List.of(), "t"), new Message("assistant", "two")),
        turns.get(0).context());
    assertEquals(List.of(), turns.get(1).context());
  }

  @Test
  void callsWithoutUserAndKeyNeverMeet() {
    rig.post(CHAT, IngressRig.ask("main", "hi", false));
    rig.post(CHAT, IngressRig.ask("main", "hi", false));
    var turns = rig.sessions.submitted();
    assertNotEquals(turns.get(0).session(), turns.get(1).session());
    assertTrue(turns.get(0).session().text().startsWith("agent:main:api:"));
  }

  @Test
  @Tag("C-10")
  void modelsAreAgents() {
    var list = IngressRig.json(rig.get("/v1/models"));
    assertEquals("list", list.path("object").asText());
    assertEquals(List.of("main", "second"), list.path("data").findValuesAsText("id"));
    assertEquals(
        IngressRig.json("{\"id\":\"main\",\"object\":\"model\",\"created\":1767323045,\"owned_by\":\"portcullis\"}"),
        IngressRig.json(rig.get("/v1/models/main")));
  }
}
