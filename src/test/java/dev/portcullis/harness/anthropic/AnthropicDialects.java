package dev.portcullis.harness.anthropic;

import dev.portcullis.harness.http.Dialect;

/** The dialect, for tests of what speaks it. */
public final class AnthropicDialects {
  private AnthropicDialects() {}

  public static Dialect messages() {
    return new MessagesCodec();
  }
}
