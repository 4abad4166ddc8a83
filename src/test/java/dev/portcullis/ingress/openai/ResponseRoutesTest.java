package dev.portcullis.ingress.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.IngressRig;
import dev.portcullis.ingress.Json;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.Usage;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
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
import org.junit.jupiter.params.provider.ValueSource;

class ResponseRoutesTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final String RESPONSES = "/v1/responses";
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

  static String ask(String input, String... more) {
    var body = Json.object().put("model", "main").put("input", input);
    for (int i = 0; i < more.length; i += 2) {
      body.set(more[i], IngressRig.json(more[i + 1]));
    }
    return Json.text(body);
  }

  private JsonNode created(String input, String... more) {
    var response = rig.post(RESPONSES, ask(input, more));
    assertEquals(200, response.statusCode(), response.body());
    return IngressRig.json(response);
  }

  private static String path(JsonNode response) {
    return RESPONSES + "/" + response.path("id").asText();
  }

  /** The events of a stream; anything but pairs of event and data, comments and blank lines fails (C-2). */
  static List<JsonNode> events(HttpResponse<String> response) {
    assertEquals(200, response.statusCode(), response.body());
    assertEquals("text/event-stream; charset=UTF-8",
        response.headers().firstValue("content-type").orElse(""));
    var events = new ArrayList<JsonNode>();
    var type = "";
    for (var line : response.body().lines().filter(text -> !text.isEmpty() && !text.equals(": ping")).toList()) {
      if (type.isEmpty()) {
        assertTrue(line.startsWith("event: "), line);
        type = line.substring(7);
      } else {
        assertTrue(line.startsWith("data: "), line);
        events.add(IngressRig.json(line.substring(6)));
        assertEquals(type, events.getLast().path("type").asText());
        type = "";
      }
    }
    assertEquals("", type, "an event without data");
    return events;
  }

  @Test
  void aWholeResponseHasEveryFieldOfItsKind() {
    var response = created("hi", "instructions", "\"Be brief.\"", "metadata", "{\"a\":\"b\"}",
        "max_output_tokens", "9", "temperature", "0.5");
    var expected = IngressRig.json("""
        {"object":"response","created_at":1767323045,"status":"completed","background":false,
         "completed_at":1767323049,"error":null,"incomplete_details":null,"instructions":"Be brief.",
         "max_output_tokens":9,"model":"main","parallel_tool_calls":true,"previous_response_id":null,
         "conversation":null,"store":true,"temperature":null,"text":{"format":{"type":"text"}},
         "tool_choice":"auto","tools":[],"top_p":null,"truncation":"disabled","metadata":{"a":"b"},
         "usage":{"input_tokens":3,"input_tokens_details":{"cached_tokens":0},"output_tokens":4,
          "output_tokens_details":{"reasoning_tokens":0},"total_tokens":7},
         "output":[{"type":"message","status":"completed","role":"assistant",
          "content":[{"type":"output_text","text":"echo: hi","annotations":[],"logprobs":[]}]}]}""");
    var message = ((ObjectNode) response.path("output").get(0)).remove("id").asText();
    assertTrue(message.matches("msg_[A-Za-z0-9_-]{24,}"), message);
    assertEquals("resp_run-1", ((ObjectNode) response).remove("id").asText());
    assertEquals(expected, response);
    var turn = rig.sessions.submitted().getFirst();
    assertEquals("hi", turn.message());
    assertEquals(List.of(new Message("system", "Be brief.")), turn.context());
    assertTrue(turn.session().text().matches("agent:main:api:[0-9a-f]{32}"), turn.session().text());
  }

  @Test
  @Tag("INV-I5")
  void whatIsRetrievedIsWhatWasAnswered() {
    var response = created("hi", "metadata", "{\"a\":\"b\"}");
    var again = (ObjectNode) IngressRig.json(rig.get(path(response)));
    assertEquals(IngressRig.json("{\"run_id\":\"run-1\",\"status\":\"completed\"}"), again.remove("portcullis"));
    assertEquals(response, again);
    assertEquals(response,
        events(rig.get(path(response) + "?stream=true")).getLast().path("response"));
  }

  @Test
  void aResponseThatIsAbortedIsCancelled() {
    rig.sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Aborted("owner"));
    IngressRig.assertProblem(409, "run_aborted", rig.post(RESPONSES, ask("hi")));
    var response = IngressRig.json(rig.get(RESPONSES + "/resp_run-1"));
    assertEquals("cancelled", response.path("status").asText());
    assertTrue(response.at("/error/message").asText().contains("aborted"), response.toString());
    var events = events(rig.get(RESPONSES + "/resp_run-1?stream=true"));
    assertEquals("response.failed", events.getLast().path("type").asText());
    assertEquals("cancelled", events.getLast().at("/response/status").asText());
  }

  @Test
  void aResponseInTheBackgroundIsPolledAndCancelled() {
    rig.sessions.script();
    var response = created("hi", "background", "true");
    assertEquals("queued", response.path("status").asText());
    assertTrue(response.path("background").asBoolean());
    rig.sessions.play("run-1", new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "so far"));
    var running = IngressRig.json(rig.get(path(response)));
    assertEquals("in_progress", running.path("status").asText());
    assertEquals("so far", running.at("/output/0/content/0/text").asText());
    assertEquals("cancelled",
        IngressRig.json(rig.post(path(response) + "/cancel", "")).path("status").asText());
    assertEquals("cancelled",
        IngressRig.json(rig.post(path(response) + "/cancel", "")).path("status").asText());
    assertEquals("cancelled", IngressRig.json(rig.get(path(response))).path("status").asText());
  }

  @Test
  void aCancelThatComesTooLateTellsWhatTheResponseBecame() {
    var response = created("hi");
    assertEquals("completed",
        IngressRig.json(rig.post(path(response) + "/cancel", "")).path("status").asText());
  }

  @Test
  void aResponseIsContinuedInItsSession() {
    var first = created("one");
    var second = created("two", "previous_response_id", "\"" + first.path("id").asText() + "\"",
        "instructions", "\"Be kind.\"");
    assertEquals(first.path("id"), second.path("previous_response_id"));
    var turns = rig.sessions.submitted();
    assertEquals(turns.get(0).session(), turns.get(1).session());
    assertEquals("[system]\nBe kind.\n\ntwo", turns.get(1).message());
    assertEquals(List.of(), turns.get(1).context());
    IngressRig.assertProblem(400, "", rig.post(RESPONSES, ask("x").replace("\"main\"", "\"second\"")
        .replace("}", ",\"previous_response_id\":\"" + first.path("id").asText() + "\"}")));
  }

  @Test
  void aConversationIsASession() {
    assertEquals("c-1", created("one", "conversation", "\"c-1\"").at("/conversation/id").asText());
    created("two", "conversation", "{\"id\":\"c-1\"}");
    created("three", "user", "\"c-1\"");
    var turns = rig.sessions.submitted();
    assertEquals("agent:main:api:c-1", turns.get(0).session().text());
    assertEquals(turns.get(0).session(), turns.get(1).session());
    assertNotEquals(turns.get(0).session(), turns.get(2).session(), "a user is no conversation");
  }

  @Test
  @Tag("SEC-19")
  void aForeignResponseLooksLikeNone() {
    var mine = created("mine").path("id").asText();
    var answers = new ArrayList<String>();
    for (var id : List.of(mine, "resp_run-99", "nonsense")) {
      var path = RESPONSES + "/" + id;
      for (var request : List.of(
          rig.request(path).GET(), rig.request(path + "?stream=true").GET(),
          rig.request(path + "/input_items").GET(), rig.request(path + "/cancel").POST(BodyPublishers.noBody()),
          rig.request(path).DELETE(),
          rig.request(RESPONSES).POST(BodyPublishers.ofString(
              ask("hi", "previous_response_id", "\"" + id + "\""))))) {
        var response = rig.send(request.setHeader("Authorization", "Bearer token-of-write"));
        IngressRig.assertProblem(404, "response_not_found", response);
        answers.add(response.body().replace(id, "ID"));
      }
    }
    assertEquals(answers.subList(0, 6), answers.subList(6, 12));
    assertEquals(answers.subList(0, 6), answers.subList(12, 18));
    assertEquals(1, rig.sessions.submitted().size());
    assertEquals(List.of(), rig.sessions.asked());
  }

  @Test
  void whatIsNoResponseOrWasNotToBeStoredIsNotFound() {
    rig.post("/v1/chat/completions", IngressRig.ask("main", "hi", false));
    var unstored = created("hi", "store", "false");
    assertFalse(unstored.path("store").asBoolean(true));
    for (var id : List.of("resp_run-1", unstored.path("id").asText())) {
      IngressRig.assertProblem(404, "response_not_found", rig.get(RESPONSES + "/" + id));
      IngressRig.assertProblem(404, "response_not_found",
          rig.post(RESPONSES, ask("on", "previous_response_id", "\"" + id + "\"")));
    }
  }

  @Test
  void aResponseAloneInItsSessionIsDeletedWithIt() {
    var response = created("hi");
    var deleted = rig.send(rig.request(path(response)).DELETE());
    assertEquals(IngressRig.json("{\"id\":\"resp_run-1\",\"object\":\"response\",\"deleted\":true}"),
        IngressRig.json(deleted));
    IngressRig.assertProblem(404, "response_not_found", rig.get(path(response)));
    IngressRig.assertProblem(404, "response_not_found", rig.send(rig.request(path(response)).DELETE()));
  }

  @Test
  void aResponseOfAConversationIsNotDeletedSilently() {
    var first = created("one");
    created("two", "previous_response_id", "\"" + first.path("id").asText() + "\"");
    IngressRig.assertProblem(409, "response_in_conversation", rig.send(rig.request(path(first)).DELETE()));
    assertEquals(200, rig.get(path(first)).statusCode());
    assertEquals(List.of(), rig.sessions.asked());
  }

  @Test
  void theItemsOfTheRequestAreListed() {
    var body = """
        {"model":"main","instructions":"Be brief.","input":[
          {"role":"developer","content":"rules"},
          {"type":"message","role":"user","content":[{"type":"input_text","text":"o"},{"type":"input_text","text":"ne"}]},
          {"id":"msg_1","type":"message","status":"completed","role":"assistant",
           "content":[{"type":"output_text","text":"two","annotations":[]}]},
          {"role":"user","content":"three"}]}""";
    var path = path(IngressRig.json(rig.post(RESPONSES, body))) + "/input_items";
    assertEquals(
        List.of(new Message("system", "Be brief."), new Message("system", "rules"), new Message("user", "one"),
            new Message("assistant", "two")),
        rig.sessions.submitted().getFirst().context());
    var oldestFirst = IngressRig.json(rig.get(path + "?order=asc"));
    assertEquals(List.of("rules", "one", "two", "three"), oldestFirst.path("data").findValuesAsText("text"));
    assertEquals(List.of("system", "user", "assistant", "user"), oldestFirst.path("data").findValuesAsText("role"));
    assertFalse(oldestFirst.path("has_more").asBoolean(true));
    var newest = IngressRig.json(rig.get(path + "?limit=3"));
    assertEquals(List.of("three", "two", "one"), newest.path("data").findValuesAsText("text"));
    assertTrue(newest.path("has_more").asBoolean());
    var rest = IngressRig.json(rig.get(path + "?after=" + newest.path("last_id").asText()));
    assertEquals(List.of("rules"), rest.path("data").findValuesAsText("text"));
  }

  @ParameterizedTest
  @ValueSource(strings = {
      "{'model':'main'}", "{'model':'main','input':''}", "{'model':'main','input':[]}", "{'input':'hi'}",
      "{'model':'main','input':[{'role':'assistant','content':'hi'}]}",
      "{'model':'main','input':[{'type':'reasoning'}]}",
      "{'model':'main','input':[{'role':'user','content':[{'type':'input_file','file_id':'f'}]}]}",
      "{'model':'main','input':'hi','tools':[{'type':'web_search'}]}",
      "{'model':'main','input':'hi','text':{'format':{'type':'json_object'}}}",
      "{'model':'main','input':'hi','prompt':{'id':'p'}}", "{'model':'main','input':'hi','top_logprobs':2}",
      "{'model':'main','input':'hi','background':true,'store':false}",
      "{'model':'main','input':'hi','metadata':{'a':1}}",
      "{'model':'main','input':'hi','conversation':'c','previous_response_id':'r'}"})
  void whatCannotBeDoneIsRefusedByNameAndNothingIsAccepted(String body) {
    var response = rig.post(RESPONSES, body.replace('\'', '"'));
    IngressRig.assertProblem(400, "", response);
    assertFalse(IngressRig.json(response).at("/error/param").isNull(), response.body());
    assertEquals(List.of(), rig.sessions.submitted());
  }

  @Test
  @Tag("C-10")
  @Tag("SEC-32")
  void fieldsThatNameAnUpstreamAreIgnored() {
    created("hi", "api_base", "\"http://127.0.0.1:1\"", "base_url", "\"http://127.0.0.1:1\"",
        "extra_headers", "{\"x\":\"y\"}");
    rig.post("/v1/chat/completions", IngressRig.ask("main", "hi", false, "api_base", "\"http://127.0.0.1:1\""));
    var turns = rig.sessions.submitted();
    assertEquals(2, turns.size());
    assertFalse(turns.toString().contains("127.0.0.1"), turns.toString());
    IngressRig.assertProblem(404, "model_not_found", rig.post(RESPONSES, "{\"model\":\"ghost\",\"input\":\"hi\"}"));
  }

  @ParameterizedTest
  @CsvSource({
      "HEAD, /v1/responses, POST", "OPTIONS, /v1/responses, POST", "GET, /v1/responses, POST",
      "HEAD, /v1/responses/resp_run-1, 'DELETE, GET'", "PATCH, /v1/responses/resp_run-1/cancel, POST",
      "OPTIONS, /v1/chat/completions, POST", "HEAD, /v1/models, GET", "POST, /v1/responses/r/input_items, GET"})
  @Tag("C-11")
  @Tag("C-12")
  void aMethodThatAPathDoesNotHaveIsNamedAndNoOriginIsAllowed(String method, String path, String allow) {
    var response = rig.send(rig.request(path).method(method, BodyPublishers.noBody()));
    assertEquals(405, response.statusCode());
    assertEquals(allow, response.headers().firstValue("allow").orElse(""));
    assertTrue(response.headers().firstValue("access-control-allow-origin").isEmpty());
  }

  @Test
  @Tag("C-13")
  void usageIsWholeNumbersThatAddUp() {
    rig.sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "a"),
        new RunEvent.Completed("end_turn", new Usage(11, 5, 7, 99)));
    var usage = created("hi").path("usage");
    assertEquals(7, usage.at("/input_tokens_details/cached_tokens").asInt());
    for (var field : List.of("input_tokens", "output_tokens", "total_tokens")) {
      assertTrue(usage.path(field).isIntegralNumber() && usage.path(field).asLong() >= 0, field);
    }
    assertEquals(usage.path("input_tokens").asLong() + usage.path("output_tokens").asLong(),
        usage.path("total_tokens").asLong());
  }

  @Test
  @Tag("INV-I12")
  void manyRequestsWithOneKeyAreOneResponse() {
    var answers = IntStream.range(0, 16)
        .mapToObj(_ -> CompletableFuture.supplyAsync(
            () -> rig.post(RESPONSES, ask("hi"), "Idempotency-Key", "k").body()))
        .toList();
    assertEquals(1, answers.stream().map(CompletableFuture::join).distinct().count());
    assertEquals(1, rig.sessions.submitted().size());
    IngressRig.assertProblem(422, "idempotency_key_reused",
        rig.post(RESPONSES, ask("other"), "Idempotency-Key", "k"));
  }
}
