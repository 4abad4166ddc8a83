package dev.portcullis.journal;

import java.util.Arrays;

/**
 * Strings as bytes that never hold a zero byte, so that a zero ends them and no encoded string is a prefix of
 * another one's key. Java's modified UTF-8 (each UTF-16 unit by itself, NUL as two bytes): unlike UTF-8 it
 * also keeps unpaired surrogates apart, and apart from NUL it sorts as {@link String#compareTo} does.
 */
final class StoreText {

  private StoreText() {}

  static byte[] encode(String text) {
    var bytes = new byte[text.length() * 3];
    int at = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c != 0 && c < 0x80) {
        bytes[at++] = (byte) c;
      } else if (c < 0x800) {
        bytes[at++] = (byte) (0xC0 | c >> 6);
        bytes[at++] = (byte) (0x80 | c & 0x3F);
      } else {
        bytes[at++] = (byte) (0xE0 | c >> 12);
        bytes[at++] = (byte) (0x80 | c >> 6 & 0x3F);
        bytes[at++] = (byte) (0x80 | c & 0x3F);
      }
    }
    return Arrays.copyOf(bytes, at);
  }

  /** @throws IndexOutOfBoundsException when the bytes end within a character */
  static String decode(byte[] bytes, int from, int to) {
    var text = new StringBuilder(to - from);
    int at = from;
    while (at < to) {
      int first = bytes[at];
      if (first >= 0) {
        text.append((char) first);
        at += 1;
      } else if ((first & 0xE0) == 0xC0) {
        text.append((char) ((first & 0x1F) << 6 | bytes[at + 1] & 0x3F));
        at += 2;
      } else {
        text.append((char) ((first & 0x0F) << 12 | (bytes[at + 1] & 0x3F) << 6 | bytes[at + 2] & 0x3F));
        at += 3;
      }
    }
    return text.toString();
  }
}
