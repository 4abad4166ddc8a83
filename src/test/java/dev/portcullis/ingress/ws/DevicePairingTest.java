package dev.portcullis.ingress.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Digests;
import dev.portcullis.ingress.IngressRig;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Scope;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.Set;
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

/** Devices: let in, kept out, and sent away. */
class DevicePairingTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  /** What makes a client of this machine look like one that came through a proxy. */
  private static final String[] REMOTE = {"X-Forwarded-For", "203.0.113.7"};
  private static final String[] HERE = {};

  @TempDir Path data;
  private WsRig rig;
  private DeviceKey key;

  @BeforeEach
  void open() throws Exception {
    rig = new WsRig(KIT.system(), data.resolve("d"));
    key = new DeviceKey();
  }

  @AfterEach
  void close() {
    rig.close();
  }

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  /** A socket and the answer to its {@code connect}. */
  private record Joined(WsClient client, JsonNode answer) implements AutoCloseable {
    JsonNode auth() {
      return answer.path("payload").path("auth");
    }

    JsonNode refusal() {
      return answer.path("error").path("details");
    }

    @Override
    public void close() {
      client.close();
    }
  }

  private Joined join(String[] from, String field, String secret, String... scopes) throws Exception {
    var client = WsClient.open(rig.port(), from);
    var nonce = client.event("connect.challenge").path("payload").path("nonce").asText();
    return new Joined(client, client.call("connect", key.connect(nonce, rig.now(), field, secret, scopes)));
  }

  private WsClient operator() throws Exception {
    return WsClient.login(rig.port(), rig.token.reveal(), "operator.admin");
  }

  private String paired(String... scopes) throws Exception {
    try (var joined = join(HERE, "token", rig.token.reveal(), scopes)) {
      return joined.auth().path("deviceToken").asText();
    }
  }

  @Test
  void aDeviceOfThisMachineWithSecretAndKeyIsLetInAndGetsAToken() throws Exception {
    String token;
    try (var joined = join(HERE, "token", rig.token.reveal(), "operator.read")) {
      assertTrue(joined.answer().path("ok").asBoolean(), joined.answer().toString());
      assertEquals("[\"operator.read\"]", joined.auth().path("scopes").toString());
      token = joined.auth().path("deviceToken").asText();
      assertEquals(64, token.length());
    }
    try (var again = join(HERE, "deviceToken", token, "operator.read")) {
      assertEquals("device-token", again.auth().path("method").asText());
      assertFalse(again.auth().has("deviceToken"));
      assertTrue(again.client().call("test.echo", Json.object()).path("ok").asBoolean());
    }
  }

  @Test
  @Tag("SEC-18")
  void ofATokenOnlyItsDigestIsKept() throws Exception {
    var token = paired("operator.read");

    var kept = rig.devices.entries.get(key.id());

    assertFalse(kept.contains(token), kept);
    assertTrue(kept.contains(Digests.hex(token)), kept);
    try (var hash = join(HERE, "deviceToken", Digests.hex(token), "operator.read")) {
      assertEquals("AUTH_DEVICE_TOKEN_MISMATCH", hash.refusal().path("code").asText());
    }
  }

  @Test
  void aDeviceTokenIsWorthNothingWithAnotherKey() throws Exception {
    var token = paired("operator.read");
    key = new DeviceKey();

    try (var thief = join(HERE, "deviceToken", token, "operator.read")) {
      assertEquals("AUTH_DEVICE_TOKEN_MISMATCH", thief.refusal().path("code").asText());
    }
  }

  @Test
  void aKeyWithoutASecretIsNotLetInFromThisMachineEither() throws Exception {
    try (var joined = join(HERE, "token", "", "operator.read")) {
      assertEquals("AUTH_TOKEN_MISSING", joined.refusal().path("code").asText());
      assertTrue(rig.devices.entries.isEmpty());
    }
  }

  @Test
  void aDeviceIsKeptAcrossARestart() throws Exception {
    var token = paired("operator.read");
    rig.close();
    rig = new WsRig(KIT.system(), data.resolve("d"), rig.devices);

    try (var again = join(REMOTE, "deviceToken", token, "operator.read")) {
      assertTrue(again.answer().path("ok").asBoolean(), again.answer().toString());
    }
  }

  @Test
  @Tag("SEC-18")
  void aDeviceFromElsewhereWaitsForAPersonWhoLetsItInOnce() throws Exception {
    try (var operator = operator()) {
      String requestId;
      try (var waiting = join(REMOTE, "token", rig.token.reveal(), "operator.read")) {
        assertEquals("NOT_PAIRED", waiting.answer().path("error").path("code").asText());
        assertEquals("PAIRING_REQUIRED not-paired", waiting.refusal().path("code").asText() + " "
            + waiting.refusal().path("reason").asText());
        requestId = waiting.refusal().path("requestId").asText();
        assertEquals(1008, waiting.client().closed().code());
      }
      assertEquals(requestId,
          operator.event("device.pair.requested").path("payload").path("requestId").asText());

      var approve = Json.object().put("requestId", requestId);
      assertTrue(operator.call("device.pair.approve", approve).path("ok").asBoolean());
      assertEquals("PAIRING_NOT_FOUND", operator.call("device.pair.approve", approve)
          .path("error").path("details").path("code").asText());

      try (var joined = join(REMOTE, "token", rig.token.reveal(), "operator.read")) {
        assertTrue(joined.answer().path("ok").asBoolean(), joined.answer().toString());
        assertEquals(64, joined.auth().path("deviceToken").asText().length());
      }
      try (var more = join(REMOTE, "token", rig.token.reveal(), "operator.admin")) {
        assertEquals("scope-upgrade", more.refusal().path("reason").asText());
        assertEquals("[\"operator.read\"]", more.refusal().path("approvedScopes").toString());
      }
    }
  }

  @Test
  @Tag("SEC-18")
  void whatWaitsTooLongCannotBeApproved() throws Exception {
    try (var operator = operator(); var waiting = join(REMOTE, "token", rig.token.reveal(), "operator.read")) {
      var requestId = waiting.refusal().path("requestId").asText();
      rig.pass(Pairing.EXPIRY);

      var answer = operator.call("device.pair.approve", Json.object().put("requestId", requestId));

      assertEquals("PAIRING_NOT_FOUND", answer.path("error").path("details").path("code").asText());
      assertEquals(0, operator.call("device.pair.list", Json.object())
          .path("payload").path("pending").size());
    }
  }

  @Test
  @Tag("SEC-14")
  void whoApprovesGivesNoMoreThanTheyHave() throws Exception {
    try (var approver = WsClient.login(rig.port(), "token-of-pairing", "operator.pairing");
        var waiting = join(REMOTE, "token", rig.token.reveal(), "operator.admin")) {
      var approve = Json.object().put("requestId", waiting.refusal().path("requestId").asText());

      var device = approver.call("device.pair.approve", approve).path("payload").path("device");

      assertEquals("[]", device.path("scopes").toString());
    }
  }

  @Test
  void whatWasRejectedIsNotLetIn() throws Exception {
    try (var operator = operator(); var waiting = join(REMOTE, "token", rig.token.reveal(), "operator.read")) {
      var request = Json.object().put("requestId", waiting.refusal().path("requestId").asText());
      assertEquals(key.id(),
          operator.call("device.pair.reject", request).path("payload").path("deviceId").asText());

      try (var again = join(REMOTE, "token", rig.token.reveal(), "operator.read")) {
        assertEquals("PAIRING_REQUIRED", again.refusal().path("code").asText());
      }
    }
  }

  @Test
  @Tag("SEC-14")
  void aDeviceTokenGivesNoMoreThanWasApproved() throws Exception {
    var token = paired("operator.read");

    try (var more = join(HERE, "deviceToken", token, "operator.admin")) {
      assertEquals("scope-upgrade", more.refusal().path("reason").asText());
    }
  }

  @Test
  void aDeviceThatHasBecomeAnotherIsAskedAboutAgain() throws Exception {
    var token = paired("operator.read");
    try (var client = WsClient.open(rig.port(), REMOTE)) {
      var nonce = client.event("connect.challenge").path("payload").path("nonce").asText();
      var params = key.connect(nonce, rig.now(), "token", rig.token.reveal(), "operator.read");
      ((ObjectNode) params.path("client")).put("platform", "toaster");

      var answer = client.call("connect", key.sign(params, "v3", nonce, rig.now()));

      assertEquals("metadata-upgrade", answer.path("error").path("details").path("reason").asText());
      try (var operator = operator()) {
        var approved = operator.call("device.pair.approve", Json.object().put("requestId",
            answer.path("error").path("details").path("requestId").asText()));
        assertTrue(approved.path("ok").asBoolean(), approved.toString());
      }
    }
    var device = Device.read(key.id(), rig.devices.entries.get(key.id()));
    assertEquals("toaster", device.platform());
    assertEquals(Digests.hex(token), device.tokenSha256());
  }

  @Test
  void whatWasApprovedBeforeStaysSoWhoeverApprovesTheRest() throws Exception {
    var token = paired("operator.read");
    try (var pairing = WsClient.login(rig.port(), "token-of-pairing", "operator.pairing");
        var waiting = join(REMOTE, "token", rig.token.reveal(), "operator.pairing")) {
      pairing.call("device.pair.approve",
          Json.object().put("requestId", waiting.refusal().path("requestId").asText()));
    }
    try (var again = join(REMOTE, "deviceToken", token, "operator.read", "operator.pairing")) {
      assertEquals("[\"operator.pairing\",\"operator.read\"]", again.auth().path("scopes").toString());
    }
  }

  @Test
  void theTokenOfADeviceThatChangesHandsIsWorthNothing() throws Exception {
    var token = paired("operator.read");
    try (var other = join(HERE, "token", "token-of-read", "operator.read")) {
      assertEquals(64, other.auth().path("deviceToken").asText().length());
    }
    try (var again = join(HERE, "deviceToken", token, "operator.read")) {
      assertEquals("AUTH_DEVICE_TOKEN_MISMATCH", again.refusal().path("code").asText());
    }
  }

  @Test
  @Tag("SEC-16")
  void aRevokedTokenEndsTheSocketsThatCameWithItAndOpensNoMore() throws Exception {
    var token = paired("operator.read");
    try (var operator = operator(); var device = join(HERE, "deviceToken", token, "operator.read")) {
      var revoke = Json.object().put("deviceId", key.id()).put("role", "operator");
      assertTrue(operator.call("device.token.revoke", revoke).path("ok").asBoolean());

      assertEquals(new WsClient.Closed(4001, "gateway auth changed"), device.client().closed());
      try (var again = join(HERE, "deviceToken", token, "operator.read")) {
        assertEquals("AUTH_DEVICE_TOKEN_MISMATCH", again.refusal().path("code").asText());
      }
      assertTrue(operator.isOpen());
    }
  }

  @Test
  @Tag("SEC-16")
  void aRotatedTokenReplacesTheOlderOne() throws Exception {
    var older = paired("operator.read");
    try (var operator = operator(); var device = join(HERE, "deviceToken", older, "operator.read")) {
      var rotated = operator.call("device.token.rotate", Json.object().put("deviceId", key.id()));

      assertEquals(4001, device.client().closed().code());
      var newer = rotated.path("payload").path("token").asText();
      try (var again = join(HERE, "deviceToken", newer, "operator.read")) {
        assertTrue(again.answer().path("ok").asBoolean(), again.answer().toString());
      }
    }
  }

  @Test
  @Tag("SEC-14")
  void nobodyRotatesATokenToMoreThanWasApprovedOrThanTheyHave() throws Exception {
    paired("operator.read");
    var more = Json.object().put("deviceId", key.id());
    more.putArray("scopes").add("operator.admin");
    try (var operator = operator();
        var pairing = WsClient.login(rig.port(), "token-of-pairing", "operator.pairing")) {
      assertEquals("FORBIDDEN",
          operator.call("device.token.rotate", more).path("error").path("code").asText());
      assertEquals("FORBIDDEN", pairing.call("device.token.rotate", Json.object().put("deviceId", key.id()))
          .path("error").path("code").asText());
    }
  }

  @Test
  @Tag("SEC-14")
  void aDeviceThatMayDoMoreThanTheCallerIsNotChangedByIt() throws Exception {
    paired("operator.read");
    try (var pairing = WsClient.login(rig.port(), "token-of-pairing", "operator.pairing")) {
      for (var method : List.of("device.token.rotate", "device.token.revoke", "device.pair.remove")) {
        assertEquals("FORBIDDEN", pairing.call(method, Json.object().put("deviceId", key.id()))
            .path("error").path("code").asText(), method);
      }
    }
    assertTrue(rig.devices.entries.containsKey(key.id()));
  }

  @Test
  @Tag("SEC-14")
  void oneMayRemoveOnesOwnDevice() throws Exception {
    try (var own = join(HERE, "token", "token-of-pairing", "operator.pairing");
        var pairing = WsClient.login(rig.port(), "token-of-pairing", "operator.pairing")) {
      assertTrue(own.answer().path("ok").asBoolean(), own.answer().toString());
      var answer = pairing.call("device.pair.remove", Json.object().put("deviceId", key.id()));

      assertTrue(answer.path("ok").asBoolean(), answer.toString());
    }
  }

  @Test
  @Tag("SEC-16")
  void theDevicesOfAPrincipalGoWithIt() throws Exception {
    var boss = rig.credentials.find(rig.token.reveal()).orElseThrow();
    var random = new SecureRandom();
    var token = rig.credentials.add("guest", Set.of(Scope.READ), false, boss, random);
    try (var device = join(HERE, "token", token.reveal(), "operator.read")) {
      assertTrue(device.answer().path("ok").asBoolean(), device.answer().toString());

      rig.credentials.remove("guest", boss);

      assertEquals(4001, device.client().closed().code());
      assertTrue(rig.devices.entries.isEmpty());
    }
  }

  @Test
  @Tag("SEC-13")
  void whatATrustedProxyHandsOnIsNotOfThisMachine() throws Exception {
    rig.close();
    rig = new WsRig(KIT.system(), data.resolve("e"), "portcullis.http.trusted-proxies = [\"127.0.0.0/8\"]");
    try (var joined = join(HERE, "token", rig.token.reveal(), "operator.read")) {
      assertEquals("PAIRING_REQUIRED", joined.refusal().path("code").asText());
    }
  }

  @ParameterizedTest
  @Tag("SEC-13")
  @ValueSource(strings = {"Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP",
      "Via"})
  void whatSomebodyHasForwardedIsNotOfThisMachine(String header) throws Exception {
    try (var joined = join(new String[] {header, "1.1 proxy"}, "token", rig.token.reveal(), "operator.read")) {
      assertEquals("PAIRING_REQUIRED", joined.refusal().path("code").asText());
    }
  }

  @Test
  @Tag("SEC-16")
  void aDeviceThatIsRemovedIsSentAway() throws Exception {
    try (var operator = operator();
        var device = join(HERE, "token", rig.token.reveal(), "operator.read")) {
      operator.call("device.pair.remove", Json.object().put("deviceId", key.id()));

      assertEquals(4001, device.client().closed().code());
      assertTrue(rig.devices.entries.isEmpty());
    }
  }

  @Test
  void onlyDevicesAreCompany() throws Exception {
    try (var operator = operator()) {
      try (var device = join(HERE, "token", rig.token.reveal(), "operator.read")) {
        var came = operator.event("presence");
        assertEquals(2, came.path("payload").path("presence").size());
        assertEquals(key.id(), came.path("payload").path("presence").path(1).path("deviceId").asText());
        assertEquals(1, came.path("stateVersion").path("presence").asInt());
        assertEquals(2, operator.call("system-presence", Json.object()).path("payload").size());
        assertTrue(device.client().isOpen());
      }
      assertEquals(1, operator.event("presence").path("payload").path("presence").size());
    }
  }

  @Test
  @Tag("SEC-15")
  void whoDoesNotSeeAllSeesOnlyItsOwnDevices() throws Exception {
    try (var device = join(HERE, "token", rig.token.reveal(), "operator.read");
        var reader = WsClient.open(rig.port())) {
      reader.event("connect.challenge");
      var hello = reader.call("connect", WsClient.connect("token-of-read", "operator.read"));
      assertEquals(1, hello.path("payload").path("snapshot").path("presence").size());
      assertEquals(1, reader.call("system-presence", Json.object()).path("payload").size());

      key = new DeviceKey();
      try (var own = join(HERE, "token", "token-of-read", "operator.read")) {
        var came = reader.event("presence").path("payload").path("presence");
        assertEquals(2, came.size());
        assertEquals(key.id(), came.path(1).path("deviceId").asText());
        assertTrue(own.client().isOpen() && device.client().isOpen());
      }
    }
  }

  @Test
  void aDeviceReadsAsItWasWrittenFirst() {
    var device = Device.read("d", """
        {"client":"openclaw-tui","displayName":"desk","family":"Laptop","issuedAtMs":7,"pairedAtMs":5,
         "platform":"linux","principal":"owner","publicKey":"k","scopes":["operator.read","operator.future"],
         "tokenSha256":"ab"}""");

    assertEquals(new Device("d", "k", "owner", Set.of(Scope.READ), "openclaw-tui", "desk", "linux", "Laptop",
        "ab", 7, 5), device);
    assertEquals(device, Device.read("d", device.text()));
  }

  @Test
  void oneThatCannotBeReadKeepsNobodyElseOut() {
    var register = new IngressRig.Kept();
    register.entries.put("a", "{");
    register.entries.put("b", new Device("b", "k", "p", Set.of(), "cli", "", "", "", "", 0, 2).text());

    LoggingTestKit.error("device.unreadable device=a").withOccurrences(1).expect(KIT.system(), () -> {
      var devices = new Devices(register);
      devices.load().toCompletableFuture().join(); // Said once, however often it is read.
      assertEquals(1, devices.all().size());
      return null;
    });
  }

  @Test
  void whatAnotherNodeChangesIsSeenAfterTheNextReading() {
    var register = new IngressRig.Kept();
    var devices = new Devices(register);
    var first = new Device("a", "k", "p", Set.of(), "cli", "", "", "", "", 0, 1);
    devices.add(first).toCompletableFuture().join();
    register.entries.put("b", new Device("b", "k", "p", Set.of(), "cli", "", "", "", "", 0, 2).text());

    devices.load().toCompletableFuture().join();

    assertEquals(2, devices.all().size());
    register.entries.remove("a");
    devices.load().toCompletableFuture().join();
    assertTrue(devices.find("a").isEmpty());
  }
}
