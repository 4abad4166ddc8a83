package dev.portcullis.crash;

import java.util.Random;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/**
 * The harness that turns run on while the gateway is killed.
 *
 * @param settings what makes the gateway use it
 * @param message from a canary and a generator to a turn that answers {@code echo: <canary> …}
 */
record HarnessUnderTest(
    String name, UnaryOperator<GatewayProcess.Launch> settings, BiFunction<String, Random, String> message) {

  /** Quick and slow answers, steps, late first words and failures, so that a kill finds runs in every phase. */
  static HarnessUnderTest echo() {
    return new HarnessUnderTest("echo", launch -> launch, (canary, random) -> canary + switch (random.nextInt(6)) {
      case 0 -> "";
      case 1 -> " [[echo words=" + (2 + random.nextInt(10)) + " gap=" + (10 + random.nextInt(50)) + "ms]]";
      case 2 -> " [[echo first=" + random.nextInt(400) + "ms words=5 gap=20ms]]";
      case 3, 4 -> " [[echo step=deploy step-time=" + (50 + random.nextInt(400)) + "ms words=4 gap=15ms]]";
      default -> " [[echo words=4 gap=30ms fail=model_overloaded]]";
    });
  }
}
