package dev.portcullis.ingress.ws;

import dev.portcullis.ingress.Digests;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** Whether a device is the one it says it is. Pure. Source: gateway protocol, section 4.3. */
final class Signatures {
  private static final Duration SKEW = Duration.ofSeconds(120);
  private static final int KEY_BYTES = 32;
  /** What comes before the 32 bytes of an Ed25519 key in the form that Java reads. */
  private static final byte[] KEY_PREFIX = HexFormat.of().parseHex("302a300506032b6570032100");

  private Signatures() {}

  /**
   * Why it is not.
   *
   * @param nonce that this socket was challenged with
   */
  static Optional<Failure> refused(
      ConnectRequest request, ConnectRequest.DeviceProof device, String nonce, long nowMs) {
    var raw = decoded(device.publicKey()).filter(bytes -> bytes.length == KEY_BYTES);
    if (raw.isEmpty()) {
      return failure("PUBLIC_KEY_INVALID", "device public key invalid");
    }
    if (!HexFormat.of().formatHex(Digests.sha256(raw.get())).equals(device.id())) {
      return failure("DEVICE_ID_MISMATCH", "device identity mismatch");
    }
    if (Math.abs(Math.subtractExact(nowMs, clamped(device.signedAt()))) > SKEW.toMillis()) {
      return failure("SIGNATURE_EXPIRED", "device signature expired");
    }
    if (device.nonce().isEmpty()) {
      return failure("NONCE_REQUIRED", "device nonce required");
    }
    if (!device.nonce().equals(nonce)) {
      return failure("NONCE_MISMATCH", "device nonce mismatch");
    }
    var signature = decoded(device.signature());
    boolean genuine = signature.isPresent() && Stream.of(v3(request, device), v2("v2", request, device))
        .anyMatch(text -> verifies(raw.get(), text, signature.get()));
    return genuine ? Optional.empty() : failure("SIGNATURE_INVALID", "device signature invalid");
  }

  private static Optional<Failure> failure(String detail, String message) {
    return Optional.of(Failure.invalid("DEVICE_AUTH_" + detail, message));
  }

  private static long clamped(long signedAt) {
    return Math.clamp(signedAt, 0, Long.MAX_VALUE / 2);
  }

  private static String v2(String version, ConnectRequest request, ConnectRequest.DeviceProof device) {
    return String.join("|",
        version, device.id(), request.client().id(), request.client().mode(), request.roleOrDefault(),
        String.join(",", request.scopes()), Long.toString(device.signedAt()), secret(request.secrets()),
        device.nonce());
  }

  private static String v3(ConnectRequest request, ConnectRequest.DeviceProof device) {
    return String.join("|", v2("v3", request, device),
        folded(request.client().platform()), folded(request.client().deviceFamily()));
  }

  private static String secret(ConnectRequest.Secrets secrets) {
    return Stream.of(secrets.token(), secrets.deviceToken(), secrets.bootstrapToken())
        .filter(text -> !text.isEmpty()).findFirst().orElse("");
  }

  private static String folded(String text) {
    return text.strip().toLowerCase(Locale.ROOT);
  }

  private static boolean verifies(byte[] key, String text, byte[] signature) {
    try {
      var verifier = Signature.getInstance("Ed25519");
      verifier.initVerify(key(key));
      verifier.update(text.getBytes(StandardCharsets.UTF_8));
      return verifier.verify(signature);
    } catch (GeneralSecurityException malformed) {
      return false; // A key that is no point of the curve, or a signature of another length.
    }
  }

  private static PublicKey key(byte[] raw) throws GeneralSecurityException {
    var encoded = new byte[KEY_PREFIX.length + raw.length];
    System.arraycopy(KEY_PREFIX, 0, encoded, 0, KEY_PREFIX.length);
    System.arraycopy(raw, 0, encoded, KEY_PREFIX.length, raw.length);
    return KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded));
  }

  private static Optional<byte[]> decoded(String base64Url) {
    try {
      return Optional.of(Base64.getUrlDecoder().decode(base64Url));
    } catch (IllegalArgumentException malformed) {
      return Optional.empty();
    }
  }
}
