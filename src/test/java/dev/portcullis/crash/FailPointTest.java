package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.session.SessionEvent;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The process halts exactly before and exactly after the write of each kind of event. Whatever the instant, the next life
 * must make the same of it: nothing promised is lost, nothing is done twice.
 */
class FailPointTest {
  private static final int AT_ONCE = 2;
  private static final Duration HALT = Duration.ofSeconds(60);

  private static final String AFTER = "after";

  /** Restricts the test to one kind of event, for whoever looks into a failure. */
  private static final String ONLY = System.getProperty("crash.point", "");

  /** In the table of names on disk, but written as a snapshot: no event, so no point. */
  private static final List<String> NO_EVENT = List.of("session-state");

  @TempDir Path directory;

  @Test
  @Tag("K-2")
  @Tag("N1")
  @Tag("INV-J2")
  @Tag("INV-J6")
  @Tag("INV-I7")
  @Tag("INV-R2")
  @Tag("IL-12")
  @Tag("IL-23")
  @Tag("IL-28")
  void aProcessThatHaltsAtAnyWriteLosesNothingAndRepeatsNothing() throws Exception {
    everyPoint(1);
  }

  @Test
  @Tag("torture")
  @Tag("K-2")
  void aProcessThatHaltsAtAnyWriteLosesNothingAndRepeatsNothingTenTimes() throws Exception {
    everyPoint(10);
  }

  private void everyPoint(int times) throws Exception {
    var manifests = SessionEvent.TYPES.table().keySet().stream()
        .filter(name -> !NO_EVENT.contains(name) && (ONLY.isEmpty() || ONLY.equals(name)))
        .toList();
    var unreached = manifests.stream().filter(name -> FailPointScenario.of(name).isEmpty()).toList();
    try (var workers = Executors.newFixedThreadPool(AT_ONCE)) {
      var work = manifests.stream()
          .filter(name -> !unreached.contains(name))
          .flatMap(name -> IntStream.range(0, times).mapToObj(i -> workers.submit(() -> {
            bothSides(name, directory.resolve(name + "-" + i));
            return name;
          })))
          .toList();
      for (var one : work) {
        one.get();
      }
    } catch (ExecutionException e) {
      throw new AssertionError(e.getCause().getMessage(), e.getCause());
    }
    System.out.println("FailPointTest points=" + 2 * (manifests.size() - unreached.size()) + "/"
        + 2 * manifests.size() + " times=" + times + " unreached=" + unreached + " no_event=" + NO_EVENT);
    assertEquals(List.of(), unreached, "an event that no scenario writes");
  }

  private static GatewayProcess.Launch on(Path data) {
    return GatewayProcess.on(data)
        .set("portcullis.run.resume-delays", "[0s]")
        .set("portcullis.run.attempts", "10")
        .set("portcullis.run.text-interval", "50ms")
        .set("portcullis.drain.deadline", "0s")
        .set("portcullis.agents.main.on-uncertain", "park")
        .set("portcullis.agents.main.queue", "steer")
        .set("portcullis.boot.loop-limit", "1000");
  }

  private static void bothSides(String manifest, Path data) {
    var scenario = FailPointScenario.of(manifest).orElseThrow();
    var ledger = new Ledger();
    try {
      if (scenario.needsCut()) {
        cutInAStep(data, ledger);
      }
      for (var side : List.of("before", AFTER)) {
        halt(scenario, "persist." + manifest + "." + side, data, ledger, side);
      }
      afterwards(scenario, data, ledger);
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError("fail-point " + manifest + ": " + e.getMessage(), e);
    }
  }

  private static void cutInAStep(Path data, Ledger ledger) {
    try (var gateway = on(data).start().awaitReady(); var client = gateway.client()) {
      FailPointScenario.RUN_PARKED.drive(gateway, client, ledger, "cut");
      var run = ledger.accepted().getFirst().run().orElseThrow();
      Await.until("the step", GatewayProcess.PATIENCE, () -> client.run(run).path("steps").size() == 1);
      gateway.kill9();
    }
  }

  /** One life, up to the point: reached by what is done to it, or already while it recovers from the last one. */
  private static void halt(
      FailPointScenario scenario, String point, Path data, Ledger ledger, String session) {
    try (var gateway = on(data).failpoint(point).start()) {
      try {
        gateway.awaitReady();
        try (var client = gateway.client()) {
          ledger.retry(client);
          scenario.drive(gateway, client, ledger, session);
        }
      } catch (UncheckedIOException | GatewayProcess.Ended halted) {
        Await.until("the halt at " + point, HALT, () -> !gateway.alive());
      }
      assertEquals(GatewayProcess.KILLED, gateway.exitCode(HALT), () -> point + gateway.tail());
    }
  }

  private static void afterwards(FailPointScenario scenario, Path data, Ledger ledger) {
    try (var gateway = on(data).start().awaitReady(); var client = gateway.client()) {
      ledger.retry(client);
      var erased = ledger.accepted().stream()
          .filter(entry -> scenario.erases() && entry.sent().session().equals(AFTER))
          .toList();
      erased.forEach(entry ->
          assertEquals(404, client.get("/api/v1/sessions/" + entry.sent().session()).status()));
      var kept = ledger.accepted().stream().filter(entry -> !erased.contains(entry)).toList();
      FailPointScenario.bringToRest(client, kept);
      var oracles = new Oracles(client, HarnessUnderTest.echo());
      oracles.awaitRest();
      assertTrue(!kept.isEmpty());
      var seen = oracles.check(kept);
      assertEquals(0, ledger.unknown());
      oracles.checkViews(0, Long.MAX_VALUE);
      scenario.calls().forEach(call ->
          assertEquals(200, client.openAi("/v1/chat/completions", call, 2).status()));
      var runs = client.counts().path("accepted").asLong();
      assertTrue(runs <= seen.size() + scenario.calls().size(), () -> runs + " runs for " + seen.stream()
          .map(one -> one.entry().toString()).collect(Collectors.joining(", ")));
    }
  }
}
