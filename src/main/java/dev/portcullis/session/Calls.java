package dev.portcullis.session;

import java.time.Duration;

/**
 * Calls whose client gives them no key and yet sends them again, with a count. A call is bound like a key,
 * under a name of its own, {@code <digest>/<run id>}: equal calls never meet, and all of one digest lie side
 * by side in the index. What the name stands for is the highest count seen. Why: docs/adr/0015.
 */
final class Calls {
  /** How long a call can be sent again. */
  static final Duration WINDOW = Duration.ofMinutes(15);

  private Calls() {}

  static String name(String digest, String runId) {
    return prefix(digest) + runId;
  }

  static String prefix(String digest) {
    return digest + "/";
  }

  /** Whether a key is a call; such a name is new with every run, so nobody need look whether it is bound. */
  static boolean isCall(String key) {
    return key.indexOf('/') >= 0;
  }

  /** Whether a call of which {@code seen} is the highest count can be meant by {@code count}. */
  static boolean repeats(int count, String seen) {
    return Integer.parseInt(seen) < count;
  }
}
