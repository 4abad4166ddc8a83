package dev.portcullis.harness.jsonrpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonRpcPeerTest {
  private static final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final List<String> sent = new ArrayList<>();
  private final List<String> heard = new ArrayList<>();
  private final JsonRpcPeer peer = new JsonRpcPeer("test", sent::add, new JsonRpcPeer.Handler() {
    @Override
    public void notified(String method, JsonNode params) {
      heard.add(method + params);
    }

    @Override
    public boolean asked(JsonNode id, String method, JsonNode params) {
      heard.add(id + method);
      return method.equals("known");
    }
  }, timer);

  @AfterAll
  static void close() {
    timer.shutdownNow();
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  private static HarnessFault fault(CompletionStage<Reply> reply) {
    var failure = assertThrows(CompletionException.class, () -> reply.toCompletableFuture().join());
    return assertInstanceOf(HarnessFault.class, failure.getCause());
  }

  @Test
  void anEndThatWantsNoVersionGetsNone() {
    var silent = new JsonRpcPeer("test", false, sent::add, new JsonRpcPeer.Handler() {
      @Override
      public void notified(String method, JsonNode params) {}

      @Override
      public boolean asked(JsonNode id, String method, JsonNode params) {
        return false;
      }
    }, timer);
    var reply = silent.request("a", object()).toCompletableFuture();
    silent.notify("b", object());
    silent.receive("{\"id\":3,\"method\":\"c\"}");
    silent.receive("{\"id\":0,\"result\":{}}");
    assertEquals(List.of("{\"id\":0,\"method\":\"a\",\"params\":{}}", "{\"method\":\"b\",\"params\":{}}",
        "{\"id\":3,\"error\":{\"code\":-32601,\"message\":\"method not found: c\"}}"), sent);
    assertInstanceOf(Reply.Result.class, reply.join());
  }

  @Test
  void aRequestIsAnsweredByItsId() {
    var first = peer.request("a", object().put("x", 1)).toCompletableFuture();
    var second = peer.request("b", object()).toCompletableFuture();
    assertEquals("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"a\",\"params\":{\"x\":1}}", sent.getFirst());
    peer.receive("{\"result\":{\"ok\":true},\"id\":1,\"jsonrpc\":\"2.0\"}");
    assertFalse(first.isDone());
    assertTrue(assertInstanceOf(Reply.Result.class, second.join()).value().get("ok").booleanValue());
    peer.receive("{\"id\":0,\"error\":{\"code\":-32000,\"message\":\"no\",\"data\":{\"k\":1}}}");
    var error = assertInstanceOf(Reply.Error.class, first.join());
    assertEquals(-32000, error.code());
    assertEquals(1, error.data().get("k").intValue());
  }

  @Test
  void theTwoDirectionsNumberTheirRequestsApart() {
    var mine = peer.request("mine", object()).toCompletableFuture();
    peer.receive("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"known\",\"params\":{}}");
    assertFalse(mine.isDone());
    peer.answer(IntNode.valueOf(0), object());
    assertEquals("{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{}}", sent.getLast());
    assertEquals(List.of("0known"), heard);
  }

  @Test
  void anUnknownRequestIsRefusedAndAnUnknownNotificationIsNot() {
    peer.receive("{\"jsonrpc\":\"2.0\",\"id\":\"seven\",\"method\":\"fs/read\"}");
    assertEquals("{\"jsonrpc\":\"2.0\",\"id\":\"seven\",\"error\":{\"code\":-32601,"
        + "\"message\":\"method not found: fs/read\"}}", sent.getLast());
    peer.receive("{\"jsonrpc\":\"2.0\",\"method\":\"_extension\",\"params\":[1]}");
    assertEquals(1, sent.size());
    assertEquals("_extension[1]", heard.getLast());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "  ", "Welcome!", "{\"jsonrpc\":\"2.0\",\"id\":", "[1,2]", "null", "17",
      "{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":1}",
          "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700}}"})
  void whatIsNoMessageOrAnswersNothingIsIgnored(String line) {
    var open = peer.request("a", object()).toCompletableFuture();
    peer.receive(line);
    assertFalse(open.isDone());
    peer.receive("{\"id\":0,\"result\":null}");
    assertInstanceOf(Reply.Result.class, open.join());
  }

  @Test
  void aVeryLongLineIsAMessageLikeAnyOther() {
    var text = "x".repeat(12 * 1024 * 1024);
    var open = peer.request("a", object()).toCompletableFuture();
    peer.receive("{\"id\":0,\"result\":{\"text\":\"" + text + "\"}}");
    assertEquals(text.length(), ((Reply.Result) open.join()).value().get("text").textValue().length());
  }

  @Test
  void theEndOfTheOtherSideFailsEverythingAtOnceAndForEver() {
    var first = peer.request("a", object());
    var second = peer.request("b", object(), Duration.ofHours(1));
    peer.close(HarnessFault.of(Code.LOST, "gone"));
    assertEquals(Code.LOST, fault(first).code());
    assertEquals(Code.LOST, fault(second).code());
    assertEquals(Code.LOST, fault(peer.request("c", object())).code());
    assertEquals(2, sent.size());
  }

  @Test
  void aRequestWithoutAnAnswerInTimeFailsNamingTheMethod() {
    var fault = fault(peer.request("initialize", object(), Duration.ofMillis(1)));
    assertEquals(Code.TIMEOUT, fault.code());
    assertTrue(fault.getMessage().contains("initialize"));
  }
}
