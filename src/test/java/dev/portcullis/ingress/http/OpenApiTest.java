package dev.portcullis.ingress.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.IngressRig;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.RecordedSessions;
import dev.portcullis.ingress.listener.IngressListener;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.OpenStep;
import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.Usage;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The document says what there is, all of it, as it is. That every answer of every test of this port is what
 * the document says, {@link IngressRig#send} checks.
 */
class OpenApiTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final String PNG =
      "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

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

  private List<String> routes() {
    return IngressListener
        .endpoints(rig.edge, new Sse(Duration.ofSeconds(15)), new Problems(new Random(1)), KIT.system())
        .stream().map(OpenApi::name).sorted().toList();
  }

  @Test
  void everyRouteIsDescribed() {
    var missing = new TreeSet<>(routes());
    new OpenApi().written().forEach(missing::remove);
    assertTrue(missing.isEmpty(), () -> "write into src/main/resources/openapi/operations.json, and the schemas"
        + " they name into schemas.json beside it:\n"
        + String.join(",\n", missing.stream().map(name -> "  \"" + name
            + "\": {\"summary\": \"…\", \"answers\": {\"200\": \"SchemaName\"}, \"errors\": [404]}").toList()));
  }

  @Test
  void whatIsDescribedIsThere() {
    var stray = new TreeSet<>(new OpenApi().written());
    routes().forEach(stray::remove);
    assertTrue(stray.isEmpty(), () -> "remove from src/main/resources/openapi/operations.json: " + stray);
    assertEquals(routes(), rig.contract.operations());
  }

  @Test
  void everyReferenceLeadsSomewhereAndEverythingIsReferredTo() {
    var document = IngressRig.json(rig.get("/api/v1/openapi.json"));
    var referred = new TreeSet<String>();
    document.findValues("$ref").stream().map(JsonNode::asText).forEach(referred::add);
    var there = new TreeSet<String>();
    for (var kind : List.of("schemas", "headers")) {
      document.path("components").path(kind).fieldNames()
          .forEachRemaining(name -> there.add("#/components/" + kind + "/" + name));
    }
    assertEquals(there, referred);
  }

  @Test
  void aFieldThatNobodyHasDescribedOrThatIsMissingIsNoticed() {
    var schema = IngressRig.json("{\"$ref\":\"#/components/schemas/Usage\"}");
    var contract = rig.contract;
    assertEquals(List.of(),
        contract.validate(schema, "{\"inputTokens\":1,\"outputTokens\":2,\"totalTokens\":3}"));
    assertEquals(1, contract.validate(schema, "{\"inputTokens\":1,\"outputTokens\":2}").size());
    assertEquals(1, contract.validate(schema, "{\"inputTokens\":1,\"outputTokens\":2,\"totalTokens\":-3}").size());
    assertEquals(1,
        contract.validate(schema, "{\"inputTokens\":1,\"outputTokens\":2,\"totalTokens\":3,\"more\":4}").size());
  }

  /** Whoever adds a route adds a call here, unless another test of this class's package makes one. */
  @Test
  void everyRouteAnswersAsDescribed() {
    rig.sessions.script(
        new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "a"), new RunEvent.TextReplaced(1, "b"),
        new RunEvent.StepStarted("s", "t", "k"), new RunEvent.StepFinished("s", true),
        RecordedSessions.asked("first"), new RunEvent.ApprovalDecided("first", true, "me", "", false),
        new RunEvent.Interrupted(1, "crash", "", List.of(new OpenStep("s", "t", "k", "d"))),
        new RunEvent.Resumed(2, "echo", "crash"), RecordedSessions.asked("second"));
    var runs = "/api/v1/sessions/foo/runs";
    rig.post(runs, "{\"message\":\"hi\"}");
    rig.post(runs, "{\"message\":\"hi\"}");
    rig.post(runs, "{\"message\":\"hi\"}");
    Stream.of("/api/v1/approvals", "/api/v1/approvals/second", "/api/v1/runs/run-1").forEach(rig::get);
    rig.post("/api/v1/runs/run-1/approvals/second", "{\"decision\":\"allow\"}");
    rig.post("/api/v1/runs/run-1/approvals/second", "{\"decision\":\"deny\"}");
    rig.sessions.play("run-1", RecordedSessions.asked("third"));
    rig.post("/api/v1/approvals/third", "{\"decision\":\"allow\"}");
    rig.sessions.play("run-1", new RunEvent.Parked("why", "ref"));
    rig.get("/api/v1/runs/run-1");
    rig.post("/api/v1/runs/run-1/resume", "");
    rig.sessions.play("run-1", new RunEvent.Failed(new RunError("code", "why", "ref")));
    rig.sessions.play("run-2", new RunEvent.Completed("steered", Usage.NONE, "run-1"));
    rig.post("/api/v1/runs/run-3/abort", "");
    rig.post("/api/v1/runs/run-3/abort", "");
    for (var run : List.of("run-1", "run-2", "run-3")) {
      Stream.of("", "/events", "/events?after=99").forEach(more -> rig.get("/api/v1/runs/" + run + more));
    }
    Stream.of("/api/v1/sessions", "/api/v1/sessions/foo", "/api/v1/sessions/foo/history",
            "/api/v1/sessions/three/export", "/api/v1/harnesses", "/api/v1/status", "/api/v1/journal",
            "/api/v1/openapi.json", "/v1/models", "/v1/models/main")
        .forEach(rig::get);
    rig.post("/api/v1/sessions/foo/reset", "");
    rig.send(rig.request("/api/v1/sessions/foo").DELETE());
    rig.post("/api/v1/drain", "");
    rig.sessions.script(
        new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "a"), new RunEvent.Completed("end_turn", Usage.NONE));
    rig.post("/v1/chat/completions", IngressRig.ask("main", "hi", false));
    rig.post("/v1/chat/completions", IngressRig.ask("main", "hi", true, "stream_options", "{\"include_usage\":true}"));
    credentials();
    responses();
    withImagesAndFunctions();
    rows();

    var unseen = new ArrayList<>(rig.contract.operations());
    unseen.removeIf(name -> rig.contract.seen().stream().anyMatch(seen -> seen.startsWith(name + " 2")));
    unseen.remove("GET /api/v1/sessions/events"); // It does not end: see rows().
    assertEquals(List.of(), unseen, "call these here");
    assertTrue(rig.contract.seen().contains("GET /api/v1/runs/{id}/events 200"));
  }

  private void credentials() {
    var all = "/api/v1/credentials";
    rig.post(all, "{\"name\":\"x\",\"scopes\":[\"operator.read\"],\"sessions\":\"all\"}");
    rig.post(all, "{\"name\":\"x\",\"scopes\":[]}");
    rig.get(all);
    rig.post(all + "/x/rotate", "");
    rig.send(rig.request(all + "/x").DELETE());
    rig.send(rig.request(all + "/x").DELETE());
  }

  private void responses() {
    var all = "/v1/responses";
    rig.post(all, "{\"model\":\"main\",\"input\":\"hi\",\"instructions\":\"be kind\",\"metadata\":{\"a\":\"b\"}}",
        "Idempotency-Key", "k");
    rig.post(all, "{\"model\":\"main\",\"input\":\"other\"}", "Idempotency-Key", "k");
    var one = all + "/resp_" + rig.sessions.runIds().getLast();
    Stream.of("", "?stream=true", "?stream=true&starting_after=3", "/input_items", "/input_items?order=asc&limit=1")
        .forEach(more -> rig.get(one + more));
    rig.sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "a"));
    rig.post(all, "{\"model\":\"main\",\"input\":\"hi\",\"conversation\":\"c\",\"background\":true}");
    var open = rig.sessions.runIds().getLast();
    rig.sessions.play(open, new RunEvent.Parked("why", "ref"));
    rig.get(all + "/resp_" + open);
    rig.get(all + "/resp_" + open + "?stream=true");
    rig.post(all + "/resp_" + open + "/cancel", "");
    rig.get(all + "/resp_" + open + "?stream=true");
    rig.sessions.script(new RunEvent.Failed(new RunError("rate_limited", "why", "ref")));
    rig.post(all, "{\"model\":\"main\",\"input\":\"hi\"}");
    rig.post(all, "{\"model\":\"main\",\"input\":\"hi\",\"stream\":true}");
    rig.post(all, "{\"model\":\"main\",\"input\":\"hi\",\"previous_response_id\":\"resp_gone\"}");
    rig.send(rig.request(one).DELETE());
    rig.get(one);
  }

  /** The agent {@code second} takes both, as far as anybody knows. */
  private void withImagesAndFunctions() {
    rig.sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "a"), new RunEvent.Completed(
        "tool_calls", Usage.NONE, "", List.of(new FunctionCall("call_1", "f", "{\"x\":1}"))));
    taken("/api/v1/sessions/seen/runs",
        "{\"agent\":\"second\",\"message\":\"what?\",\"attachments\":[{\"type\":\"image\",\"data\":\"%s\"}]}"
            .formatted(PNG));
    var run = rig.sessions.runIds().getLast();
    var key = rig.sessions.submitted().getLast().session().text();
    Stream.of("/api/v1/runs/" + run, "/api/v1/runs/" + run + "/events", "/api/v1/sessions/" + key + "/history")
        .forEach(rig::get);
    var image = "[{\"type\":\"text\",\"text\":\"what?\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"" + PNG
        + "\"}}]";
    var called = "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\",\"function\":"
        + "{\"name\":\"f\",\"arguments\":\"{}\"}}]}";
    for (boolean stream : List.of(false, true)) {
      taken("/v1/chat/completions", "{\"model\":\"second\",\"stream\":" + stream + ",\"messages\":[{\"role\":\"user\","
          + "\"content\":" + image + "}," + called + ",{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"1\"}],"
          + "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}");
      rig.get("/api/v1/runs/" + rig.sessions.runIds().getLast());
      taken("/v1/responses", "{\"model\":\"second\",\"stream\":" + stream + ",\"input\":[{\"role\":\"user\","
          + "\"content\":[{\"type\":\"input_image\",\"image_url\":\"" + PNG + "\"}]}],"
          + "\"tools\":[{\"type\":\"function\",\"name\":\"f\"}],\"tool_choice\":{\"type\":\"function\",\"name\":\"f\"}}");
      rig.get("/v1/responses/resp_" + rig.sessions.runIds().getLast() + "/input_items");
    }
  }

  private void taken(String path, String body) {
    var response = rig.post(path, body);
    assertTrue(response.statusCode() < 300, response.body());
  }

  private void rows() {
    try (var lines = rig.lines(rig.request("/api/v1/sessions/events").GET()).body()) {
      var schema = IngressRig.json("{\"$ref\":\"#/components/schemas/RowEvent\"}");
      lines.filter(line -> line.startsWith("data: ")).limit(5)
          .forEach(line -> assertEquals(List.of(), rig.contract.validate(schema, line.substring(6))));
    }
  }
}
