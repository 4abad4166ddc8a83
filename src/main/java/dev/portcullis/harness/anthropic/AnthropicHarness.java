package dev.portcullis.harness.anthropic;

import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.http.ModelHarness;
import java.time.Clock;
import java.util.random.RandomGenerator;

/** A server that speaks Anthropic's Messages. */
public final class AnthropicHarness {
  private AnthropicHarness() {}

  /** @param random thread-safe */
  public static Harness create(HarnessConfig.Anthropic config, Clock clock, RandomGenerator random) {
    return ModelHarness.create(config.server(), new MessagesCodec(), clock, random);
  }
}
