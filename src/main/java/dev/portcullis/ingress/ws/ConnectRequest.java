package dev.portcullis.ingress.ws;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.Json;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The parameters of {@code connect}. What was not given is an empty text or list. Source: gateway protocol,
 * section 3.
 *
 * @param scopes as they were asked for, in this order
 * @param device what it shows of itself, zero or one
 */
record ConnectRequest(
    int minProtocol,
    int maxProtocol,
    Client client,
    String role,
    List<String> scopes,
    List<DeviceProof> device,
    Secrets secrets) {
  private static final Set<String> FIELDS = Set.of(
      "minProtocol", "maxProtocol", "client", "caps", "commands", "permissions", "computerUse", "workerRuns",
      "pathEnv", "role", "scopes", "modelCatalog", "device", "auth", "locale", "userAgent");
  private static final Set<String> CLIENT = Set.of(
      "id", "displayName", "version", "buildId", "platform", "deviceFamily", "modelIdentifier", "timeZone",
      "mode", "instanceId");
  private static final Set<String> DEVICE = Set.of("id", "publicKey", "signature", "signedAt", "nonce");
  private static final Set<String> AUTH = Set.of(
      "token", "password", "deviceToken", "bootstrapToken", "approvalRuntimeToken",
      "agentRuntimeIdentityToken");
  private static final Set<String> CLIENTS = Set.of(
      "cli", "gateway-client", "openclaw-tui", "openclaw-control-ui", "webchat-ui", "webchat",
      "openclaw-browser-copilot", "openclaw-macos", "openclaw-linux", "openclaw-ios", "openclaw-watchos",
      "openclaw-android", "node-host", "openclaw-worker", "openclaw-probe", "fingerprint", "test");
  private static final Set<String> MODES =
      Set.of("cli", "ui", "webchat", "backend", "node", "worker", "probe", "test");
  private static final int CHARS_MAX = 256;
  private static final int SECRET_CHARS_MAX = 4_096;
  private static final int LIST_MAX = 64;

  /** What the client says it is; believed for display only. */
  record Client(
      String id, String displayName, String version, String platform, String deviceFamily,
      String modelIdentifier, String timeZone, String mode, String instanceId, Set<String> caps) {
    Client {
      caps = Set.copyOf(caps);
    }
  }

  /** @param signedAt in milliseconds since 1970 */
  record DeviceProof(String id, String publicKey, String signature, long signedAt, String nonce) {}

  record Secrets(String token, String password, String deviceToken, String bootstrapToken) {
    /** The first that was shown. */
    String any() {
      return Stream.of(token, password, deviceToken, bootstrapToken)
          .filter(text -> !text.isEmpty()).findFirst().orElse("");
    }

    boolean isEmpty() {
      return token.isEmpty() && password.isEmpty() && deviceToken.isEmpty() && bootstrapToken.isEmpty();
    }

    @Override
    public String toString() {
      return "Secrets[hidden]";
    }
  }

  ConnectRequest {
    scopes = List.copyOf(scopes);
    device = List.copyOf(device);
  }

  String roleOrDefault() {
    return role.isEmpty() ? "operator" : role;
  }

  /** @throws dev.portcullis.ingress.InputFault naming the first field that is wrong or not known */
  static ConnectRequest from(ObjectNode params) {
    Envelopes.closed(params, FIELDS);
    var fields = new Fields(params);
    var auth = fields.nested("auth").orElseGet(() -> new Fields(Json.object()));
    Envelopes.closed(auth.object(), AUTH);
    return new ConnectRequest(
        version(fields, "minProtocol"),
        version(fields, "maxProtocol"),
        client(fields),
        text(fields, "role", CHARS_MAX),
        texts(fields, "scopes"),
        fields.nested("device").map(ConnectRequest::device).stream().toList(),
        new Secrets(
            text(auth, "token", SECRET_CHARS_MAX),
            text(auth, "password", SECRET_CHARS_MAX),
            text(auth, "deviceToken", SECRET_CHARS_MAX),
            text(auth, "bootstrapToken", SECRET_CHARS_MAX)));
  }

  private static Client client(Fields fields) {
    var client = fields.nested("client").orElseThrow(() -> Fields.fault("client", "is missing"));
    Envelopes.closed(client.object(), CLIENT);
    var id = client.text("id");
    var mode = client.text("mode");
    if (!CLIENTS.contains(id)) {
      throw Fields.fault("client.id", "is not one that the protocol knows");
    }
    if (!MODES.contains(mode)) {
      throw Fields.fault("client.mode", "is not one that the protocol knows");
    }
    return new Client(
        id,
        text(client, "displayName", CHARS_MAX),
        client.text("version").substring(0, Math.min(CHARS_MAX, client.text("version").length())),
        text(client, "platform", CHARS_MAX),
        text(client, "deviceFamily", CHARS_MAX),
        text(client, "modelIdentifier", CHARS_MAX),
        text(client, "timeZone", 64),
        mode,
        text(client, "instanceId", CHARS_MAX),
        new LinkedHashSet<>(texts(fields, "caps")));
  }

  private static DeviceProof device(Fields device) {
    Envelopes.closed(device.object(), DEVICE);
    return new DeviceProof(
        text(device, "id", CHARS_MAX),
        text(device, "publicKey", CHARS_MAX),
        text(device, "signature", CHARS_MAX),
        device.number("signedAt").map(JsonNode::longValue)
            .orElseThrow(() -> Fields.fault("device.signedAt", "is missing")),
        text(device, "nonce", CHARS_MAX));
  }

  private static int version(Fields fields, String name) {
    return fields.number(name)
        .filter(number -> number.isIntegralNumber() && number.canConvertToInt() && number.intValue() >= 1)
        .map(JsonNode::intValue)
        .orElseThrow(() -> Fields.fault(name, "must be a whole number from 1"));
  }

  private static String text(Fields fields, String name, int most) {
    var text = fields.optionalText(name).orElse("");
    if (text.length() > most) {
      throw Fields.fault(name, "is longer than " + most + " characters");
    }
    return text;
  }

  private static List<String> texts(Fields fields, String name) {
    var texts = new ArrayList<String>();
    fields.array(name).ifPresent(array -> array.forEach(item -> {
      if (!item.isTextual() || item.textValue().length() > CHARS_MAX || texts.size() == LIST_MAX) {
        throw Fields.fault(name, "must be a list of at most " + LIST_MAX + " short texts");
      }
      texts.add(item.textValue());
    }));
    return texts;
  }
}
