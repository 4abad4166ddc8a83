package dev.portcullis.ingress.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.ingress.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.LoggingTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who gets a socket at all. */
class SocketUpgradeTest {
  private static final ActorTestKit KIT = ActorTestKit.create();

  @TempDir Path data;
  private WsRig rig;

  @BeforeEach
  void open() {
    rig = new WsRig(KIT.system(), data.resolve("d"),
        "portcullis.sockets.pending = 6", "portcullis.sockets.pending-per-client = 4",
        "portcullis.sockets.login = 400ms");
  }

  @AfterEach
  void close() {
    rig.close();
  }

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  private String status(String path, String... headers) throws IOException {
    return RawSocket.upgrade(rig.port(), path, headers).lines().findFirst().orElse("").split(" ")[1];
  }

  private String bearer() {
    return "Authorization: Bearer " + rig.token.reveal();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/ws"})
  void bothPathsLeadToASocket(String path) throws IOException {
    assertEquals("101", status(path));
  }

  @Test
  void anotherPathLeadsToNone() throws IOException {
    assertEquals("404", status("/elsewhere", bearer()));
    assertEquals("401", status("/api/v1/status"));
  }

  @ParameterizedTest
  @Tag("SEC-02")
  @ValueSource(strings = {
    "https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1", "http://127.0.0.1:1"})
  void aPageOfAnotherOriginGetsNoSocketWhateverItsToken(String origin) throws IOException {
    assertEquals("403", status("/", "Origin: " + origin, bearer()));
    assertEquals("403", status("/", "Origin: " + origin, bearer(), "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https"));
  }

  @Test
  @Tag("SEC-02")
  void aPageOfTheGatewayItselfGetsOne() throws IOException {
    assertEquals("101", status("/", "Origin: http://127.0.0.1:" + rig.port()));
  }

  @Test
  @Tag("SEC-03")
  void anotherHostNameLeadsToNone() throws IOException {
    assertEquals("421", status("/", "Host: evil.example"));
    assertEquals("101", status("/", "Host: localhost."));
  }

  @Test
  @Tag("SEC-10")
  void aTokenInTheAddressOpensNothing() throws Exception {
    LoggingTestKit.empty().withMessageContains(rig.token.reveal()).withOccurrences(0).expect(KIT.system(), () -> {
      try {
        assertEquals("401", status("/ws?token=" + rig.token.reveal()));
        assertEquals("401", status("/ws?token=" + rig.token.reveal(), bearer()));
      } catch (IOException broken) {
        throw new java.io.UncheckedIOException(broken);
      }
      return null;
    });
  }

  @Test
  @Tag("SEC-12")
  void wrongTokensOfUpgradesAreCounted() throws Exception {
    rig.close();
    rig = new WsRig(KIT.system(), data.resolve("e"), "portcullis.limits.auth-failures = 3");
    for (int i = 0; i < 3; i++) {
      assertEquals("401", status("/ws", "Authorization: Bearer wrong-" + i));
    }
    assertEquals("429", status("/ws", "Authorization: Bearer wrong"));
    assertEquals("429", status("/ws", bearer()));
    assertEquals("429", status("/api/v1/status", bearer()));
  }

  @Test
  @Tag("SEC-10")
  void twoTokensOpenNothing() throws Exception {
    assertEquals("401", status("/ws", bearer(), "Authorization: Bearer another"));
  }

  @Test
  @Tag("SEC-49")
  void aFloodOfSilentSocketsFillsItsBudgetAndLeavesRoomForWhoeverShowsAToken() throws Exception {
    var silent = new ArrayList<RawSocket>();
    try {
      for (int i = 0; i < 4; i++) {
        silent.add(RawSocket.open(rig.port()));
      }
      assertEquals("503", status("/"));
      assertEquals("101", status("/", bearer()));

      for (var raw : silent) {
        var end = raw.closed();
        assertEquals(1008, end.closeCode());
        assertEquals("handshake timeout", end.text());
      }
    } finally {
      for (var raw : silent) {
        raw.close();
      }
    }
    try (var client = WsClient.login(rig.port(), rig.token.reveal())) {
      assertTrue(client.isOpen());
    }
  }

  @Test
  @Tag("SEC-49")
  void whoHasLoggedInStaysBeyondTheTimeForIt() throws Exception {
    try (var client = WsClient.login(rig.port(), rig.token.reveal(), "operator.read");
        var silent = RawSocket.open(rig.port())) {
      assertEquals(1008, silent.closed().closeCode()); // It came later.

      assertTrue(client.call("test.echo", Json.object()).path("ok").asBoolean());
    }
  }

  @Test
  void aGatewayThatStopsOpensNoSocketAndLetsNobodyInOnAnOpenOne() throws Exception {
    try (var waiting = WsClient.open(rig.port())) {
      waiting.event("connect.challenge");
      rig.ingress.draining();

      assertEquals("503", status("/"));
      var answer = waiting.call("connect", WsClient.connect(rig.token.reveal()));
      assertFalse(answer.path("ok").asBoolean());
      assertTrue(answer.path("error").path("retryable").asBoolean());
      assertEquals(1013, waiting.closed().code());
    }
  }

  @Test
  void socketsInAllAreLimited() throws Exception {
    rig.close();
    rig = new WsRig(KIT.system(), data.resolve("e"), "portcullis.sockets.most = 2");
    try (var first = WsClient.login(rig.port(), rig.token.reveal());
        var second = WsClient.login(rig.port(), rig.token.reveal())) {
      assertEquals("503", status("/", bearer()));
      assertTrue(first.isOpen() && second.isOpen());
    }
  }

  @Test
  void theBudgetOfOneClientIsNotAnothers() {
    var budget = new Budget(new dev.portcullis.config.GatewayConfig.Sockets(
        100, 5, 3, Duration.ofSeconds(1), 1_024, 1_024, Duration.ofSeconds(30)));
    for (int i = 0; i < 3; i++) {
      assertTrue(budget.take("a"));
    }
    assertFalse(budget.take("a"));
    assertTrue(budget.take("b"));
    assertTrue(budget.take("b"));
    assertFalse(budget.take("b"));
    budget.giveBack("a");
    assertTrue(budget.take("b"));
    assertFalse(budget.take("a"));
  }
}
