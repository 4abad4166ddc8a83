package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Planned stops: left alone, hurried, and cut off by SIGKILL at any instant. */
class DrainKillTest {
  private static final int ROUNDS = Math.max(3, Integer.getInteger("crash.rounds", 20) / 4);
  private static final int DRAIN_MS = 250;
  private static final Traffic.Load LOAD = new Traffic.Load(HarnessUnderTest.echo(), 40, 4);

  @TempDir Path directory;

  private final long seed = Long.getLong("crash.seed", System.nanoTime());
  private final Random random = new Random(seed);

  private GatewayProcess.Launch on(String name) {
    return GatewayProcess.on(directory.resolve(name))
        .set("portcullis.run.resume-delays", "[0s]")
        .set("portcullis.run.attempts", "10")
        .set("portcullis.boot.loop-limit", "1000");
  }

  private static List<String> submit(Client client, String prefix, int count, String message) {
    var runs = new ArrayList<String>();
    for (int i = 0; i < count; i++) {
      runs.add(client.submit(prefix + i, message).text("runId"));
    }
    runs.forEach(run -> client.awaitStatus(run, "running"));
    return runs;
  }

  /** An answer comes in one piece or in several: in as many as there was time for. */
  private static List<String> types(List<JsonNode> events) {
    var types = new ArrayList<String>();
    events.stream().map(event -> event.path("type").asText())
        .filter(type -> types.isEmpty() || !type.equals("text") || !types.getLast().equals("text"))
        .forEach(types::add);
    return types;
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @Tag("D-1")
  @Tag("IL-29")
  @Tag("INV-D2")
  @Tag("INV-D3")
  @Tag("INV-D5")
  void whatEndsInADrainIsEndedAndTheRestIsResumedOnceAtTheNextBoot() {
    List<String> quick;
    List<String> slow;
    try (var gateway = on("data").set("portcullis.drain.deadline", "2500ms").start().awaitReady();
        var client = gateway.client()) {
      quick = submit(client, "quick", 3, "short [[echo words=4 gap=400ms]]");
      slow = submit(client, "slow", 2, "long [[echo words=6 gap=1s]]");
      gateway.sigterm();
      assertTrue(gateway.awaitLine("drain.marked").contains("runs=5"), gateway::tail);
      assertTrue(gateway.line("drain.rested").isEmpty(), "it waited before it noted");
      assertEquals("restart", client.run(slow.getFirst()).path("resumePending").path("reason").asText());
      assertEquals(0, gateway.exitCode(GatewayProcess.PATIENCE), gateway::tail);
      assertTrue(gateway.awaitLine("drain.rested").contains("completed=3 interrupted=2"), gateway::tail);
      assertFalse(Files.exists(directory.resolve("data/run/addresses.json")));
    }
    try (var gateway = on("data").start().awaitReady(); var client = gateway.client()) {
      for (var run : quick) {
        assertEquals(1, client.awaitEnd(run).path("attempts").asInt());
        assertFalse(types(client.events(run)).contains("interrupted"));
      }
      for (var run : slow) {
        assertEquals(2, client.awaitEnd(run).path("attempts").asInt());
        var events = client.events(run);
        assertEquals(1, types(events).stream().filter("resumed"::equals).count());
        var cut = events.stream().filter(event -> event.path("type").asText().equals("interrupted")).toList();
        assertEquals(List.of("restart"), cut.stream().map(event -> event.path("cause").asText()).toList());
        assertEquals("completed", types(events).getLast());
      }
    }
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @Tag("INV-D1")
  void aDrainingGatewayRefusesNewTurnsAndStillAnswersReaders() {
    try (var gateway = on("data").set("portcullis.drain.deadline", "60s").start().awaitReady();
        var client = gateway.client();
        var management = Client.bare(gateway.management())) {
      var run = submit(client, "s", 1, "long [[echo words=10 gap=500ms]]").getFirst();
      long signalled = System.nanoTime();
      gateway.sigterm();
      Await.until("not ready", Duration.ofSeconds(2), () -> management.get("/readyz").status() == 503);
      System.out.println("DrainKillTest not ready after ms=" + (System.nanoTime() - signalled) / 1_000_000);

      var refused = client.submit("s0", "one more");
      assertEquals(503, refused.status());
      assertEquals("draining", refused.code());
      assertTrue(refused.headers().firstValue("Retry-After").isPresent());
      assertEquals(200, client.get("/api/v1/runs/" + run).status());
      assertEquals(200, client.get("/api/v1/sessions").status());
      assertTrue(client.get("/api/v1/status").json().path("drain").path("draining").asBoolean());
      assertEquals(run, client.events(run).getLast().path("runId").asText());
      assertEquals(0, gateway.exitCode(GatewayProcess.PATIENCE), gateway::tail);
    }
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @Tag("IL-27")
  void aDrainThatDiesAmongItsOwnWritesTreatsEveryRunAlike() {
    for (var point : List.of("persist.resume-pending.before#5", "persist.run-interrupted.after#5")) {
      List<String> runs;
      try (var gateway = on(point).set("portcullis.drain.deadline", "0s").failpoint(point).start().awaitReady();
          var client = gateway.client()) {
        runs = submit(client, "s", 10, "long [[echo words=4 gap=700ms]]");
        gateway.sigterm();
        assertEquals(GatewayProcess.KILLED, gateway.exitCode(GatewayProcess.PATIENCE), gateway::tail);
      }
      try (var gateway = on(point).start().awaitReady(); var client = gateway.client()) {
        for (var run : runs) {
          assertEquals("completed", client.awaitEnd(run).path("status").asText());
          assertEquals(2, client.run(run).path("attempts").asInt());
          assertEquals(1, types(client.events(run)).stream().filter("interrupted"::equals).count());
        }
      }
    }
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @Tag("D-2")
  @Tag("INV-D6")
  void aSecondSignalEndsThePatienceButNotTheRecord() {
    String run;
    try (var gateway = on("data").set("portcullis.drain.deadline", "10m").start().awaitReady();
        var client = gateway.client()) {
      run = submit(client, "s", 1, "for ever [[echo hang]]").getFirst();
      gateway.sigterm();
      gateway.awaitLine("drain.marked");
      gateway.sigterm();
      assertEquals(0, gateway.exitCode(Duration.ofSeconds(30)), gateway::tail);
      assertTrue(gateway.awaitLine("drain.rested").contains("interrupted=1"), gateway::tail);
    }
    try (var gateway = on("data").start().awaitReady(); var client = gateway.client()) {
      client.awaitStatus(run, "running");
      assertEquals(202, client.post("/api/v1/runs/" + run + "/abort").status());
      client.awaitEnd(run);
      assertEquals(
          List.of("accepted", "started", "text", "interrupted", "resumed", "text", "aborted"),
          types(client.events(run)));
    }
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @Tag("D-2")
  void aSignalDuringBootEndsItCleanlyAndTheNextBootFindsEverything() {
    String run;
    try (var gateway = on("data").start().awaitReady(); var client = gateway.client()) {
      run = submit(client, "s", 1, "later [[echo words=8 gap=300ms]]").getFirst();
      gateway.kill9();
    }
    for (var when : List.of("boot.management", "boot.awaiting", "recovery.found")) {
      try (var gateway = on("data").start()) {
        gateway.awaitLine(when);
        gateway.sigterm();
        assertEquals(0, gateway.exitCode(GatewayProcess.PATIENCE), gateway::tail);
      }
    }
    try (var gateway = on("data").start().awaitReady(); var client = gateway.client()) {
      assertEquals("completed", client.awaitEnd(run).path("status").asText());
    }
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @Tag("IL-30")
  @Tag("IL-37")
  @Tag("IL-38")
  void aDrainClearsNothingOfARunThatAnEarlierCrashCut() {
    String waiting;
    String stopped;
    try (var gateway = on("data").start().awaitReady(); var client = gateway.client()) {
      waiting = submit(client, "x", 1, "x [[echo words=3 gap=700ms]]").getFirst();
      stopped = submit(client, "z", 1, "z [[echo hang]]").getFirst();
      gateway.kill9();
    }
    String behind;
    try (var gateway = patient().start().awaitReady(); var client = gateway.client()) {
      assertEquals("interrupted", client.run(waiting).path("status").asText());
      assertEquals("aborted", client.post("/api/v1/runs/" + stopped + "/abort").text("status"));
      behind = client.submit("x0", "behind it").text("runId");
      client.awaitEnd(client.submit("y", "y").text("runId"));
      gateway.sigterm();
      assertEquals(0, gateway.exitCode(GatewayProcess.PATIENCE), gateway::tail);
    }
    try (var gateway = patient().start().awaitReady(); var client = gateway.client()) {
      assertEquals("interrupted", client.run(waiting).path("status").asText());
      assertEquals("queued", client.run(behind).path("status").asText());
      assertEquals("aborted", client.run(stopped).path("status").asText());
      assertEquals(202, client.post("/api/v1/runs/" + waiting + "/resume").status());
      var first = client.awaitEnd(waiting);
      var second = client.awaitEnd(behind);
      assertEquals("completed", first.path("status").asText());
      assertEquals(List.of("accepted", "started", "text", "completed"), types(client.events(behind)));
      assertTrue(second.path("startedAt").asText().compareTo(first.path("endedAt").asText()) >= 0);
      assertEquals("aborted", types(client.events(stopped)).getLast());
    }
  }

  private GatewayProcess.Launch patient() {
    return on("data").set("portcullis.run.resume-delays", "[1h]");
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @Tag("D-1")
  @Tag("IL-25")
  @Tag("INV-D7")
  void aDrainThatIsKilledAtAnyInstantLosesNothing() {
    drainAndKill();
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @Tag("torture")
  @Tag("D-1")
  void aDrainThatIsKilledAtAnyInstantLosesNothingAlsoAfterManyRounds() {
    drainAndKill();
  }

  private void drainAndKill() {
    var figures = new Figures();
    var ledger = new Ledger();
    var gateway = draining().start();
    try {
      for (int round = 0; round < ROUNDS; round++) {
        gateway.awaitReady();
        stopUnderLoad(gateway, ledger, round, figures);
        gateway = draining().start().awaitReady();
        figures.ready(gateway.age());
        try (var client = gateway.client()) {
          ledger.retry(client);
          var oracles = new Oracles(client, HarnessUnderTest.echo());
          oracles.awaitRest();
          figures.rest(gateway.age());
          figures.outcomes(oracles.check(ledger.accepted()));
          ledger.forget();
          oracles.checkViews(0, Long.MAX_VALUE);
        }
      }
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError("seed " + seed + ": " + e.getMessage() + gateway.tail(), e);
    } finally {
      gateway.close();
    }
    figures.print("DrainKillTest", seed);
  }

  private GatewayProcess.Launch draining() {
    return on("killed").set("portcullis.drain.deadline", DRAIN_MS + "ms");
  }

  private void stopUnderLoad(GatewayProcess gateway, Ledger ledger, int round, Figures figures) {
    try (var client = gateway.client();
        var traffic = Traffic.start(client, ledger, LOAD, random, round)) {
      Await.pause(Duration.ofMillis(200 + random.nextInt(400)));
      gateway.sigterm();
      Await.pause(Duration.ofMillis(random.nextInt(DRAIN_MS + 1_000)));
      figures.count(gateway.alive() ? "killed" : "clean", 1);
      gateway.kill9();
      traffic.await();
    }
  }
}
