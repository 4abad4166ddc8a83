package dev.portcullis.ingress.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Principal;
import dev.portcullis.ingress.Scope;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The first frame: version, client, secret, scopes, and the signature of a device. */
class SocketLoginTest {
  private static final ActorTestKit KIT = ActorTestKit.create();

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

  /** How one {@code connect} was answered, and what became of the socket. */
  private record Answer(JsonNode frame, int closed) {
    String detail() {
      return frame.path("error").path("details").path("code").asText();
    }

    String code() {
      return frame.path("error").path("code").asText();
    }

    String scopes() {
      return frame.path("payload").path("auth").path("scopes").toString();
    }
  }

  @FunctionalInterface
  private interface Params {
    ObjectNode of(String nonce);
  }

  private Answer connect(Params params, String... headers) throws Exception {
    try (var client = WsClient.open(rig.port(), headers)) {
      var nonce = client.event("connect.challenge").path("payload").path("nonce").asText();
      var frame = client.call("connect", params.of(nonce));
      return new Answer(frame, frame.path("ok").asBoolean() ? 0 : client.closed().code());
    }
  }

  private Answer connect(ObjectNode params) throws Exception {
    return connect(_ -> params);
  }

  private ObjectNode as(String id, String mode, String... scopes) {
    var params = WsClient.connect(rig.token.reveal(), scopes);
    ((ObjectNode) params.path("client")).put("id", id).put("mode", mode);
    return params;
  }

  @Test
  void theFirstFrameMustBeConnect() throws Exception {
    try (var client = WsClient.open(rig.port())) {
      var answer = client.call("health", Json.object());

      assertEquals("invalid handshake: first request must be connect",
          answer.path("error").path("message").asText());
      assertEquals(1008, client.closed().code());
    }
  }

  @Test
  void aSecondConnectIsRefusedAndTheSocketGoesOn() throws Exception {
    try (var client = WsClient.login(rig.port(), rig.token.reveal(), "operator.read")) {
      var answer = client.call("connect", WsClient.connect(rig.token.reveal(), "operator.admin"));

      assertEquals("connect is only valid as the first request",
          answer.path("error").path("message").asText());
      assertEquals("FORBIDDEN", client.call("test.admin", Json.object()).path("error").path("code").asText());
    }
  }

  @ParameterizedTest
  @CsvSource({"cli, 1, 3, false", "cli, 5, 9, false", "cli, 3, 5, true", "probe, 3, 3, true", "probe, 1, 2, false"})
  void onlyAVersionThatBothSpeakIsAccepted(String mode, int min, int max, boolean ok) throws Exception {
    var answer = connect(as("cli", mode).put("minProtocol", min).put("maxProtocol", max));

    assertEquals(ok, answer.frame().path("ok").asBoolean(), answer.toString());
    if (!ok) {
      assertEquals("PROTOCOL_MISMATCH", answer.detail());
      assertEquals(4, answer.frame().path("error").path("details").path("expectedProtocol").asInt());
      assertEquals(1002, answer.closed());
    }
  }

  @Test
  void whatConnectDoesNotKnowIsRefusedByName() throws Exception {
    assertTrue(connect(as("cli", "cli").put("surprise", 1)).frame().toString().contains("surprise"));
    assertTrue(connect(as("stranger", "cli")).frame().toString().contains("client.id"));
    assertTrue(connect(as("cli", "stranger")).frame().toString().contains("client.mode"));
    assertEquals(1008, connect(as("cli", "cli").put("\u00e4".repeat(500), 1)).closed());
    assertEquals("invalid role",
        connect(as("cli", "cli").put("role", "node")).frame().path("error").path("message").asText());
  }

  @Test
  void aWrongSecretSaysWhichAndWhatToDo() throws Exception {
    var token = connect(WsClient.connect("wrong", "operator.read"));
    assertEquals("INVALID_REQUEST AUTH_TOKEN_MISMATCH 1008",
        token.code() + " " + token.detail() + " " + token.closed());
    assertTrue(token.frame().path("error").path("message").asText()
        .startsWith("unauthorized: gateway token mismatch"));
    assertEquals("token_mismatch", token.frame().path("error").path("details").path("authReason").asText());

    var password = WsClient.connect("", "operator.read");
    password.putObject("auth").put("password", "wrong");
    assertEquals("AUTH_PASSWORD_MISMATCH", connect(password).detail());

    var bootstrap = WsClient.connect("", "operator.read");
    bootstrap.putObject("auth").put("bootstrapToken", "0123");
    assertEquals("AUTH_BOOTSTRAP_TOKEN_INVALID", connect(bootstrap).detail());
  }

  @Test
  void noSecretAndNoDeviceIsNobody() throws Exception {
    var params = WsClient.connect("", "operator.read");
    params.remove("auth");

    var answer = connect(params);

    assertEquals("NOT_PAIRED DEVICE_IDENTITY_REQUIRED 1008",
        answer.code() + " " + answer.detail() + " " + answer.closed());
  }

  @Test
  void theSecretMayComeAsPassword() throws Exception {
    var params = WsClient.connect("", "operator.read");
    params.putObject("auth").put("password", rig.token.reveal());

    assertEquals("password", connect(params).frame().path("payload").path("auth").path("method").asText());
  }

  @Test
  void scopesWithoutADeviceAreForProgramsOfThisMachineOnly() throws Exception {
    assertEquals("[\"operator.read\"]", connect(as("cli", "cli", "operator.read")).scopes());
    assertEquals("[\"operator.read\"]", connect(as("gateway-client", "backend", "operator.read")).scopes());
    assertEquals("[]", connect(as("openclaw-tui", "ui", "operator.read")).scopes());
    assertEquals("[]",
        connect(_ -> as("cli", "cli", "operator.read"), "X-Forwarded-For", "127.0.0.1").scopes());
    var browser = connect(as("openclaw-control-ui", "webchat", "operator.read"));
    assertEquals("CONTROL_UI_DEVICE_IDENTITY_REQUIRED", browser.detail());
  }

  @Test
  @Tag("SEC-14")
  void aRequestNarrowsAndNeverWidens() throws Exception {
    var params = WsClient.connect("token-of-read", "operator.admin");
    assertEquals("[\"operator.read\"]", connect(params).scopes());
    assertEquals("[]", connect(WsClient.connect(rig.token.reveal())).scopes());

    try (var client = WsClient.login(rig.port(), "token-of-read", "operator.admin")) {
      var answer = client.call("test.admin", Json.object());
      assertEquals("FORBIDDEN", answer.path("error").path("code").asText());
      assertEquals("MISSING_SCOPE operator.admin", answer.path("error").path("details").path("code").asText()
          + " " + answer.path("error").path("details").path("missingScope").asText());
      assertTrue(client.call("test.echo", Json.object()).path("ok").asBoolean());
    }
  }

  @Test
  @Tag("SEC-14")
  void whatIsGrantedIsCoveredByWhatIsHeldForAllScopes() {
    var all = Scope.values();
    for (int held = 0; held < 1 << all.length; held++) {
      var credential = new Principal("p", subset(held));
      for (int asked = 0; asked < 1 << all.length; asked++) {
        var wanted = subset(asked);
        var granted = Login.narrowed(
            credential, wanted.stream().map(Scope::word).collect(Collectors.toList()));

        assertTrue(granted.stream().allMatch(credential::holds), () -> credential + " asked " + wanted);
        assertTrue(granted.stream().allMatch(new Principal("", wanted)::holds), () -> granted + " for " + wanted);
      }
    }
  }

  private static Set<Scope> subset(int bits) {
    return List.of(Scope.values()).stream()
        .filter(scope -> (bits >> scope.ordinal() & 1) == 1)
        .collect(Collectors.toSet());
  }

  @Test
  @Tag("SEC-12")
  void wrongSecretsAreCountedWhateverElseIsShownAndOneIsLetInLater() throws Exception {
    for (int i = 0; i < 10; i++) {
      var params = WsClient.connect("wrong" + i);
      ((ObjectNode) params.path("auth")).put("deviceToken", "made-up-" + i);
      assertEquals("AUTH_TOKEN_MISMATCH", connect(params).detail());
    }
    var limited = connect(WsClient.connect("wrong"));
    assertEquals("UNAVAILABLE AUTH_RATE_LIMITED", limited.code() + " " + limited.detail());
    assertTrue(limited.frame().path("error").path("retryAfterMs").asLong() > 0);

    rig.pass(Duration.ofSeconds(61));

    assertTrue(connect(WsClient.connect(rig.token.reveal())).frame().path("ok").asBoolean());
  }

  @ParameterizedTest
  @CsvSource({
    "id, DEVICE_AUTH_DEVICE_ID_MISMATCH", "publicKey, DEVICE_AUTH_PUBLIC_KEY_INVALID",
    "signature, DEVICE_AUTH_SIGNATURE_INVALID", "nonce, DEVICE_AUTH_NONCE_MISMATCH",
    "none, DEVICE_AUTH_NONCE_REQUIRED", "old, DEVICE_AUTH_SIGNATURE_EXPIRED",
    "scopes, DEVICE_AUTH_SIGNATURE_INVALID", "platform, DEVICE_AUTH_SIGNATURE_INVALID"})
  void whatADeviceDidNotSignIsRefused(String wrong, String detail) throws Exception {
    var key = new DeviceKey();
    long at = wrong.equals("old") ? rig.now() - 121_000 : rig.now();

    var answer = connect(nonce -> {
      var params = key.connect(nonce, at, "token", rig.token.reveal(), "operator.read");
      var device = (ObjectNode) params.path("device");
      switch (wrong) {
        case "id" -> device.put("id", "0".repeat(64));
        case "publicKey" -> device.put("publicKey", "AAAA");
        case "signature" -> device.put("signature", "A".repeat(86));
        case "nonce" -> device.put("nonce", "another");
        case "none" -> device.put("nonce", "");
        case "scopes" -> params.putArray("scopes").add("operator.admin");
        case "platform" -> ((ObjectNode) params.path("client")).put("platform", "other");
        default -> {}
      }
      return params;
    });

    assertEquals("INVALID_REQUEST " + detail + " 1008",
        answer.code() + " " + answer.detail() + " " + answer.closed());
  }

  @ParameterizedTest
  @CsvSource({"v2", "v3"})
  void bothFormsOfASignatureAreGood(String version) throws Exception {
    var key = new DeviceKey();

    var answer = connect(nonce -> key.sign(
        key.connect(nonce, rig.now(), "token", rig.token.reveal(), "operator.read"), version, nonce, rig.now()));

    assertTrue(answer.frame().path("ok").asBoolean(), answer.toString());
  }

  @Test
  void helloSaysExactlyWhatThereIs() throws Exception {
    var hello = connect(WsClient.connect(rig.token.reveal(), "operator.read")).frame().path("payload");

    var methods = new ArrayList<String>();
    hello.path("features").path("methods").forEach(name -> methods.add(name.asText()));
    assertEquals(
        List.of("device.pair.approve", "device.pair.list", "device.pair.reject", "device.pair.remove",
            "device.token.revoke", "device.token.rotate", "system-presence", "test.admin", "test.bug", "test.echo",
            "test.hold", "test.long", "test.twice", "test.write"),
        methods);
    var events = new ArrayList<String>();
    hello.path("features").path("events").forEach(name -> events.add(name.asText()));
    assertEquals(
        List.of("connect.challenge", "device.pair.requested", "device.pair.resolved", "gateway.draining", "health",
            "presence", "shutdown", "test.note", "tick"),
        events);
    assertEquals(65_536, hello.path("policy").path("maxPayload").asInt());
    assertEquals(30_000, hello.path("policy").path("tickIntervalMs").asInt());
    assertFalse(hello.toString().contains(rig.token.reveal()));
  }

  @Test
  void anAliasWorksThoughNobodyIsToldOfIt() throws Exception {
    try (var client = WsClient.login(rig.port(), rig.token.reveal(), "operator.read")) {
      assertTrue(client.call("test.alias", Json.object()).path("ok").asBoolean());
      assertEquals("unknown method: nothing",
          client.call("nothing", Json.object()).path("error").path("message").asText());
    }
  }
}
