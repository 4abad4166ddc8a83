package dev.portcullis.ingress;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of what must be compared or named without being shown. */
public final class Digests {
  private Digests() {}

  /** The digest of the parts, joined by NUL, which none of them may hold. */
  public static byte[] sha256(String... parts) {
    return sha256(String.join("\0", parts).getBytes(StandardCharsets.UTF_8));
  }

  /** As {@link #sha256(String...)}, in lower-case hex. */
  public static String hex(String... parts) {
    return HexFormat.of().formatHex(sha256(parts));
  }

  public static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException missing) {
      throw new IllegalStateException(missing); // Every Java platform has it.
    }
  }
}
