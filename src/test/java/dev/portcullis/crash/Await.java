package dev.portcullis.crash;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waiting for what must become true, with a limit and words for what did not. */
final class Await {
  private static final long LOOK_MILLIS = 20;

  private Await() {}

  static void until(String what, Duration atMost, BooleanSupplier condition) {
    value(what, atMost, () -> condition.getAsBoolean() ? Optional.of(true) : Optional.empty());
  }

  static <T> T value(String what, Duration atMost, Supplier<Optional<T>> look) {
    long end = System.nanoTime() + atMost.toNanos();
    while (true) {
      var found = look.get();
      if (found.isPresent()) {
        return found.get();
      }
      if (System.nanoTime() > end) {
        throw new AssertionError("not within " + atMost.toMillis() + " ms: " + what);
      }
      pause(Duration.ofMillis(LOOK_MILLIS));
    }
  }

  /** For an instant that is chosen by chance, never for luck. */
  static void pause(Duration time) {
    try {
      TimeUnit.NANOSECONDS.sleep(time.toNanos());
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", stop);
    }
  }
}
