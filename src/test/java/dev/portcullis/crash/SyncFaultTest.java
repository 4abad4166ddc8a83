package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernel cannot write the n-th time: the gateway ends, and the next one knows all that was acknowledged. */
class SyncFaultTest {
  private static final int JOURNAL = 74;
  private static final int SYNCS = 200;
  private static final Traffic.Load LOAD = new Traffic.Load(HarnessUnderTest.echo(), 10, 2);
  private static final Duration FENCE_WITHIN = Duration.ofSeconds(1);

  @TempDir Path directory;

  private final long seed = Long.getLong("crash.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final List<Long> endedAfterMs = new ArrayList<>();

  @BeforeAll
  static void straceWorks() {
    var missing = Strace.missing();
    missing.ifPresent(reason -> System.out.println("SyncFaultTest skipped: " + reason));
    assumeTrue(missing.isEmpty());
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 20, 90})
  @Execution(ExecutionMode.CONCURRENT)
  @Tag("J-4")
  @Tag("INV-J2")
  @Tag("INV-J3")
  @Tag("IL-44")
  void aSyncThatFailsEndsTheGatewayAndNothingAcknowledgedIsLost(int nth) {
    failSync(nth);
    report();
  }

  @Test
  @Tag("torture")
  @Tag("J-4")
  void eachOfTwoHundredSyncsMayFailAndNothingAcknowledgedIsLost() {
    IntStream.rangeClosed(1, SYNCS).forEach(this::failSync);
    report();
  }

  private void report() {
    System.out.println("SyncFaultTest syncs_failed=" + endedAfterMs.size() + " process_ended_after_ms=" + endedAfterMs
        + " seed=" + seed);
  }

  private void failSync(int nth) {
    var data = directory.resolve("data-" + nth);
    var strace = new Strace(directory.resolve("strace-" + nth));
    var ledger = new Ledger();
    try (var gateway = GatewayProcess.on(data).under(strace.failingSync(nth)).start()) {
      serveUntilItEnds(gateway, ledger, nth);
      assertEquals(JOURNAL, gateway.exitCode(Duration.ofSeconds(10)), gateway::tail);
      var failed = strace.firstFailure().orElseThrow(() -> new AssertionError("no sync failed" + gateway.tail()));
      // A gateway that fails while it opens its journal has nothing to fence yet.
      gateway.line("journal.failed").map(SyncFaultTest::time).ifPresent(fenced -> assertTrue(
          Duration.between(failed, fenced).compareTo(FENCE_WITHIN) < 0, () -> failed + " then" + gateway.tail()));
      endedAfterMs.add(Duration.between(failed, gateway.endedAt()).toMillis());
    }
    try (var gateway = GatewayProcess.on(data).start().awaitReady(); var client = gateway.client()) {
      ledger.retry(client);
      var oracles = new Oracles(client, HarnessUnderTest.echo());
      oracles.awaitRest();
      var accepted = ledger.accepted();
      oracles.check(accepted);
      oracles.checkViews(accepted.size(), accepted.size() + ledger.unknown());
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError("sync " + nth + " seed " + seed + ": " + e.getMessage(), e);
    }
  }

  private void serveUntilItEnds(GatewayProcess gateway, Ledger ledger, int nth) {
    try {
      gateway.awaitReady();
    } catch (GatewayProcess.Ended early) {
      return; // Some of the syncs belong to the boot.
    }
    try (var client = gateway.client()) {
      for (int round = nth * 1_000; gateway.alive(); round++) {
        try (var traffic = Traffic.start(client, ledger, LOAD, random, round)) {
          traffic.await();
        }
      }
    }
  }

  private static Instant time(String line) {
    return Instant.parse(line.split(" ")[0]);
  }
}
