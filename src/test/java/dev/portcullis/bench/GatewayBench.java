package dev.portcullis.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Questions: how soon is a gateway ready, with and without the start-up cache; how much memory does it hold idle; how many
 * runs a second does it take and what does it add to a run, with a harness that takes no time (echo), at 1 and 32 callers.
 * The gateway is the one that {@code bin/portcullis serve} runs; load and gateway share the machine.
 */
@Tag("bench")
final class GatewayBench {
  private static final int STARTS = 7;
  private static final Duration WARM_UP = Duration.ofSeconds(10);
  private static final Duration WINDOW = Duration.ofSeconds(10);

  @TempDir Path scratch;

  @BeforeAll
  static void build() throws IOException, InterruptedException {
    Gateway.build();
  }

  @Test
  void timeToReadyWithAndWithoutTheCache() throws IOException, InterruptedException {
    var with = new ArrayList<Long>();
    var without = new ArrayList<Long>();
    long idleKb = 0;
    for (int i = 0; i < STARTS; i++) {
      try (var gateway = Gateway.start(scratch.resolve("with-" + i), "")) {
        with.add(gateway.readyMillis);
        if (i == STARTS - 1) {
          LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(15)); // Idle is what is measured.
          idleKb = gateway.residentKb();
        }
      }
      try (var gateway = Gateway.start(scratch.resolve("without-" + i), "-XX:AOTMode=off")) {
        without.add(gateway.readyMillis);
      }
    }
    System.out.printf("%n| start | median ms to ready | fastest | slowest |%n|---|---|---|---|%n");
    row("with the cache", with);
    row("without", without);
    System.out.printf("%nidle RSS after 15 s: %d MB%n", idleKb / 1024);
  }

  @Test
  void runsPerSecondAndAddedLatency() throws IOException, InterruptedException {
    System.out.printf("%n| route | callers | runs/s | p50 ms | p99 ms | gateway CPU ms per run |%n|---|---|---|---|---|---|%n");
    try (var gateway = Gateway.start(scratch.resolve("load"), "")) {
      for (int callers : new int[] {1, 32}) {
        for (var route : List.of("chat whole", "chat streamed", "native, waiting for the end")) {
          load(gateway, route, callers, WARM_UP);
          long cpu = gateway.cpuMillis();
          var latencies = load(gateway, route, callers, WINDOW);
          double cpuPerRun = (gateway.cpuMillis() - cpu) / (double) latencies.length;
          System.out.printf("| %s | %d | %.0f | %.2f | %.2f | %.2f |%n",
              route, callers, latencies.length / (double) WINDOW.toSeconds(),
              percentile(latencies, 50), percentile(latencies, 99), cpuPerRun);
        }
      }
      System.out.printf("%nRSS after the load: %d MB%n", gateway.residentKb() / 1024);
    }
  }

  private static long[] load(Gateway gateway, String route, int callers, Duration window) throws InterruptedException {
    var took = new ConcurrentLinkedQueue<Long>();
    long until = System.nanoTime() + window.toNanos();
    var threads = new ArrayList<Thread>();
    for (int i = 0; i < callers; i++) {
      int caller = i;
      threads.add(Thread.ofVirtual().start(() -> {
        for (int n = 0; System.nanoTime() < until; n++) {
          long start = System.nanoTime();
          gateway.turn(route, caller + "-" + n);
          took.add(System.nanoTime() - start);
        }
      }));
    }
    for (var thread : threads) {
      thread.join();
    }
    return took.stream().mapToLong(Long::longValue).sorted().toArray();
  }

  private static double percentile(long[] sorted, int percent) {
    return sorted[Math.min(sorted.length - 1, sorted.length * percent / 100)] / 1e6;
  }

  private static void row(String what, List<Long> millis) {
    var sorted = millis.stream().mapToLong(Long::longValue).sorted().toArray();
    System.out.printf(
        "| %s | %d | %d | %d |%n", what, sorted[sorted.length / 2], sorted[0], sorted[sorted.length - 1]);
  }
}
