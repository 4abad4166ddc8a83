package dev.portcullis.crash;

import dev.portcullis.harness.Simulator;
import java.nio.file.Path;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.function.BiPredicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The harness that turns run on while the gateway is killed.
 *
 * @param settings what makes the gateway use it
 * @param message from a canary and a generator to a turn
 * @param answer whether a text is the whole answer to that turn, once, with no word of another's
 */
record HarnessUnderTest(
    String name,
    UnaryOperator<GatewayProcess.Launch> settings,
    BiFunction<String, Random, String> message,
    BiPredicate<Ledger.Sent, String> answer) {

  /** Quick and slow answers, steps, late first words and failures, so that a kill finds runs in every phase. */
  static HarnessUnderTest echo() {
    return new HarnessUnderTest(
        "echo",
        launch -> launch,
        (canary, random) -> canary + switch (random.nextInt(6)) {
          case 0 -> "";
          case 1 -> " [[echo words=" + (2 + random.nextInt(10)) + " gap=" + (10 + random.nextInt(50)) + "ms]]";
          case 2 -> " [[echo first=" + random.nextInt(400) + "ms words=5 gap=20ms]]";
          case 3, 4 -> " [[echo step=deploy step-time=" + (50 + random.nextInt(400)) + "ms words=4 gap=15ms]]";
          default -> " [[echo words=4 gap=30ms fail=model_overloaded]]";
        },
        (sent, text) -> text.startsWith("echo: " + sent.canary())
            && text.indexOf("canary") == text.lastIndexOf("canary"));
  }

  /**
   * An agent in processes of its own that continues its sessions.
   *
   * @param store where it writes down every prompt that it is given, one file for each of its sessions
   */
  static HarnessUnderTest simulator(Path store) {
    var arguments = Simulator.arguments("acp").stream().map(argument -> '"' + argument + '"')
        .collect(Collectors.joining(", ", "[", "]"));
    return new HarnessUnderTest(
        "acp",
        launch -> launch
            .set("portcullis.agents.main.harness", "sim")
            .set("portcullis.harnesses.sim.kind", "acp")
            .set("portcullis.harnesses.sim.command", "\"" + Simulator.java() + "\"")
            .set("portcullis.harnesses.sim.args", arguments)
            .set("portcullis.harnesses.sim.processes", "3")
            .set("portcullis.harnesses.sim.env", "{SIM_CAPABILITIES = resume, SIM_STORE = \"" + store + "\"}"),
        (canary, random) -> canary + " [[sim slow " + (2 + random.nextInt(6)) + " " + random.nextInt(120) + "]]",
        (sent, text) -> text.equals(words(sent.message())));
  }

  private static String words(String message) {
    int count = Integer.parseInt(message.replaceAll(".*slow (\\d+) .*", "$1"));
    return IntStream.range(0, count).mapToObj(i -> "w" + i + " ").collect(Collectors.joining());
  }
}
