package dev.portcullis.boot;

import dev.portcullis.harness.Harnesses;
import java.util.List;

/** What must stand before the gate opens, read from the registry that dispatch uses. */
record Barrier(Harnesses harnesses, int declared) {
  boolean stands() {
    return harnesses.ready().size() == declared;
  }

  /** Something is declared that no waiting will mend. */
  boolean hopeless() {
    return harnesses.snapshot().values().stream().anyMatch(entry ->
        entry.state() instanceof Harnesses.State.Unavailable(_, var code) && !code.retryable());
  }

  /** One line per declared harness that is missing. */
  List<String> complaints() {
    return harnesses.snapshot().values().stream()
        .filter(entry -> !(entry.state() instanceof Harnesses.State.Ready))
        .map(entry -> "declared harness \"" + entry.name() + "\" failed to register: " + cause(entry.state()))
        .toList();
  }

  private static String cause(Harnesses.State state) {
    return switch (state) {
      case Harnesses.State.Ready _ -> "";
      case Harnesses.State.Registering(var last) -> last.isEmpty() ? "no answer to its probe in time" : last;
      case Harnesses.State.Unavailable(var last, _) -> last;
    };
  }
}
