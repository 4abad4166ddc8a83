package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SIGKILL while agents work in processes of their own: none survives the gateway, none is asked more than recorded. */
class AcpKillTest {
  private static final int ROUNDS = Math.max(3, Integer.getInteger("crash.rounds", 20) / 5);

  @TempDir Path directory;

  private final long seed = Long.getLong("crash.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private String victim = "";

  private Path store() {
    return directory.resolve("store");
  }

  private GatewayProcess start() {
    return HarnessUnderTest.simulator(store()).settings().apply(GatewayProcess.on(directory.resolve("data"))
        .set("portcullis.run.attempts", "10")
        .set("portcullis.run.resume-delays", "[0s]")
        .set("portcullis.boot.loop-limit", "1000")).start();
  }

  /** How often the agent was given the turn with {@code canary}. */
  private long prompts(String canary) {
    try (var files = Files.list(store())) {
      return files.flatMap(file -> lines(file).stream()).filter(line -> line.contains(canary + " ")).count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  @Tag("K-1")
  @Tag("N6")
  @Tag("INV-H3")
  @Tag("INV-M3")
  void killedWithItsAgentsTheGatewayContinuesEachTurnOnceAndLeavesNoProcessBehind() throws IOException {
    killAndRecover();
  }

  @Test
  @Tag("torture")
  @Tag("K-1")
  @Tag("INV-H3")
  void killedWithItsAgentsTheGatewayContinuesEachTurnOnceAlsoAfterManyRounds() throws IOException {
    killAndRecover();
  }

  private void killAndRecover() throws IOException {
    Files.createDirectory(store());
    var figures = new Figures();
    var ledger = new Ledger();
    var gateway = start();
    try {
      for (int round = 0; round < ROUNDS; round++) {
        gateway.awaitReady();
        kill(gateway, ledger, round, figures);
        Await.until("the agents of a killed gateway to be gone", Duration.ofSeconds(10), () -> Agents.of(store()).isEmpty());
        gateway = start().awaitReady();
        figures.ready(gateway.age());
        check(gateway, ledger, figures);
      }
      gateway.sigterm();
      assertEquals(0, gateway.exitCode(GatewayProcess.PATIENCE), gateway::tail);
      assertEquals(List.of(), Agents.of(store()));
    } catch (AssertionError | RuntimeException e) {
      var logs = "\n the victim:" + victim + "\n the next:" + gateway.tail();
      throw new AssertionError("seed " + seed + ": " + e.getMessage() + logs, e);
    } finally {
      gateway.close();
    }
    figures.print("AcpKillTest", seed);
  }

  private void kill(GatewayProcess gateway, Ledger ledger, int round, Figures figures) {
    var load = new Traffic.Load(HarnessUnderTest.simulator(store()), 6, 2);
    try (var client = gateway.client();
        var traffic = Traffic.start(client, ledger, load, random, round)) {
      Await.pause(Duration.ofMillis(random.nextInt(3_000)));
      figures.count("agents_at_kill", Agents.of(store()).size());
      gateway.kill9();
      victim = gateway.tail();
      figures.count("kills", 1);
      traffic.await();
    }
  }

  private void check(GatewayProcess gateway, Ledger ledger, Figures figures) {
    try (var client = gateway.client()) {
      ledger.retry(client);
      var oracles = new Oracles(client, HarnessUnderTest.simulator(store()));
      oracles.awaitRest();
      figures.rest(gateway.age());
      var seen = oracles.check(ledger.accepted());
      for (var one : seen) {
        assertEquals("completed", one.status(), () -> one.run().toString());
        long given = prompts(one.entry().sent().canary());
        long attempts = one.run().path("attempts").asLong();
        assertTrue(1 <= given && given <= attempts, () -> given + " prompts in " + attempts + " attempts");
      }
      oracles.checkViews(0, Long.MAX_VALUE);
      figures.outcomes(seen);
      ledger.forget();
    }
  }
}
