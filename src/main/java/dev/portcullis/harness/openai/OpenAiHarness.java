package dev.portcullis.harness.openai;

import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.http.ModelHarness;
import java.time.Clock;
import java.util.random.RandomGenerator;

/** A server that speaks one of OpenAI's APIs. */
public final class OpenAiHarness {
  private OpenAiHarness() {}

  /** @param random thread-safe */
  public static Harness create(HarnessConfig.OpenAi config, Clock clock, RandomGenerator random) {
    var dialect = switch (config.api()) {
      case CHAT -> new ChatCodec();
      case RESPONSES -> new ResponsesCodec();
    };
    return ModelHarness.create(config.server(), dialect, clock, random);
  }
}
