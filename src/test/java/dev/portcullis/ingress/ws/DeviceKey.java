package dev.portcullis.ingress.ws;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Digests;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/** A device of the tests, which signs as the protocol's own clients do. */
final class DeviceKey {
  private final KeyPair keys;
  private final byte[] raw;

  DeviceKey() throws GeneralSecurityException {
    keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    var encoded = keys.getPublic().getEncoded();
    raw = Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length);
  }

  String id() {
    return HexFormat.of().formatHex(Digests.sha256(raw));
  }

  String publicKey() {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(raw);
  }

  /** Parameters of {@code connect} of the terminal UI, signed. */
  ObjectNode connect(String nonce, long atMs, String secretField, String secret, String... scopes) {
    var params = WsClient.connect("", scopes);
    var client = (ObjectNode) params.path("client");
    client.put("id", "openclaw-tui").put("mode", "ui").put("deviceFamily", "Laptop");
    params.putObject("auth").put(secretField, secret);
    return sign(params, "v3", nonce, atMs);
  }

  /** Signs what the parameters say. */
  ObjectNode sign(ObjectNode params, String version, String nonce, long atMs) {
    var client = params.path("client");
    var scopes = new java.util.ArrayList<String>();
    params.path("scopes").forEach(scope -> scopes.add(scope.asText()));
    var auth = params.path("auth");
    var secret = List.of("token", "deviceToken", "bootstrapToken").stream()
        .map(field -> auth.path(field).asText("")).filter(text -> !text.isEmpty()).findFirst().orElse("");
    var text = String.join("|", version, id(), client.path("id").asText(), client.path("mode").asText(),
        "operator", String.join(",", scopes), Long.toString(atMs), secret, nonce);
    if (version.equals("v3")) {
      text += "|" + client.path("platform").asText("").strip().toLowerCase(Locale.ROOT)
          + "|" + client.path("deviceFamily").asText("").strip().toLowerCase(Locale.ROOT);
    }
    params.putObject("device").put("id", id()).put("publicKey", publicKey())
        .put("signature", signature(text)).put("signedAt", atMs).put("nonce", nonce);
    return params;
  }

  private String signature(String text) {
    try {
      var signer = Signature.getInstance("Ed25519");
      signer.initSign(keys.getPrivate());
      signer.update(text.getBytes(StandardCharsets.UTF_8));
      return Base64.getUrlEncoder().withoutPadding().encodeToString(signer.sign());
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
