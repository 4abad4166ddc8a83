package dev.portcullis.harness.anthropic;

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
class MessagesCodecTest {
  private static final Dialect MESSAGES = new MessagesCodec();

  private static List<ModelEvent> decode(String data) {
    return MESSAGES.decode(new ServerSentEvent("", data));
  }

  @Test void aConversationIsAskedForInTheFormOfTheApi() throws IOException {
    var server = new ModelServer("m", URI.create("http://127.0.0.1:1"), "sk-secret", "claude-x", "", 256, 1_000,
        new ModelLimits(1, Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ofSeconds(1), 0));
    var prompt = new Prompt("Be brief.", List.of(
        new Message("user", "one"), new Message("assistant", "two"), new Message("user", "three")));
    var json = new JsonMapper();

    assertEquals(json.readTree("""
        {"model":"claude-x","stream":true,"max_tokens":256,"system":"Be brief.",
         "messages":[{"role":"user","content":"one"},{"role":"assistant","content":"two"},
           {"role":"user","content":"three"}]}"""), json.readTree(MESSAGES.body(server, prompt).toString()));
    assertEquals(Map.of("x-api-key", "sk-secret", "anthropic-version", "2023-06-01"), MESSAGES.headers("sk-secret"));
  }

  @ParameterizedTest
  @CsvSource({"end_turn, end_turn", "max_tokens, max_tokens", "refusal, refusal", "stop_sequence, stop_sequence",
      "model_context_window_exceeded, max_tokens", "pause_turn, pause_turn"})
  void aStopReasonIsOneOfOurWordsAndTheEndIsStillToCome(String theirs, String ours) {
    assertEquals(
        List.of(new ModelEvent.Tokens(Map.of(Count.OUTPUT, 12L)), new ModelEvent.Stop(ours, false)),
        decode("{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" + theirs
            + "\"},\"usage\":{\"output_tokens\":12}}"));
    assertEquals(List.of(new ModelEvent.Done()), decode("{\"type\":\"message_stop\"}"));
  }

  @Test void tokensOfTheCacheAreCountedByThemselves() {
    assertEquals(
        List.of(new ModelEvent.Tokens(
            Map.of(Count.INPUT, 110L, Count.CACHE_WRITE, 7L, Count.CACHE_READ, 40L, Count.OUTPUT, 1L))),
        decode("{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":110,"
            + "\"cache_creation_input_tokens\":7,\"cache_read_input_tokens\":40,\"output_tokens\":1}}}"));
  }

  @ParameterizedTest
  @ValueSource(strings = {
      "{\"type\":\"ping\"}",
      "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}",
      "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hmm\"}}",
      "{\"type\":\"content_block_stop\",\"index\":0}",
      "{\"type\":\"something_newer\",\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}"
  })
  void whatIsNoTextSaysNothing(String data) {
    assertEquals(List.of(), decode(data));
  }

  @Test void theNameOfTheEventCountsWhereTheDataHasNoType() {
    assertEquals(List.of(new ModelEvent.Done()), MESSAGES.decode(new ServerSentEvent("message_stop", "{}")));
  }

  @Test void anErrorEventIsTyped() {
    var broken = assertInstanceOf(ModelEvent.Broken.class, decode(
        "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"},\"request_id\":\"req_1\"}")
        .getFirst());

    assertEquals(List.of("overloaded_error"), broken.error().words());
    assertEquals("req_1", broken.error().requestId());
  }

  @Test void dataThatIsNoObjectIsMalformed() {
    assertEquals(HarnessFault.Code.MALFORMED, assertThrows(HarnessFault.class, () -> decode("{")).code());
  }
}
