package dev.portcullis.boot;

import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.echo.EchoHarness;
import java.time.Clock;

/** From settings to a harness: the one place that knows every adapter. */
final class HarnessFactory {
  private final String instance;
  private final long incarnation;
  private final Clock clock;

  HarnessFactory(String instance, long incarnation, Clock clock) {
    this.instance = instance;
    this.incarnation = incarnation;
    this.clock = clock;
  }

  /** Kills what earlier lives of this gateway left running; how many there were. Blocks. */
  int reap() {
    return 0;
  }

  Harness create(HarnessConfig config) {
    return switch (config) {
      case HarnessConfig.Echo _ -> EchoHarness.create();
      case HarnessConfig.Acp _ -> throw new IllegalStateException("not merged yet");
    };
  }
}
