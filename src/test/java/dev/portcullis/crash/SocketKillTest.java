package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.ws.WsClient;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A client of the gateway protocol whose gateway is killed in the middle of an answer. */
class SocketKillTest {
  @TempDir Path directory;

  private WsClient login(GatewayProcess gateway) throws Exception {
    int port = URI.create(gateway.addresses().orElseThrow().path("http").asText()).getPort();
    var token = Files.readString(directory.resolve("data").resolve("token")).strip();
    return WsClient.login(port, token, "operator.read", "operator.write");
  }

  private static ObjectNode turn() {
    return Json.object().put("sessionKey", "main").put("message", "hi [[echo words=24 gap=150ms]]")
        .put("idempotencyKey", "k-1");
  }

  private static boolean chat(JsonNode frame, String state) {
    return frame.path("event").asText().equals("chat") && frame.path("payload").path("state").asText().equals(state);
  }

  @Test
  @Tag("INV-I3")
  void theSameKeyFindsTheRunAfterAKillAndItsOneEndIsTold() throws Exception {
    var data = directory.resolve("data");
    try (var gateway = GatewayProcess.on(data).start().awaitReady(); var client = login(gateway)) {
      assertEquals("started", client.call("chat.send", turn()).path("payload").path("status").asText());
      client.await(frame -> chat(frame, "delta"));
      gateway.kill9();
    }
    try (var gateway = GatewayProcess.on(data).start().awaitReady(); var client = login(gateway)) {
      assertEquals("in_flight", client.call("chat.send", turn()).path("payload").path("status").asText());

      var end = client.await(frame -> chat(frame, "final")).path("payload");
      assertEquals("k-1", end.path("runId").asText());
      var text = end.path("message").path("content").path(0).path("text").asText();
      assertEquals(24, text.split(" ").length, text);

      var later = new ArrayList<JsonNode>();
      var id = client.ask("chat.send", turn());
      var again = client.await(frame -> {
        later.add(frame);
        return frame.path("id").asText().equals(id);
      });
      assertEquals("ok", again.path("payload").path("status").asText());
      assertEquals(0, later.stream().filter(frame -> frame.path("event").asText().equals("chat")).count());

      var messages = client.call("chat.history", Json.object().put("sessionKey", "main"))
          .path("payload").path("messages");
      assertEquals(List.of("k-1:user", "k-1:assistant"), StreamSupport.stream(messages.spliterator(), false)
          .map(message -> message.path("__openclaw").path("id").asText())
          .toList());
    }
  }
}
