package dev.portcullis.ingress.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.IngressRig;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.FunctionResult;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.Usage;
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

/** Functions and images of responses. The agent {@code second} takes both; {@code main} takes neither. */
class ResponseToolsTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final String RESPONSES = "/v1/responses";
  private static final String TOOLS = """
      "tools":[{"type":"function","name":"weather","description":"now","strict":true,
       "parameters":{"type":"object","properties":{}}}]""";
  private static final FunctionCall CALL = new FunctionCall("call_1", "weather", "{\"city\":\"Oslo\"}");
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

  private void calls(RunEvent.Body... before) {
    var events = new ArrayList<RunEvent.Body>(List.of(new RunEvent.Started(1, "echo")));
    events.addAll(List.of(before));
    events.add(new RunEvent.Completed("tool_calls", new Usage(3, 4), "", List.of(CALL)));
    rig.sessions.script(events.toArray(RunEvent.Body[]::new));
  }

  private JsonNode created(String body) {
    var response = rig.post(RESPONSES, body);
    assertEquals(200, response.statusCode(), response.body());
    return IngressRig.json(response);
  }

  @Test
  void aCallOfAFunctionIsAnItemOfTheOutput() {
    calls();
    var response = created("{\"model\":\"second\",\"input\":\"hi\",\"tool_choice\":\"required\"," + TOOLS + "}");
    assertEquals("completed", response.path("status").asText());
    assertEquals(IngressRig.json("{" + TOOLS + "}").path("tools"), response.path("tools"));
    assertEquals("required", response.path("tool_choice").asText());
    var call = (ObjectNode) response.at("/output/0");
    assertTrue(call.remove("id").asText().startsWith("fc_"));
    assertEquals(IngressRig.json("""
        {"type":"function_call","status":"completed","call_id":"call_1","name":"weather",
         "arguments":"{\\"city\\":\\"Oslo\\"}"}"""), call);
    assertEquals(1, response.path("output").size());
    assertEquals("weather",
        IngressRig.json(rig.get(RESPONSES + "/resp_run-1")).at("/output/0/name").asText());
  }

  @Test
  void aStreamTellsWhatIsSaidAndThenWhatIsCalled() {
    calls(new RunEvent.Text(1, "let me see"));
    var events = ResponseRoutesTest.events(
        rig.post(RESPONSES, "{\"model\":\"second\",\"input\":\"hi\",\"stream\":true," + TOOLS + "}"));
    assertEquals(
        List.of("response.output_item.done", "response.output_item.added", "response.function_call_arguments.delta",
            "response.function_call_arguments.done", "response.output_item.done", "response.completed"),
        events.subList(7, 13).stream().map(event -> event.path("type").asText()).toList());
    var added = events.get(8);
    assertEquals(1, added.path("output_index").asInt());
    assertEquals("", added.at("/item/arguments").asText("none"));
    for (var event : events.subList(9, 11)) {
      assertEquals(added.at("/item/id"), event.path("item_id"));
    }
    assertEquals("weather", events.get(10).path("name").asText());
    assertEquals(CALL.arguments(), events.get(10).path("arguments").asText());
    assertEquals(events.get(11).path("item"), events.get(12).at("/response/output/1"));
  }

  @Test
  void aResultAnswersTheCallOfWhatItContinues() {
    calls();
    created("{\"model\":\"second\",\"input\":\"hi\"," + TOOLS + "}");
    var on = """
        {"model":"second","previous_response_id":"resp_run-1",
         "input":[{"type":"function_call_output","call_id":"%s","output":"rain"}]}""";
    created(on.formatted("call_1"));
    var turn = rig.sessions.submitted().get(1);
    assertEquals(List.of(new FunctionResult("call_1", "rain")), turn.input().results());
    assertEquals("", turn.message());
    assertEquals(rig.sessions.submitted().getFirst().session(), turn.session());
    IngressRig.assertProblem(400, "", rig.post(RESPONSES, on.formatted("call_9")));
    var items = IngressRig.json(rig.get(RESPONSES + "/resp_run-2/input_items")).path("data");
    assertEquals("function_call_output", items.get(0).path("type").asText());
    assertEquals("rain", items.get(0).path("output").asText());
  }

  @Test
  void aConversationThatTheClientKeepsHoldsItsCallsAndResults() {
    created("""
        {"model":"second","input":[
          {"role":"user","content":"weather?"},
          {"role":"assistant","content":[{"type":"output_text","text":"let me see"}]},
          {"type":"function_call","id":"fc_1","call_id":"a","name":"weather","arguments":"{}"},
          {"type":"function_call","call_id":"b","name":"weather","arguments":"{}"},
          {"type":"function_call_output","call_id":"a","output":"rain"},
          {"type":"function_call_output","call_id":"b","output":[{"type":"input_text","text":"sun"}]}]}""");
    var turn = rig.sessions.submitted().getFirst();
    assertEquals(
        List.of(new Message("user", "weather?"), Message.assistant("let me see", List.of(
            new FunctionCall("a", "weather", "{}"), new FunctionCall("b", "weather", "{}")))),
        turn.context());
    assertEquals(List.of(new FunctionResult("a", "rain"), new FunctionResult("b", "sun")), turn.input().results());
    var types = IngressRig.json(rig.get(RESPONSES + "/resp_run-1/input_items?order=asc")).path("data")
        .findValuesAsText("type");
    types.removeAll(List.of("input_text", "output_text"));
    assertEquals(List.of("message", "message", "function_call", "function_call", "function_call_output",
        "function_call_output"), types);
  }

  @Test
  @Tag("SEC-32")
  void anImageIsTakenAsItIsAndNeverFetched() {
    var ask = """
        {"model":"%s","input":[{"role":"user","content":[
          {"type":"input_text","text":"what?"},{"type":"input_image","image_url":"%s"}]}]}""";
    created(ask.formatted("second", PNG));
    var turn = rig.sessions.submitted().getFirst();
    assertEquals("image/png", turn.input().images().getFirst().mediaType());
    assertEquals(PNG, IngressRig.json(rig.get(RESPONSES + "/resp_run-1/input_items"))
        .at("/data/0/content/1/image_url").asText());
    IngressRig.assertProblem(400, "invalid_image_url",
        rig.post(RESPONSES, ask.formatted("second", "http://127.0.0.1:1/a.png")));
    assertEquals(400, rig.post(RESPONSES, ask.formatted("main", PNG)).statusCode(), "main takes no images");
    assertEquals(1, rig.sessions.submitted().size());
  }
}
