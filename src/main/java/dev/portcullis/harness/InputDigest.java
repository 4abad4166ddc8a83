package dev.portcullis.harness;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Names what a step was given or what an approval allows, so that the two can be compared. */
public final class InputDigest {
  private InputDigest() {}

  /** SHA-256 of the UTF-8 bytes, in lower-case hex. */
  public static String of(String input) {
    try {
      var digest = MessageDigest.getInstance("SHA-256").digest(input.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
