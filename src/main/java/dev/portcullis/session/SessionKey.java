package dev.portcullis.session;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * An external name of a conversation, {@code agent:<agent>:<rest>}: never a path, never a persistence id as
 * it is.
 */
public record SessionKey(String text) {
  /** Longest key, in characters. */
  public static final int MAX = 512;

  private static final Pattern SHAPE =
      Pattern.compile("agent:([A-Za-z0-9][A-Za-z0-9_.-]{0,63}):([^\\p{Cc}\\p{Cs}]+)");
  private static final String BASE32 = "0123456789abcdefghjkmnpqrstvwxyz";

  public SessionKey {
    if (text.length() > MAX || !SHAPE.matcher(text).matches()) {
      throw new IllegalArgumentException("not a session key: " + text);
    }
  }

  /** Empty when {@code text} is not {@code agent:<agent>:<rest>} of at most 512 printable characters. */
  public static Optional<SessionKey> parse(String text) {
    return text.length() <= MAX && SHAPE.matcher(text).matches()
        ? Optional.of(new SessionKey(text))
        : Optional.empty();
  }

  public String agent() {
    var matcher = SHAPE.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalStateException("not a session key: " + text);
    }
    return matcher.group(1);
  }

  /** What sharding and the journal call this session: 26 characters of its digest. */
  public String entityId() {
    try {
      return base32(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)), 26);
    } catch (NoSuchAlgorithmException missing) {
      throw new IllegalStateException(missing);
    }
  }

  /** The first {@code chars} five-bit groups of {@code bytes}, as lower-case letters and digits. */
  static String base32(byte[] bytes, int chars) {
    var out = new StringBuilder(chars);
    for (int i = 0; i < chars; i++) {
      int bit = i * 5;
      int window =
          (bytes[bit / 8] & 0xff) << 8 | (bit / 8 + 1 < bytes.length ? bytes[bit / 8 + 1] & 0xff : 0);
      out.append(BASE32.charAt(window >> (11 - bit % 8) & 31));
    }
    return out.toString();
  }
}
