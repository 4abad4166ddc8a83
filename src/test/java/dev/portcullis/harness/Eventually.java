package dev.portcullis.harness;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for what must come, and fails when it does not. */
public final class Eventually {
  /** Real agents take their time on a machine that is busy with other things. */
  private static final Duration LONGEST = Duration.ofSeconds(60);

  private Eventually() {}

  public static void isTrue(String what, BooleanSupplier condition) {
    isTrue(() -> what, condition);
  }

  public static void isTrue(Supplier<String> what, BooleanSupplier condition) {
    var deadline = System.nanoTime() + LONGEST.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("still not so after " + LONGEST + ": " + what.get());
      }
      try {
        Thread.sleep(10);
      } catch (InterruptedException e) {
        throw new AssertionError("interrupted while waiting: " + what.get(), e);
      }
    }
  }
}
