package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A write fails: nothing is acknowledged any more, the process ends, and what is true is what replays. */
class FenceTest {
  private static final int JOURNAL = 74;
  private static final String KEY = "the-key";
  private static final String FENCED = "[gateway] CRITICAL: journal failed, the node is fenced";
  private static final Duration END = Duration.ofSeconds(10);

  @TempDir Path directory;

  /** Before the write nothing is on the disk; after it everything is, and yet the writer was told otherwise. */
  @ParameterizedTest
  @ValueSource(strings = {"before", "after"})
  @Tag("INV-J2")
  @Tag("INV-J3")
  @Tag("IL-44")
  void aFailedWriteFencesTheGatewayAndTheSameKeyFindsWhateverIsTrue(String side) {
    var data = directory.resolve("data");
    try (var gateway = GatewayProcess.on(data)
        .failpoint("!persist.turn-accepted." + side)
        .start()
        .awaitReady();
        var client = gateway.client()) {
      long asked = System.nanoTime();
      assertUnknown(client.submit("main", "hello", KEY));
      assertEquals(JOURNAL, gateway.exitCode(END), gateway::tail);
      System.out.println("FenceTest side=" + side + " ended after ms=" + (System.nanoTime() - asked) / 1_000_000);
      assertTrue(gateway.line(FENCED).isPresent(), gateway::tail);
    }
    try (var gateway = GatewayProcess.on(data).start().awaitReady(); var client = gateway.client()) {
      var run = client.submit("main", "hello", KEY).text("runId");
      assertEquals("completed", client.awaitEnd(run).path("status").asText());
      assertEquals(1, client.counts().path("accepted").asInt(), "one key, one run, whatever the disk had");
      assertEquals(List.of(run), client.rows().stream().map(row -> row.path("lastRunId").asText()).toList());
    }
  }

  /** Everybody who waits, on whatever route, hears that the journal is gone and not just the end of a connection. */
  @Test
  @Tag("INV-J2")
  @Tag("INV-J3")
  void everyRequestUnderWayIsAnsweredBeforeTheFencedProcessEnds() {
    try (var gateway = GatewayProcess.on(directory.resolve("data"))
        .failpoint("!persist.turn-accepted.before#2")
        .start()
        .awaitReady();
        var client = gateway.client();
        var users = Executors.newVirtualThreadPerTaskExecutor();
        var probe = Client.bare(gateway.management())) {
      var run = client.submit("waits", "[[echo first=5m]]").text("runId");
      client.awaitStatus(run, "running");
      var poll = CompletableFuture.supplyAsync(() -> client.get("/api/v1/runs/" + run + "?wait=60s"), users);
      var events = CompletableFuture.supplyAsync(() -> client.events(run), users);
      var readiness = CompletableFuture.supplyAsync(() -> readiness(probe), users);
      client.eventsUntil(run, "started"); // The gateway is busy with those three when it fails.
      assertUnknown(client.submit("fails", "hello"));
      assertUnknown(poll.join());
      assertFalse(events.join().isEmpty(), "the stream was not even begun");
      assertEquals(JOURNAL, gateway.exitCode(END), gateway::tail);
      var seen = readiness.join();
      assertEquals(200, seen.getFirst());
      assertEquals(503, seen.getLast(), () -> "the last word of /readyz: " + seen);
      assertEquals(2, seen.stream().distinct().count(), () -> "ready again after the fence: " + seen);
    }
  }

  @Test
  @Tag("INV-J3")
  @Tag("INV-H4")
  void noAgentOutlivesTheFencedProcess() throws IOException {
    var store = Files.createDirectory(directory.resolve("store"));
    var launch = HarnessUnderTest.simulator(store).settings().apply(GatewayProcess.on(directory.resolve("data")));
    try (var gateway = launch.failpoint("!persist.turn-accepted.before#3").start().awaitReady();
        var client = gateway.client()) {
      for (var session : List.of("a", "b")) {
        client.awaitStatus(client.submit(session, "hello [[sim slow 100 1000]]").text("runId"), "running");
      }
      assertNotEquals(List.of(), Agents.of(store));
      assertUnknown(client.submit("c", "hello"));
      assertEquals(JOURNAL, gateway.exitCode(END), gateway::tail);
      Await.until("no agent is left", Duration.ofSeconds(1), () -> Agents.of(store).isEmpty());
    }
  }

  /** The status of each look at /readyz until nobody answers. */
  private static List<Integer> readiness(Client probe) {
    var seen = new ArrayList<Integer>();
    try {
      while (true) {
        seen.add(probe.get("/readyz").status());
      }
    } catch (UncheckedIOException ended) {
      return seen;
    }
  }

  private static void assertUnknown(Client.Answer answer) {
    assertEquals(503, answer.status(), () -> answer.json().toString());
    assertEquals("journal_unavailable", answer.code());
    assertEquals(Optional.of("false"), answer.headers().firstValue("x-should-retry"));
  }
}
