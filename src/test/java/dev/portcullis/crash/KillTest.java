package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * SIGKILL at random instants under load. {@code -Dcrash.rounds} says how often, {@code -Dcrash.seed} repeats a run's
 * decisions (the instants of the machine it cannot repeat).
 */
class KillTest {
  private static final int ROUNDS = (Integer.getInteger("crash.rounds", 20) + 1) / 2;
  private static final Traffic.Load LOAD = new Traffic.Load(HarnessUnderTest.echo(), 50, 4);
  private static final int KILL_WITHIN_MS = 1_500;
  private static final int ROUNDS_PER_DIRECTORY = 5;

  @TempDir Path directory;

  private long seed = Long.getLong("crash.seed", System.nanoTime());
  private Random random = new Random(seed);
  private final Ledger ledger = new Ledger();
  private final Figures figures = new Figures();
  private int rounds = ROUNDS;
  private UnaryOperator<GatewayProcess.Launch> store = UnaryOperator.identity();
  private long mayExist;
  private long mustExist;

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  @Execution(ExecutionMode.CONCURRENT)
  @Tag("K-1")
  @Tag("N3")
  @Tag("N5")
  @Tag("N8")
  @Tag("INV-R2")
  @Tag("INV-R3")
  @Tag("INV-M1")
  @Tag("INV-D7")
  @Tag("INV-I7")
  @Tag("IL-21")
  void everyAcknowledgedTurnEndsOnceHoweverOftenTheGatewayIsKilled(int half) {
    killAndRecover(half);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  @Execution(ExecutionMode.CONCURRENT)
  @Tag("torture")
  @Tag("K-1")
  void everyAcknowledgedTurnEndsOnceHoweverOftenTheGatewayIsKilledForAnHour(int half) {
    killAndRecover(half);
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @Tag("K-1")
  @Tag("N-4")
  void everyAcknowledgedTurnEndsOnceWhenTheJournalIsADatabase() {
    rounds = (ROUNDS + 1) / 2;
    store = GatewayProcess.Launch::postgresql;
    killAndRecover(2);
  }

  /** Two gateways are killed side by side, half of the rounds each: both spend much of their time starting. */
  private void killAndRecover(int half) {
    seed += half;
    random = new Random(seed);
    System.out.println("KillTest harness=echo half=" + half + " rounds=" + rounds + " seed=" + seed);
    for (int round = 0; round < rounds; ) {
      ledger.forget();
      mayExist = 0;
      mustExist = 0;
      round = chapter(directory.resolve("data-" + round), round);
    }
    figures.print("KillTest", seed);
    long asAsked = figures.of("completed") + figures.of("failed");
    assertTrue(asAsked >= 0.95 * figures.of("runs"), () -> "too little progress with seed " + seed);
  }

  /** Some rounds on one data directory; the life that recovers from one kill is the victim of the next. */
  private int chapter(Path data, int first) {
    int round = first;
    var gateway = start(data);
    try {
      gateway.awaitReady();
      for (; round < rounds && round < first + ROUNDS_PER_DIRECTORY; round++) {
        killUnderLoad(gateway, round);
        gateway = recover(data);
        checkRound(gateway);
      }
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError("round " + round + " seed " + seed + ": " + e.getMessage() + gateway.tail(), e);
    } finally {
      gateway.close();
    }
    return round;
  }

  private GatewayProcess start(Path data) {
    return HarnessUnderTest.echo().settings().apply(store.apply(GatewayProcess.on(data))
        .set("portcullis.run.attempts", "10")
        .set("portcullis.run.resume-delays", "[0s]")
        .set("portcullis.boot.loop-limit", "1000")).start();
  }

  private void killUnderLoad(GatewayProcess gateway, int round) {
    try (var client = gateway.client();
        var traffic = Traffic.start(client, ledger, LOAD, random, round)) {
      Await.pause(Duration.ofMillis(random.nextInt(KILL_WITHIN_MS)));
      gateway.kill9();
      figures.count("kills", 1);
      traffic.await();
    }
  }

  /** Starts again at once; one time in four that life is killed too, before or while it recovers. */
  private GatewayProcess recover(Path data) {
    if (random.nextInt(4) == 0) {
      try (var victim = start(data)) {
        Await.pause(Duration.ofMillis(random.nextInt(3_000)));
        victim.kill9();
        figures.count("kills", 1);
      }
    }
    var gateway = start(data).awaitReady();
    figures.ready(gateway.age());
    return gateway;
  }

  private void checkRound(GatewayProcess gateway) {
    try (var client = gateway.client()) {
      ledger.retry(client);
      var oracles = new Oracles(client, HarnessUnderTest.echo());
      oracles.awaitRest();
      figures.rest(gateway.age());
      var accepted = ledger.accepted();
      var seen = oracles.check(accepted);
      keysHold(client, accepted);
      mustExist += accepted.size();
      mayExist += ledger.unknown();
      oracles.checkViews(mustExist, mustExist + mayExist);
      figures.count("rounds", 1);
      figures.count("unknown", ledger.unknown());
      figures.outcomes(seen);
      ledger.forget();
    }
  }

  private void keysHold(Client client, List<Ledger.Entry> accepted) {
    accepted.stream().filter(entry -> entry.sent().key().isPresent()).limit(5).forEach(entry -> {
      var sent = entry.sent();
      assertEquals(entry.run().orElseThrow(), client.submit(sent.session(), sent.message(), sent.key()).text("runId"));
      assertEquals(422, client.submit(sent.session(), sent.message() + "!", sent.key()).status());
    });
  }
}
