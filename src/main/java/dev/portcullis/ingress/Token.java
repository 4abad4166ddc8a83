package dev.portcullis.ingress;

/**
 * A bearer token that does not show itself: only {@link #reveal} gives the text, to what writes the token
 * file or tells it to the one it was made for.
 */
public final class Token {
  private final String text;

  private Token(String text) {
    this.text = text;
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
