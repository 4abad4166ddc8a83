package dev.portcullis.ingress.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.IngressRig;
import dev.portcullis.protocol.OpenStep;
import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.Usage;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The events of a response, as they come and as they are read again. */
class ResponseStreamTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final String RESPONSES = "/v1/responses";
  private static final List<String> ORDER = List.of(
      "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
      "response.output_text.delta", "response.output_text.delta", "response.output_text.delta",
      "response.output_text.done", "response.content_part.done", "response.output_item.done",
      "response.completed");

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

  private static List<String> types(List<JsonNode> events) {
    return events.stream().map(event -> event.path("type").asText()).toList();
  }

  @Test
  @Tag("C-2")
  @Tag("C-4")
  void aStreamHasTheEventsOfTheSpecificationInTheirOrderAndNumbers() {
    var events = ResponseRoutesTest.events(rig.post(RESPONSES, ResponseRoutesTest.ask("hi there", "stream", "true")));
    assertEquals(ORDER, types(events));
    for (int i = 0; i < events.size(); i++) {
      assertEquals(i, events.get(i).path("sequence_number").asInt(-1));
      assertFalse(events.get(i).has("error"), events.get(i).toString());
    }
    assertEquals("queued", events.get(0).at("/response/status").asText());
    assertEquals("in_progress", events.get(1).at("/response/status").asText());
    assertEquals(0, events.get(2).at("/item/content").size());
    var item = events.get(2).at("/item/id").asText();
    for (var inPart : events.subList(3, 9)) {
      assertEquals(List.of(item, "0", "0"), List.of(inPart.path("item_id").asText(),
          inPart.path("output_index").asText(), inPart.path("content_index").asText()));
    }
    assertEquals("echo: ", events.get(4).path("delta").asText());
    assertTrue(events.get(4).path("logprobs").isArray());
    assertEquals("echo: hi there", events.get(7).path("text").asText());
    assertEquals("echo: hi there", events.get(8).at("/part/text").asText());
    assertEquals("completed", events.get(9).at("/item/status").asText());
    assertEquals(events.get(9).path("item"), events.get(10).at("/response/output/0"));
  }

  @Test
  @Tag("C-3")
  void theBodyEndsWithTheLastEvent() {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    assertTimeoutPreemptively(Duration.ofSeconds(10), () -> {
      var request = rig.request(RESPONSES).POST(BodyPublishers.ofString(ResponseRoutesTest.ask("hi", "stream", "true")));
      try (var body = rig.lines(request).body()) {
        var lines = body.filter(line -> !line.isEmpty()).iterator();
        assertEquals("event: response.created", lines.next());
        while (!lines.next().equals(": ping")) {
          continue; // It is kept alive while the agent is silent.
        }
        rig.sessions.play("run-1", new RunEvent.Completed("end_turn", Usage.NONE));
        var last = "";
        while (lines.hasNext()) {
          last = lines.next();
        }
        assertEquals("response.completed", IngressRig.json(last.substring(6)).path("type").asText());
      }
    });
  }

  @Test
  void aStreamReadAgainIsTheSameToTheByteFromAnyEventOn() {
    var first = rig.post(RESPONSES, ResponseRoutesTest.ask("hi there", "stream", "true")).body();
    assertEquals(first, rig.get(RESPONSES + "/resp_run-1?stream=true").body());
    var blocks = List.of(first.split("(?<=\n\n)"));
    for (int n = 0; n < blocks.size(); n++) {
      var rest = rig.get(RESPONSES + "/resp_run-1?stream=true&starting_after=" + n).body();
      assertEquals(String.join("", blocks.subList(n + 1, blocks.size())), rest);
    }
  }

  @Test
  void aStreamThatWasCutIsReadOnFromWhereItBroke() {
    rig.sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "one "));
    var background = IngressRig.json(
        rig.post(RESPONSES, ResponseRoutesTest.ask("hi", "background", "true")));
    assertEquals("in_progress", background.path("status").asText());
    var live = CompletableFuture.supplyAsync(() -> rig.get(RESPONSES + "/resp_run-1?stream=true&starting_after=3"));
    rig.sessions.play("run-1", new RunEvent.Text(1, "two"), new RunEvent.Completed("end_turn", Usage.NONE));
    assertEquals(ORDER.subList(5, 11), types(ResponseRoutesTest.events(live.join())));
  }

  @Test
  void anAnswerThatIsTakenBackEndsAsTheTruth() {
    rig.sessions.script(
        new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "one "),
        new RunEvent.Interrupted(1, "crash", "", List.<OpenStep>of()), new RunEvent.Resumed(2, "echo", "crash"),
        new RunEvent.Text(2, "other"), new RunEvent.Completed("end_turn", Usage.NONE));
    var events = ResponseRoutesTest.events(rig.post(RESPONSES, ResponseRoutesTest.ask("hi", "stream", "true")));
    assertEquals("other", events.getLast().at("/response/output/0/content/0/text").asText());
    assertEquals(1, types(events).stream().filter("response.in_progress"::equals).count());
    assertEquals("other",
        IngressRig.json(rig.get(RESPONSES + "/resp_run-1")).at("/output/0/content/0/text").asText());
  }

  @Test
  @Tag("C-14")
  void noCharacterIsSplitBetweenDeltas() {
    var smile = "\ud83d\ude00";
    rig.sessions.script(
        new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "a" + smile.charAt(0)),
        new RunEvent.Text(1, smile.charAt(1) + "b"), new RunEvent.Completed("end_turn", Usage.NONE));
    var deltas = ResponseRoutesTest.events(rig.post(RESPONSES, ResponseRoutesTest.ask("hi", "stream", "true"))).stream()
        .filter(event -> event.has("delta")).map(event -> event.path("delta").asText()).toList();
    assertEquals(List.of("a", smile + "b"), deltas);
  }

  @ParameterizedTest
  @CsvSource({"max_tokens, max_output_tokens", "refusal, content_filter"})
  void anAnswerThatWasCutShortIsIncomplete(String stopReason, String reason) {
    rig.sessions.script(
        new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "a"), new RunEvent.Completed(stopReason, Usage.NONE));
    var events = ResponseRoutesTest.events(rig.post(RESPONSES, ResponseRoutesTest.ask("hi", "stream", "true")));
    assertEquals("response.incomplete", events.getLast().path("type").asText());
    var response = IngressRig.json(rig.get(RESPONSES + "/resp_run-1"));
    assertEquals("incomplete", response.path("status").asText());
    assertEquals(reason, response.at("/incomplete_details/reason").asText());
    assertEquals("incomplete", response.at("/output/0/status").asText());
  }

  @ParameterizedTest
  @CsvSource({
      "harness_failed, server_error, 502", "rate_limited, rate_limit_exceeded, 429",
      "content_refused, invalid_prompt, 400", "deadline_exceeded, server_error, 504"})
  @Tag("C-5")
  void aResponseThatFailsSaysSoInItsStreamAndByItsStatus(String code, String published, int status) {
    rig.sessions.script(
        new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "par"),
        new RunEvent.Failed(new RunError(code, "It broke.", "ref-1")));
    var events = ResponseRoutesTest.events(rig.post(RESPONSES, ResponseRoutesTest.ask("hi", "stream", "true")));
    assertEquals("response.failed", events.getLast().path("type").asText());
    var failed = events.getLast().path("response");
    assertEquals("failed", failed.path("status").asText());
    assertEquals(published, failed.at("/error/code").asText());
    assertEquals("It broke. (" + code + ", reference ref-1)", failed.at("/error/message").asText());
    assertEquals("par", failed.at("/output/0/content/0/text").asText());
    assertTrue(failed.path("usage").isNull());
    var whole = rig.post(RESPONSES, ResponseRoutesTest.ask("hi"));
    IngressRig.assertProblem(status, code, whole);
    assertEquals("false", whole.headers().firstValue("x-should-retry").orElse(""));
    assertEquals("failed", IngressRig.json(rig.get(RESPONSES + "/resp_run-2")).path("status").asText());
  }

  @Test
  void aParkedResponseIsNotOverAndSaysWhatItWaitsFor() {
    rig.sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Parked("uncertain_step", "ref"));
    IngressRig.assertProblem(409, "run_parked", rig.post(RESPONSES, ResponseRoutesTest.ask("hi")));
    var response = IngressRig.json(rig.get(RESPONSES + "/resp_run-1"));
    assertEquals("in_progress", response.path("status").asText());
    assertEquals("parked", response.at("/portcullis/status").asText());
    assertEquals("uncertain_step", response.at("/portcullis/reason").asText());
    var cut = ResponseRoutesTest.events(rig.get(RESPONSES + "/resp_run-1?stream=true"));
    assertEquals("error", cut.getLast().path("type").asText());
    assertEquals("run_parked", cut.getLast().path("code").asText());
    assertEquals(1, cut.getLast().path("sequence_number").asInt(), "the number of the event before");
    rig.sessions.play("run-1", new RunEvent.Resumed(2, "echo", "operator"), new RunEvent.Text(2, "done"),
        new RunEvent.Completed("end_turn", Usage.NONE));
    var on = ResponseRoutesTest.events(rig.get(RESPONSES + "/resp_run-1?stream=true&starting_after=1"));
    assertEquals(2, on.getFirst().path("sequence_number").asInt());
    assertEquals("response.completed", on.getLast().path("type").asText());
  }

  @Test
  void aStreamThatTheGatewayCutsSaysSoAndLeavesTheResponseOpen() {
    rig.sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "a"));
    var waiting = CompletableFuture.supplyAsync(() -> rig.post(RESPONSES, ResponseRoutesTest.ask("hi", "stream", "true")));
    while (rig.sessions.submitted().isEmpty()) {
      Thread.onSpinWait();
    }
    rig.ingress.closeStreams();
    var last = ResponseRoutesTest.events(waiting.join()).getLast();
    assertEquals("error", last.path("type").asText());
    assertEquals("draining", last.path("code").asText());
    assertTrue(last.path("param").isNull());
  }
}
