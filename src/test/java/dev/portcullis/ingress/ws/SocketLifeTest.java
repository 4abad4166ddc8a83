package dev.portcullis.ingress.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.Credentials;
import dev.portcullis.ingress.IngressRig;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Principal;
import dev.portcullis.ingress.Scope;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Set;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.LoggingTestKit;
import org.apache.pekko.util.ByteString;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What happens on a socket after its login: answers, events, slowness, silence, and the end. */
class SocketLifeTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final String LONG = "n".repeat(64 << 10);

  @TempDir Path data;
  private WsRig rig;

  @BeforeEach
  void open() {
    rig = new WsRig(KIT.system(), data.resolve("d"));
  }

  @AfterEach
  void close() {
    rig.close();
  }

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  private WsClient login(String... scopes) throws Exception {
    return WsClient.login(rig.port(), rig.token.reveal(), scopes);
  }

  @Test
  void answersComeInTheOrderOfTheirEndsNotOfTheirRequests() throws Exception {
    try (var client = login("operator.read")) {
      var first = client.ask("test.hold", Json.object());
      var one = rig.held.take();
      client.ask("test.hold", Json.object());
      var two = rig.held.take();

      two.complete(Json.object().put("is", "two"));
      var earlier = client.await(frame -> frame.path("type").asText().equals("res"));
      one.complete(Json.object().put("is", "one"));

      assertEquals("two", earlier.path("payload").path("is").asText());
      assertEquals("one", client.answer(first).path("payload").path("is").asText());
    }
  }

  @Test
  void aMethodMayAnswerTwiceUnderOneId() throws Exception {
    try (var client = login("operator.read")) {
      var id = client.ask("test.twice", Json.object());
      assertEquals("accepted", client.answer(id).path("payload").path("status").asText());

      rig.held.take().complete(Json.object().put("status", "ok"));

      assertEquals("ok", client.answer(id).path("payload").path("status").asText());
    }
  }

  @Test
  void oneClientHasOnlySoManyRequestsOpen() throws Exception {
    try (var client = login("operator.read")) {
      var held = new ArrayList<CompletableFuture<JsonNode>>();
      for (int i = 0; i < Connection.REQUESTS_MAX; i++) {
        client.ask("test.hold", Json.object());
        held.add(rig.held.take());
      }
      var refused = client.call("test.hold", Json.object()).path("error");
      assertEquals("UNAVAILABLE", refused.path("code").asText());
      assertTrue(refused.path("retryable").asBoolean());

      held.getFirst().complete(Json.object());
      client.await(frame -> frame.path("ok").asBoolean());

      assertTrue(client.call("test.echo", Json.object()).path("ok").asBoolean());
    }
  }

  @Test
  void aBugOfAMethodIsAnAnswerThatTellsNothingOfIt() throws Exception {
    try (var client = login("operator.read")) {
      LoggingTestKit.error("ingress.bug").expect(KIT.system(), () -> {
        try {
          var error = client.call("test.bug", Json.object()).path("error");
          assertEquals("UNAVAILABLE", error.path("code").asText());
          assertFalse(error.toString().contains("a bug of the method"), error.toString());
        } catch (InterruptedException stop) {
          throw new IllegalStateException(stop);
        }
        return null;
      });
      assertTrue(client.call("test.echo", Json.object()).path("ok").asBoolean());
    }
  }

  @Test
  void anAnswerLongerThanTheBufferArrivesWhole() throws Exception {
    try (var client = login("operator.read")) {
      var answer = client.call("test.long", Json.object().put("chars", 3 << 20));

      assertEquals(3 << 20, answer.path("payload").path("text").asText().length());
    }
  }

  @Test
  void eachConnectionCountsTheEventsThatItMayHear() throws Exception {
    try (var reader = login("operator.read"); var stranger = login()) {
      rig.note("one", false);
      rig.note("two", false);
      rig.ingress.draining(); // For everybody.

      assertEquals(1, reader.event("test.note").path("seq").asLong());
      assertEquals(2, reader.event("test.note").path("seq").asLong());
      assertEquals(3, reader.event("gateway.draining").path("seq").asLong());
      assertEquals(1, stranger.event("gateway.draining").path("seq").asLong());
    }
  }

  @Test
  void anEventIsForThoseWhoAskedForItsTopicAndCanTakeIt() {
    var topic = new Topic.SessionList();
    var all = Broadcast.Audience.readersOf("agent:main:main", "p");
    var peer = member(new Principal("p", Set.of(Scope.READ, Scope.ADMIN)));

    assertTrue(peer.hears(all));
    assertFalse(peer.hears(all.with("tool-events")));
    assertFalse(peer.hears(all.on(topic)));
    peer.subscribe(topic);
    assertTrue(peer.hears(all.on(topic)));
    peer.unsubscribe(topic);
    assertFalse(peer.hears(all.on(topic)));
    assertFalse(member(new Principal("p", Set.of(Scope.APPROVALS))).hears(all));
  }

  @Test
  void anEventOfASessionIsForItsOwnerAndForThoseWhoSeeAll() {
    var anna = member(new Principal("anna", Set.of(Scope.READ)));

    assertTrue(anna.hears(of("anna")));
    assertFalse(anna.hears(of("bert")));
    assertFalse(anna.hears(of(""))); // Nobody has said whose it is.
    assertTrue(member(new Principal("chief", Set.of(Scope.READ), true, 1)).hears(of("bert")));
    assertTrue(anna.hears(Broadcast.Audience.EVERYBODY));
  }

  private static Broadcast.Audience of(String owner) {
    return Broadcast.Audience.readersOf("agent:main:main", owner);
  }

  private static Member member(Principal principal) {
    return new Member(new Welcome("c", principal, client(), "token", "", "", 0, 0),
        new Socket(1_024, 1_024, Duration.ofSeconds(1), _ -> null), () -> true);
  }

  @Test
  @Tag("SEC-16")
  void aTokenThatIsRotatedEndsItsSocketsAndTheNextFrameIsNotExecuted() throws Exception {
    try (var client = login("operator.read")) {
      rig.credentials.rotate(
          Credentials.OWNER, rig.credentials.find(rig.token.reveal()).orElseThrow(), new SecureRandom());
      client.ask("test.hold", Json.object());

      assertEquals(new WsClient.Closed(4001, "gateway auth changed"), client.closed());
      assertTrue(rig.held.isEmpty());
    }
  }

  @Test
  @Tag("SEC-16")
  void aTokenThatIsRotatedEndsASilentSocketToo() throws Exception {
    try (var client = login("operator.read")) {
      rig.credentials.rotate(
          Credentials.OWNER, rig.credentials.find(rig.token.reveal()).orElseThrow(), new SecureRandom());

      assertEquals(4001, client.closed().code());
    }
  }

  private static ConnectRequest.Client client() {
    return new ConnectRequest.Client("cli", "", "1", "", "", "", "", "cli", "", Set.of());
  }

  @Test
  @Tag("SEC-51")
  @Tag("W-1")
  void whoStopsReadingIsClosedAndNobodyWaitsForThem() throws Exception {
    try (var reader = login("operator.read");
        var stuck = RawSocket.login(rig.port(), rig.token.reveal(), "operator.read")) {
      for (int i = 0; i < 300; i++) {
        rig.note(LONG, false);
        assertEquals(i + 1, reader.event("test.note").path("seq").asLong());
      }
      assertTrue(stuck.ends());
      rig.note("still here", false);
      assertEquals("still here", reader.event("test.note").path("payload").path("text").asText());
    }
  }

  @Test
  @Tag("SEC-51")
  void whatASlowReaderMayMissLeavesAGapInItsNumbers() throws Exception {
    try (var slow = RawSocket.login(rig.port(), rig.token.reveal(), "operator.read")) {
      for (int i = 0; i < 300; i++) {
        rig.note(LONG, true);
      }
      int heard = 0;
      var numbers = new HashSet<Long>();
      long last = 0;
      while (true) {
        var event = IngressRig.json(slow.read().text());
        if (!event.path("event").asText().equals("test.note")) {
          continue;
        }
        heard++;
        numbers.add(event.path("seq").asLong());
        assertTrue(event.path("seq").asLong() > last);
        last = event.path("seq").asLong();
        if (event.path("payload").path("text").asText().equals("probe")) {
          break;
        }
        rig.note("probe", true);
      }
      assertEquals(heard, numbers.size());
      assertTrue(last > heard, "heard " + heard + " of " + last);
    }
  }

  @Test
  @Tag("SEC-51")
  void theLastWordToASlowReaderIsThatItShouldComeBack() {
    var outbox = new Outbox(1_000);
    assertTrue(outbox.event(ByteString.fromString("x".repeat(600))));
    assertFalse(outbox.event(ByteString.fromString("x".repeat(600))));
    outbox.close(1013, "slow consumer", true);

    var frames = new ArrayList<Object>();
    for (var next = outbox.next(); next.isPresent(); next = outbox.next()) {
      frames.add(next.get());
    }

    assertEquals(1, frames.size());
    assertTrue(outbox.ended());
    assertEquals(Optional.empty(), outbox.next());
  }

  @Test
  @Tag("W-2")
  void whoVanishesIsClosedAndWhoAnswersIsNot() throws Exception {
    rig.close();
    rig = new WsRig(KIT.system(), data.resolve("e"), "portcullis.sockets.tick = 300ms");
    try (var alive = login("operator.read");
        var vanished = RawSocket.login(rig.port(), rig.token.reveal(), "operator.read")) {
      var end = vanished.closed();

      assertEquals(1008, end.closeCode());
      assertEquals("no sign of life", end.text());
      alive.event("tick");
      alive.event("tick");
      assertTrue(alive.call("test.echo", Json.object()).path("ok").asBoolean());
    }
  }

  @Test
  void aGatewayThatStopsSaysSoAtOnceGoesOnAnsweringAndSaysGoodbye() throws Exception {
    try (var client = login("operator.read")) {
      rig.ingress.draining();
      client.event("gateway.draining");
      assertTrue(client.call("test.echo", Json.object()).path("ok").asBoolean());

      rig.close();

      client.event("shutdown");
      assertEquals(new WsClient.Closed(1012, "service restart"), client.closed());
      assertThrows(ExecutionException.class, () -> WsClient.open(rig.port()));
    }
  }

  @Test
  void healthIsToldWithAVersion() throws Exception {
    try (var client = WsClient.open(rig.port())) {
      client.event("connect.challenge");
      var snapshot = client.call("connect", WsClient.connect(rig.token.reveal(), "operator.read"))
          .path("payload").path("snapshot");

      assertTrue(snapshot.path("health").path("ok").asBoolean());
      assertEquals(1, snapshot.path("stateVersion").path("health").asInt());
      assertEquals("gateway", snapshot.path("presence").path(0).path("mode").asText());
    }
  }
}
