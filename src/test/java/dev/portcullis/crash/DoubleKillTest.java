package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Kills during recovery, and runs that take the gateway down each time. */
class DoubleKillTest {
  private static final int ROUNDS = Math.max(3, Integer.getInteger("crash.rounds", 20) / 5);

  /** Halts a life as soon as it has begun an attempt: what a poisonous run does. */
  private static final String POISON = "persist.attempt-started.after";

  private static final Traffic.Load LOAD = new Traffic.Load(HarnessUnderTest.echo(), 40, 3);

  @TempDir Path directory;

  private final long seed = Long.getLong("crash.seed", System.nanoTime());
  private final Random random = new Random(seed);

  private GatewayProcess.Launch on(String name) {
    return GatewayProcess.on(directory.resolve(name)).set("portcullis.run.resume-delays", "[0s]");
  }

  private static void submitPoison(GatewayProcess.Launch launch) {
    try (var gateway = launch.failpoint(POISON).start().awaitReady(); var client = gateway.client()) {
      var ledger = new Ledger();
      ledger.send(client, new Ledger.Sent("poison", 0, "", "poison", Optional.of("k")));
      assertEquals(GatewayProcess.KILLED, gateway.exitCode(GatewayProcess.PATIENCE), gateway::tail);
    }
  }

  private static void dieInRecovery(GatewayProcess.Launch launch) {
    try (var gateway = launch.failpoint(POISON).start()) {
      assertEquals(GatewayProcess.KILLED, gateway.exitCode(GatewayProcess.PATIENCE), gateway::tail);
      assertTrue(gateway.line("boot.open").isEmpty(), "it died after it had opened");
    }
  }

  private static long count(List<JsonNode> events, String type) {
    return events.stream().filter(event -> event.path("type").asText().equals(type)).count();
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @Tag("K-3")
  void killsDuringRecoveryLoseNothing() {
    killRecoveries();
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @Tag("torture")
  @Tag("K-3")
  void killsDuringRecoveryLoseNothingAlsoAfterManyRounds() {
    killRecoveries();
  }

  private void killRecoveries() {
    var figures = new Figures();
    var ledger = new Ledger();
    var gateway = patient().start();
    try {
      for (int round = 0; round < ROUNDS; round++) {
        killUnderLoad(gateway.awaitReady(), ledger, round);
        int kills = 2 + random.nextInt(2);
        for (int kill = 0; kill < kills; kill++) {
          gateway = patient().start();
          killInRecovery(gateway, figures);
        }
        gateway = patient().start().awaitReady();
        figures.ready(gateway.age());
        long attempts = check(gateway, ledger, figures);
        assertTrue(attempts <= 2 + kills, () -> attempts + " attempts in " + (2 + kills) + " lives");
      }
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError("seed " + seed + ": " + e.getMessage() + gateway.tail(), e);
    } finally {
      gateway.close();
    }
    figures.print("DoubleKillTest", seed);
  }

  private void killUnderLoad(GatewayProcess gateway, Ledger ledger, int round) {
    try (var client = gateway.client();
        var traffic = Traffic.start(client, ledger, LOAD, random, round)) {
      Await.pause(Duration.ofMillis(200 + random.nextInt(400)));
      gateway.kill9();
      traffic.await();
    }
  }

  /** All oracles; the most attempts that one run has had. */
  private static long check(GatewayProcess gateway, Ledger ledger, Figures figures) {
    try (var client = gateway.client()) {
      ledger.retry(client);
      var oracles = new Oracles(client, HarnessUnderTest.echo());
      oracles.awaitRest();
      figures.rest(gateway.age());
      var seen = oracles.check(ledger.accepted());
      figures.outcomes(seen);
      oracles.checkViews(0, Long.MAX_VALUE);
      ledger.forget();
      return seen.stream().mapToLong(one -> one.run().path("attempts").asLong()).max().orElse(0);
    }
  }

  private GatewayProcess.Launch patient() {
    return on("data").set("portcullis.run.attempts", "10").set("portcullis.boot.loop-limit", "1000");
  }

  /** Somewhere between the opened journal and the first resumed runs. */
  private void killInRecovery(GatewayProcess gateway, Figures figures) {
    gateway.awaitLine("boot.awaiting");
    Await.pause(Duration.ofMillis(random.nextInt(600)));
    figures.count(gateway.line("recovery.found").isPresent() ? "after_decisions" : "before_decisions", 1);
    gateway.kill9();
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @Tag("IL-34")
  @Tag("INV-M2")
  @Tag("INV-M5")
  @Tag("N10")
  void aRunThatKillsTheGatewayEachTimeIsParkedAfterThreeResumes() {
    submitPoison(tough());
    for (int resume = 1; resume <= 3; resume++) {
      dieInRecovery(tough());
    }
    try (var gateway = tough().start().awaitReady(); var client = gateway.client()) {
      var run = client.row("poison").path("lastRunId").asText();
      assertEquals("crash_loop", client.run(run).path("parked").path("reason").asText());
      assertEquals(3, count(client.eventsUntil(run, "parked"), "resumed"));
      assertTrue(gateway.awaitLine("[gateway] ALERT raised").contains(run), gateway::tail);
      assertEquals("completed", client.awaitEnd(client.submit("other", "hi").text("runId")).path("status").asText());
      assertEquals("completed", client.awaitEnd(client.submit("poison", "hi").text("runId")).path("status").asText());

      assertEquals(202, client.post("/api/v1/runs/" + run + "/resume").status());
      assertEquals("completed", client.awaitEnd(run).path("status").asText());
      assertEquals(5, client.run(run).path("attempts").asInt());
    }
  }

  private GatewayProcess.Launch tough() {
    return on("data").set("portcullis.boot.loop-limit", "1000");
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @Tag("IL-35")
  @Tag("INV-M6")
  void theFifthBootWithoutASuccessResumesNothingAndServesEverybodyElse() {
    submitPoison(looping());
    for (int boot = 2; boot <= 4; boot++) {
      dieInRecovery(looping());
    }
    try (var gateway = looping().start().awaitReady(); var client = gateway.client()) {
      var run = client.row("poison").path("lastRunId").asText();
      assertEquals("boot_loop", client.run(run).path("parked").path("reason").asText());
      gateway.awaitLine("ALERT raised topic=boot.loop");
      assertEquals("completed", client.awaitEnd(client.submit("other", "hi").text("runId")).path("status").asText());
      assertEquals(202, client.post("/api/v1/runs/" + run + "/resume").status());
      assertEquals("completed", client.awaitEnd(run).path("status").asText());
      gateway.awaitLine("ALERT resolved topic=boot.loop");
      gateway.kill9();
    }
    try (var gateway = looping().start().awaitReady()) {
      assertTrue(gateway.line("topic=boot.loop").isEmpty(), "a success ends the count");
    }
  }

  private GatewayProcess.Launch looping() {
    return on("data").set("portcullis.run.attempts", "10");
  }
}
