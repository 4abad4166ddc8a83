package dev.portcullis.ingress;

import java.util.HexFormat;
import java.util.random.RandomGenerator;

/**
 * A bearer token that does not show itself: only {@link #reveal} gives the text, to what writes the token
 * file.
 */
public final class Token {
  private static final int BYTES = 32;

  private final String text;

  private Token(String text) {
    this.text = text;
  }

  /** 256 random bits in hex. */
  static Token fresh(RandomGenerator random) {
    var bytes = new byte[BYTES];
    random.nextBytes(bytes);
    return new Token(HexFormat.of().formatHex(bytes));
  }

  static Token of(String text) {
    return new Token(text);
  }

  /** The text that goes into an {@code Authorization} header. */
  public String reveal() {
    return text;
  }

  @Override
  public String toString() {
    return "Token[hidden]";
  }
}
