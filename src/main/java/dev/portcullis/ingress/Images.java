package dev.portcullis.ingress;

import dev.portcullis.config.GatewayConfig;
import dev.portcullis.protocol.Image;
import java.util.Base64;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * The images of one request, as {@code data:} URLs: nothing is ever fetched for a client. Lengths are looked
 * at before anything is decoded, and what an image calls itself must be what its first bytes say.
 */
public final class Images {
  private static final Pattern HEAD =
      Pattern.compile("data:([a-z0-9.+/-]{0,100});base64", Pattern.CASE_INSENSITIVE);
  /** Longer than any head of a data URL of ours. */
  private static final int HEAD_CHARS_MAX = 128;

  private final GatewayConfig.Images limits;
  private int count;
  private long bytes;

  public Images(GatewayConfig.Images limits) {
    this.limits = limits;
  }

  /** @throws InputFault naming {@code field}; 413 when it, or all of the turn so far, is too large */
  public Image read(String field, String url) {
    int comma = url.substring(0, Math.min(url.length(), HEAD_CHARS_MAX)).indexOf(',');
    var head = comma < 0 ? HEAD.matcher("") : HEAD.matcher(url.substring(0, comma));
    if (!head.matches()) {
      throw fault(field, "invalid_image_url",
          "must be a data URL (data:image/png;base64,…); the gateway fetches nothing");
    }
    if (++count > limits.count()) {
      throw fault(field, "too_many_images", "is one image more than the " + limits.count() + " of one turn");
    }
    return decoded(field, mediaType(field, head), url, comma + 1);
  }

  private static String mediaType(String field, Matcher head) {
    return switch (head.group(1).toLowerCase(Locale.ROOT)) {
      case "image/png" -> "image/png";
      case "image/jpeg", "image/jpg" -> "image/jpeg";
      case "image/gif" -> "image/gif";
      case "image/webp" -> "image/webp";
      default -> throw fault(field, "unsupported_image_media_type", "must be a PNG, JPEG, GIF or WebP");
    };
  }

  private Image decoded(String field, String mediaType, String url, int from) {
    long atLeast = (url.length() - from) / 4L * 3 - 2;
    bytes += Math.max(0, atLeast);
    if (atLeast > limits.bytes()) {
      throw InputFault.of(Problems.imageTooLarge(field, "An image may have " + limits.bytes() + " bytes"));
    }
    if (bytes > limits.turnBytes()) {
      throw InputFault.of(Problems.imageTooLarge(
          field, "The images of one turn may have " + limits.turnBytes() + " bytes together"));
    }
    var decoded = decode(field, url.substring(from));
    if (!matches(mediaType, decoded)) {
      throw fault(field, "invalid_image_format", "is not the " + mediaType + " that it calls itself");
    }
    return new Image(mediaType, decoded.length, Base64.getEncoder().encodeToString(decoded));
  }

  private static byte[] decode(String field, String base64) {
    try {
      return Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException malformed) {
      throw fault(field, "invalid_base64_image", "is not valid base64");
    }
  }

  private static boolean matches(String mediaType, byte[] bytes) {
    return switch (mediaType) {
      case "image/png" -> begins(bytes, 0, "\u0089PNG\r\n\u001a\n");
      case "image/jpeg" -> begins(bytes, 0, "\u00ff\u00d8\u00ff");
      case "image/gif" -> begins(bytes, 0, "GIF87a") || begins(bytes, 0, "GIF89a");
      default -> begins(bytes, 0, "RIFF") && begins(bytes, 8, "WEBP");
    };
  }

  /** @param magic one character for each byte */
  private static boolean begins(byte[] bytes, int at, String magic) {
    return bytes.length >= at + magic.length()
        && IntStream.range(0, magic.length())
            .allMatch(i -> (bytes[at + i] & 0xff) == magic.charAt(i));
  }

  private static InputFault fault(String field, String code, String what) {
    return InputFault.of(Problems.badImage(field, code, "\"" + field + "\" " + what + "."));
  }
}
