package dev.portcullis.harness.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.portcullis.config.HarnessConfig.ModelLimits;
import dev.portcullis.config.HarnessConfig.ModelServer;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.http.Dialect;
import dev.portcullis.harness.http.ModelEvent;
import dev.portcullis.harness.http.ModelEvent.Count;
import dev.portcullis.harness.http.Prompt;
import dev.portcullis.harness.http.ServerSentEvent;
import dev.portcullis.protocol.Message;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Single frames; whole recorded streams go through the harness in {@code ModelHarnessTest}. */
class ChatCodecTest {
  private static final Dialect CHAT = new ChatCodec();
  private static final Dialect RESPONSES = new ResponsesCodec();
  private static final ModelServer SERVER = new ModelServer("m", URI.create("http://127.0.0.1:1/v1"), "sk-secret",
      "gpt-x", "", 256, 1_000, new ModelLimits(1, Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ofSeconds(1), 0));
  private static final Prompt PROMPT = new Prompt("Be brief.", List.of(
      new Message("user", "one"), new Message("assistant", "two"), new Message("user", "three")));

  private static List<ModelEvent> chat(String data) {
    return CHAT.decode(new ServerSentEvent("", data));
  }

  private static List<ModelEvent> response(String data) {
    return RESPONSES.decode(new ServerSentEvent("", data));
  }

  private static void assertBody(String expected, Dialect dialect) throws IOException {
    var json = new JsonMapper();
    assertEquals(json.readTree(expected), json.readTree(dialect.body(SERVER, PROMPT).toString()));
  }

  @Test void aConversationIsAskedForInTheFormOfEachApi() throws IOException {
    assertBody("""
        {"model":"gpt-x","stream":true,"stream_options":{"include_usage":true},"max_completion_tokens":256,
         "messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"one"},
           {"role":"assistant","content":"two"},{"role":"user","content":"three"}]}""", CHAT);
    assertBody("""
        {"model":"gpt-x","stream":true,"store":false,"max_output_tokens":256,"instructions":"Be brief.",
         "input":[{"role":"user","content":"one"},{"role":"assistant","content":"two"},
           {"role":"user","content":"three"}]}""", RESPONSES);
  }

  @ParameterizedTest
  @CsvSource({"stop, end_turn", "length, max_tokens", "content_filter, refusal", "tool_calls, tool_calls"})
  void aFinishReasonIsOneOfOurWordsAndEndsTheAnswer(String theirs, String ours) {
    assertEquals(List.of(new ModelEvent.Stop(ours, true)),
        chat("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" + theirs + "\"}]}"));
  }

  @Test void aFrameMayHoldTextReasonAndUsageAtOnce() {
    assertEquals(
        List.of(new ModelEvent.Text("hi"), new ModelEvent.Stop("end_turn", true),
            new ModelEvent.Tokens(Map.of(Count.INPUT, 5L, Count.OUTPUT, 2L, Count.CACHE_READ, 4L))),
        chat("{\"choices\":[{\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}],\"usage\":"
            + "{\"prompt_tokens\":9,\"completion_tokens\":2,\"prompt_tokens_details\":{\"cached_tokens\":4}}}"));
  }

  @Test void aRefusalInWordsIsTextAndTheReason() {
    assertEquals(List.of(new ModelEvent.Text("I can't."), new ModelEvent.Stop("refusal", false)),
        chat("{\"choices\":[{\"delta\":{\"content\":null,\"refusal\":\"I can't.\"},\"finish_reason\":null}]}"));
    assertEquals(List.of(new ModelEvent.Text("I can't."), new ModelEvent.Stop("refusal", false)),
        response("{\"type\":\"response.refusal.delta\",\"delta\":\"I can't.\"}"));
  }

  @ParameterizedTest
  @ValueSource(strings = {
      "{}",
      "{\"choices\":[]}",
      "{\"choices\":[{\"delta\":{\"reasoning_content\":\"hmm\"},\"finish_reason\":null}],\"usage\":null}",
      "{\"object\":\"something.newer\",\"more\":[1]}"
  })
  void whatIsNoTextSaysNothing(String data) {
    assertEquals(List.of(), chat(data));
  }

  @ParameterizedTest
  @ValueSource(strings = {"response.reasoning_summary_text.delta", "response.function_call_arguments.delta",
      "response.output_text.done", "response.something_newer"})
  void anEventOfResponsesThatIsNoTextSaysNothing(String type) {
    assertEquals(List.of(), response("{\"type\":\"" + type + "\",\"delta\":\"x\",\"text\":\"x\"}"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"choices\":", "hello", "", "[1]"})
  void dataThatIsNoObjectIsMalformed(String data) {
    assertEquals(HarnessFault.Code.MALFORMED, assertThrows(HarnessFault.class, () -> chat(data)).code());
    assertEquals(HarnessFault.Code.MALFORMED, assertThrows(HarnessFault.class, () -> response(data)).code());
  }

  @ParameterizedTest
  @CsvSource({"max_output_tokens, max_tokens", "content_filter, refusal", "something_newer, something_newer"})
  void anIncompleteResponseSaysWhy(String theirs, String ours) {
    var events = response("{\"type\":\"response.incomplete\",\"response\":{\"incomplete_details\":{\"reason\":\""
        + theirs + "\"},\"output\":[]}}");

    assertEquals(
        List.of(new ModelEvent.Whole(""), new ModelEvent.Stop(ours, true), new ModelEvent.Done()), events);
  }

  @Test void bothFormsOfAnErrorEventAreTyped() {
    for (var data : List.of(
        "{\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"slow\",\"param\":null}",
        "{\"type\":\"error\",\"error\":{\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\",\"message\":\"slow\"}}")) {
      var broken = assertInstanceOf(ModelEvent.Broken.class, response(data).getFirst());
      assertEquals("rate_limit_exceeded", broken.error().words().getFirst());
      assertEquals("slow", broken.error().message());
    }
  }
}
