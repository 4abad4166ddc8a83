package dev.portcullis.ingress.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.ingress.IngressRig;
import dev.portcullis.ingress.Json;
import java.nio.file.Path;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Requests and answers on one socket. */
class SocketRequestsTest {
  private static final ActorTestKit KIT = ActorTestKit.create();

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

  private int port() {
    return rig.ingress.address().getPort();
  }

  @Test
  void whoHasATokenIsWelcomedAndAnswered() throws Exception {
    try (var client = WsClient.open(port())) {
      assertFalse(client.event("connect.challenge").path("payload").path("nonce").asText().isEmpty());

      var hello = client.call("connect", WsClient.connect(rig.token.reveal(), "operator.read"));

      assertTrue(hello.path("ok").asBoolean(), hello.toString());
      var payload = hello.path("payload");
      assertEquals("hello-ok", payload.path("type").asText());
      assertEquals(4, payload.path("protocol").asInt());
      assertEquals("[\"operator.read\"]", payload.path("auth").path("scopes").toString());
      assertEquals("agent:main:main",
          payload.path("snapshot").path("sessionDefaults").path("mainSessionKey").asText());
      assertTrue(client.call("status", Json.object()).path("ok").asBoolean());
    }
  }

  @Test
  void bytesThatAreNoTextAreBadInputAndTheSocketGoesOn() throws Exception {
    try (var client = WsClient.login(port(), rig.token.reveal(), "operator.read")) {
      client.send("\0{\0\0");

      var error = client.answer("invalid").path("error");
      assertEquals("INVALID_REQUEST", error.path("code").asText(), error.toString());
      assertTrue(client.call("status", Json.object()).path("ok").asBoolean());
    }
  }

  @Test
  void whatIsForbiddenUnknownOrMalformedCountsLikeAnythingElse() throws Exception {
    try (var rig = new WsRig(KIT.system(), data.resolve("e"), "portcullis.limits.requests-per-minute = 4");
        var client = WsClient.login(rig.port(), "token-of-read", "operator.read")) {
      assertEquals("FORBIDDEN", client.call("test.admin", Json.object()).path("error").path("code").asText());
      assertFalse(client.call("no.such", Json.object()).path("ok").asBoolean());
      client.send("{");
      assertEquals("INVALID_REQUEST", client.answer("invalid").path("error").path("code").asText());
      assertTrue(client.call("test.echo", Json.object()).path("ok").asBoolean());

      for (var method : new String[] {"test.echo", "test.admin", "no.such"}) {
        assertEquals("UNAVAILABLE",
            client.call(method, Json.object()).path("error").path("code").asText(), method);
      }
      client.send("{");
      assertEquals("UNAVAILABLE", client.answer("invalid").path("error").path("code").asText());
    }
  }
}
