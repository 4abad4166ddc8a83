package dev.portcullis.harness.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.AttemptSpec.Interruption;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.Updates;
import dev.portcullis.harness.http.ModelRig.Api;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.FunctionResult;
import dev.portcullis.protocol.FunctionTool;
import dev.portcullis.protocol.Image;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.Toolbox;
import dev.portcullis.protocol.Toolbox.Choice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Images and functions on their way to models, and calls on their way back, in the words of each API. */
class ModelInputTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Image PNG = new Image("image/png", 8, "iVBORw0KGgo=");
  private static final FunctionTool WEATHER =
      new FunctionTool("get_weather", "Weather now", "{\"type\":\"object\",\"properties\":{}}", true);
  private static final Toolbox TOOLS = new Toolbox(List.of(WEATHER), Choice.AUTO, "", false);
  private static final Toolbox NAMED = new Toolbox(List.of(WEATHER), Choice.NAMED, "get_weather", true);
  private static final FunctionCall CALL = new FunctionCall("call_1", "get_weather", "{\"city\":\"Oslo\"}");
  private static final FunctionResult RAIN = new FunctionResult("call_1", "rain");

  private static AttemptSpec spec(List<Message> transcript, String message, Input input) {
    return new AttemptSpec("c", "run", 1, Path.of("/"), message, transcript, "", new Interruption.None(), input);
  }

  private static JsonNode body(Api api, Prompt prompt) throws IOException {
    try (var rig = new ModelRig()) {
      return JSON.readTree(api.dialect.body(rig.settings(), prompt).toString());
    }
  }

  /** A picture, a call with words, and its result. */
  private static Prompt prompt(Toolbox tools) {
    var asked = Message.user("look", List.of(PNG));
    return Prompt.of(spec(List.of(asked, Message.assistant("Let me see.", List.of(CALL))), "",
        new Input(List.of(), tools, List.of(RAIN))), "", 10_000);
  }

  private static void assertFields(String expected, JsonNode body) throws IOException {
    for (var field : JSON.readTree(expected).properties()) {
      assertEquals(field.getValue(), body.path(field.getKey()), field.getKey());
    }
  }

  @Test
  void chatCompletionsTakesImagesCallsAndResultsInItsForm() throws IOException {
    assertFields("""
        {"messages":[
          {"role":"user","content":[{"type":"text","text":"look"},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]},
          {"role":"assistant","content":"Let me see.","tool_calls":[{"id":"call_1","type":"function",
            "function":{"name":"get_weather","arguments":"{\\"city\\":\\"Oslo\\"}"}}]},
          {"role":"tool","content":"rain","tool_call_id":"call_1"}],
         "tools":[{"type":"function","function":{"name":"get_weather","description":"Weather now",
           "parameters":{"type":"object","properties":{}},"strict":true}}],
         "tool_choice":{"type":"function","function":{"name":"get_weather"}},"parallel_tool_calls":false}
        """, body(Api.CHAT, prompt(NAMED)));
  }

  @Test
  void responsesTakesImagesCallsAndResultsInItsForm() throws IOException {
    assertFields("""
        {"input":[
          {"role":"user","content":[{"type":"input_text","text":"look"},
            {"type":"input_image","image_url":"data:image/png;base64,iVBORw0KGgo="}]},
          {"role":"assistant","content":"Let me see."},
          {"type":"function_call","call_id":"call_1","name":"get_weather","arguments":"{\\"city\\":\\"Oslo\\"}"},
          {"type":"function_call_output","call_id":"call_1","output":"rain"}],
         "tools":[{"type":"function","strict":true,"name":"get_weather","description":"Weather now",
           "parameters":{"type":"object","properties":{}}}],
         "tool_choice":{"type":"function","name":"get_weather"},"parallel_tool_calls":false}
        """, body(Api.RESPONSES, prompt(NAMED)));
  }

  @Test
  void messagesTakesImagesCallsAndResultsInItsForm() throws IOException {
    assertFields("""
        {"messages":[
          {"role":"user","content":[
            {"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}},
            {"type":"text","text":"look"}]},
          {"role":"assistant","content":[{"type":"text","text":"Let me see."},
            {"type":"tool_use","id":"call_1","name":"get_weather","input":{"city":"Oslo"}}]},
          {"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1","content":"rain"}]}],
         "tools":[{"name":"get_weather","description":"Weather now",
           "input_schema":{"type":"object","properties":{}}}],
         "tool_choice":{"type":"tool","name":"get_weather","disable_parallel_tool_use":true}}
        """, body(Api.MESSAGES, prompt(NAMED)));
  }

  @Test
  void messagesHasResultsAndTheWordsAfterThemInOneMessage() throws IOException {
    var both = Prompt.of(spec(List.of(new Message("user", "hi"), Message.assistant("", List.of(CALL))), "and tomorrow?",
        new Input(List.of(), TOOLS, List.of(RAIN))), "", 10_000);
    assertEquals(JSON.readTree("""
        [{"type":"tool_result","tool_use_id":"call_1","content":"rain"},{"type":"text","text":"and tomorrow?"}]"""),
        body(Api.MESSAGES, both).path("messages").path(2).path("content"));
  }

  @Test
  void messagesWithoutFunctionsTellsEarlierCallsInWordsBecauseItRefusesThemOtherwise() throws IOException {
    var later = Prompt.of(spec(List.of(new Message("user", "hi"), Message.assistant("", List.of(CALL)),
        Message.of(RAIN), new Message("assistant", "It rains.")), "thanks", Input.NONE), "", 10_000);
    var messages = body(Api.MESSAGES, later).path("messages").toString();
    assertTrue(messages.contains("[called get_weather with ") && messages.contains("Result of a tool call: rain"), messages);
    assertTrue(!messages.contains("tool_use") && !messages.contains("tool_result"), messages);
  }

  @ParameterizedTest
  @EnumSource(Choice.class)
  void whetherAFunctionMustBeCalledIsSaidToEachServer(Choice choice) throws IOException {
    var tools = new Toolbox(List.of(WEATHER), choice, choice == Choice.NAMED ? "get_weather" : "", false);
    var word = choice.name().toLowerCase(Locale.ROOT);
    for (var api : List.of(Api.CHAT, Api.RESPONSES)) {
      var said = body(api, prompt(tools)).path("tool_choice");
      assertTrue(choice == Choice.NAMED ? said.toString().contains("get_weather") : said.asText().equals(word),
          said::toString);
    }
    var expected = switch (choice) {
      case AUTO -> "auto";
      case NONE -> "none";
      case REQUIRED -> "any";
      case NAMED -> "tool";
    };
    assertEquals(expected, body(Api.MESSAGES, prompt(tools)).path("tool_choice").path("type").asText());
  }

  // ---- back

  private static Updates run(Api api, ModelRig rig) {
    var updates = new Updates();
    rig.harness(api).start(spec(List.of(), "weather?", new Input(List.of(), TOOLS, List.of())), updates);
    updates.awaitEnd();
    return updates;
  }

  @ParameterizedTest
  @EnumSource
  void aCallIsTheEndOfTheAnswerWithTheModelsWords(Api api) {
    try (var rig = new ModelRig()) {
      rig.server.then(ScriptedServer.recorded(api.recordings + ".tool-call"));
      var updates = run(api, rig);
      var end = assertInstanceOf(HarnessUpdate.Completed.class, updates.awaitEnd());
      assertEquals("tool_calls", end.stopReason());
      assertEquals("I will run the scripted tool.", updates.text());
      assertEquals(1, end.calls().size());
      assertEquals("get_weather", end.calls().getFirst().name());
      assertEquals("{\"city\":\"Oslo\"}", end.calls().getFirst().arguments());
      assertTrue(end.calls().getFirst().id().matches("(call|toolu)_[0-9a-f]+"), end::toString);
    }
  }

  private static String piece(int index, String head, String arguments) {
    return "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":" + index + "," + head
        + "\"function\":{" + (head.isEmpty() ? "" : "\"name\":\"f" + index + "\",") + "\"arguments\":\"" + arguments
        + "\"}}]}}]}\n\n";
  }

  private static HarnessUpdate.End chat(String... frames) {
    try (var rig = new ModelRig()) {
      rig.server.then((_, wire) -> wire.stream().send(String.join("", frames) + "data: [DONE]\n\n").end());
      return run(Api.CHAT, rig).awaitEnd();
    }
  }

  @Test
  void callsThatComeInPiecesAndMixedAreEachPutTogether() {
    var end = chat(piece(0, "\"id\":\"a\",", ""), piece(1, "\"id\":\"b\",", "{"), piece(0, "", "{\\\"x\\\":"),
        piece(1, "", "}"), piece(0, "", "1}"), ModelRig.stop("tool_calls"));
    assertEquals(new HarnessUpdate.Completed("tool_calls",
        List.of(new FunctionCall("a", "f0", "{\"x\":1}"), new FunctionCall("b", "f1", "{}"))), end);
  }

  @Test
  void aCallThatTheModelCouldNotFinishIsNone() {
    assertEquals(new HarnessUpdate.Completed("max_tokens"),
        chat(piece(0, "\"id\":\"a\",", "{\\\"x\\\":"), ModelRig.stop("length")));
  }

  @Test
  void moreCallsThanAnyModelMakesAreMalformed() {
    var frames = new StringBuilder();
    for (int i = 0; i <= Answer.CALLS_MAX; i++) {
      frames.append(piece(i, "\"id\":\"c" + i + "\",", ""));
    }
    var failed = assertInstanceOf(HarnessUpdate.Failed.class, chat(frames.toString(), ModelRig.stop("tool_calls")));
    assertEquals(HarnessFault.Code.MALFORMED, failed.fault().code());
  }

  // ---- what a client has made up

  private static List<String> roles(Prompt prompt) {
    return prompt.messages().stream().map(Message::role).toList();
  }

  @Test
  void noCallIsSentWithoutAResultAndNoResultWithoutACall() {
    var forged = List.of(new Message("user", "one"), Message.of(new FunctionResult("never-called", "forged")),
        Message.assistant("", List.of(CALL, new FunctionCall("call_2", "get_weather", "{}"))), Message.of(RAIN));
    var prompt = Prompt.of(spec(forged, "two", new Input(List.of(), TOOLS, List.of())), "", 10_000);
    assertEquals(List.of("user", "user", "assistant", "tool", "tool", "user"), roles(prompt));
    assertEquals("Result of a tool call: forged", prompt.messages().get(1).text());
    assertEquals("call_2", prompt.messages().get(4).callId());
  }

  @Test
  void resultsKeepTheQuestionAndTheCallThatTheyAnswerHoweverLittleElseFits() {
    var earlier = new Message("user", "x".repeat(3_000));
    var prompt = Prompt.of(spec(List.of(earlier, new Message("assistant", "y"), new Message("user", "weather?"),
        Message.assistant("", List.of(CALL))), "", new Input(List.of(), TOOLS, List.of(RAIN))), "", 200);
    assertEquals(List.of("user", "assistant", "tool"), roles(prompt));
    assertEquals("weather?", prompt.messages().getFirst().text());
  }

  @Test
  void earlierImagesAreSentAgainAsFarAsTheyFit() {
    var transcript = List.of(Message.user("first", List.of(PNG)), new Message("assistant", "seen"),
        Message.user("second", List.of(PNG)), new Message("assistant", "seen too"));
    assertEquals(2, images(Prompt.of(spec(transcript, "which?", Input.NONE), "", 4_000)));
    assertEquals(1, images(Prompt.of(spec(transcript, "which?", Input.NONE), "", 2_000)));
    var gone = List.of(Message.user("first", List.of(PNG.told())), new Message("assistant", "seen"));
    var prompt = Prompt.of(spec(gone, "which?", Input.NONE), "", 4_000);
    assertEquals("first\n[an earlier image, left out]", prompt.messages().getFirst().text());
    assertEquals(0, images(prompt));
  }

  private static int images(Prompt prompt) {
    return prompt.messages().stream().mapToInt(message -> message.images().size()).sum();
  }
}
