package dev.portcullis.harness.openai;

import dev.portcullis.harness.http.Dialect;

/** The dialects, for tests of what speaks them. */
public final class OpenAiDialects {
  private OpenAiDialects() {}

  public static Dialect chat() {
    return new ChatCodec();
  }

  public static Dialect responses() {
    return new ResponsesCodec();
  }
}
