package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk of 64 MiB fills: first no new work is taken; with no room at all the process ends in order, never by signal. */
class FullDiskTest {
  private static final int CLEAN = 0;
  private static final int JOURNAL = 74;
  private static final int DISK_MIB = 64;
  private static final String LOW_SPACE = "portcullis.journal.low-space";
  private static final long LOW = 32L << 20;
  private static final long OTHERS = 10L << 20;
  private static final int MESSAGE_CHARS = 200_000;
  private static final long BLOCK_LEFT = 64 << 10;
  private static final Duration END = Duration.ofSeconds(20);

  @TempDir static Path elsewhere;
  @TempDir Path directory;

  private final Random random = new Random(Long.getLong("crash.seed", System.nanoTime()));

  @BeforeAll
  static void aDiskCanBeMounted() {
    var missing = SmallDisk.missing(elsewhere.resolve("probe"));
    missing.ifPresent(reason -> System.out.println("FullDiskTest skipped: " + reason));
    assumeTrue(missing.isEmpty());
  }

  private static GatewayProcess.Launch on(SmallDisk disk) {
    return GatewayProcess.on(disk.directory().resolve("data"))
        .set(LOW_SPACE, Long.toString(LOW))
        .set("portcullis.run.resume-delays", "[0s]")
        .set("portcullis.drain.deadline", "1s");
  }

  @Test
  @Tag("J-3")
  @Tag("INV-J5")
  void workStopsBeforeTheDiskIsFullAndGoesOnWhenThereIsRoomAgain() {
    try (var disk = SmallDisk.mount(directory.resolve("disk"), DISK_MIB)) {
      disk.fill("others", disk.free() - OTHERS);
      var completed = new ArrayList<String>();
      String open;
      try (var gateway = on(disk).start().awaitReady();
          var client = gateway.client();
          var probe = Client.bare(gateway.management())) {
        open = client.submit("open", "[[echo first=5m]]").text("runId");
        var aborted = client.submit("aborted", "[[echo first=5m]]").text("runId");
        client.awaitStatus(aborted, "running");
        long free = writeUntilRefused(client, disk, completed);
        System.out.println("FullDiskTest free_at_first_503=" + free + " watermark=" + LOW + " turns=" + completed.size());
        assertTrue(free > LOW / 2, "the watermark tripped late");
        assertEquals("storage", probe.get("/readyz").json().path("unmet").get(0).path("condition").asText());

        assertEquals(202, client.post("/api/v1/runs/" + aborted + "/abort").status());
        assertEquals("aborted", client.awaitEnd(aborted).path("status").asText());
        assertEquals(200, client.post("/api/v1/sessions/aborted/reset").status());

        disk.fill("more", BLOCK_LEFT);
        refused(client.submit("writes", "hello"));
        assertEquals("running", client.run(open).path("status").asText());

        disk.free("more");
        disk.free("others");
        Await.until("room again", END, () -> probe.get("/readyz").status() == 200);
        var again = client.submit("writes", "hello").text("runId");
        assertEquals("completed", client.awaitEnd(again).path("status").asText());
        completed.add(again);

        disk.fill("more", BLOCK_LEFT);
        gateway.sigterm();
        assertEquals(CLEAN, gateway.exitCode(END), gateway::tail);
        assertTrue(gateway.line("drain.marked").orElse("").contains("runs=1"), gateway::tail);
        assertTrue(gateway.line("drain.rested").orElse("").contains("interrupted=1"), gateway::tail);
      }
      disk.free("more");
      try (var gateway = on(disk).start().awaitReady(); var client = gateway.client()) {
        assertEquals(List.of("restart"), client.eventsUntil(open, "resumed").stream()
            .filter(event -> event.path("type").asText().equals("interrupted"))
            .map(event -> event.path("cause").asText()).toList());
        completed.forEach(run -> assertEquals("completed", client.run(run).path("status").asText()));
      }
    }
  }

  @Test
  @Tag("J-3")
  @Tag("INV-J3")
  void aDiskThatIsFilledWhileTheGatewayWritesEndsItInOrderAndNothingAcknowledgedIsLost() {
    fillUnderLoad(0);
  }

  @Test
  @Tag("torture")
  @Tag("J-3")
  void aDiskThatIsFilledWhileTheGatewayWritesNeverKillsIt() {
    for (int round = 0; round < Integer.getInteger("crash.rounds", 50); round++) {
      fillUnderLoad(round);
    }
  }

  /** Room on the disk when the first turn was refused. */
  private static long writeUntilRefused(Client client, SmallDisk disk, List<String> completed) {
    while (true) {
      // A session of its own: an agent is told its whole conversation, which would only take time.
      var answer = client.submit("writes-" + completed.size(), "x".repeat(MESSAGE_CHARS));
      if (answer.status() == 503) {
        refused(answer);
        return disk.free();
      }
      completed.add(answer.text("runId"));
      assertEquals("completed", client.awaitEnd(answer.text("runId")).path("status").asText());
    }
  }

  private static void refused(Client.Answer answer) {
    assertEquals(503, answer.status(), () -> answer.json().toString());
    assertEquals("storage_low", answer.code());
  }

  /** The runs that were acknowledged until nobody answered any more. */
  private static List<String> writeUntilTheEnd(Client client, String session) {
    var runs = new ArrayList<String>();
    try {
      for (var last = Optional.<String>empty(); ; last = Optional.of(runs.getLast())) {
        last.ifPresent(client::awaitEnd);
        var answer = client.submit(session, "x".repeat(MESSAGE_CHARS));
        if (answer.status() != 202) {
          return runs;
        }
        runs.add(answer.text("runId"));
      }
    } catch (UncheckedIOException | AssertionError gone) {
      return runs;
    }
  }

  private void fillUnderLoad(int round) {
    try (var disk = SmallDisk.mount(directory.resolve("disk-" + round), DISK_MIB)) {
      var accepted = new ArrayList<String>();
      var streaming = new ArrayList<String>();
      try (var gateway = on(disk).start().awaitReady(); var client = gateway.client();
          var users = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int run = 0; run < 6; run++) { // These go on writing when no new work is taken.
          streaming.add(client.submit("streams-" + run, "[[echo words=9000 gap=10ms]]").text("runId"));
        }
        var work = new ArrayList<CompletableFuture<List<String>>>();
        for (int user = 0; user < 4; user++) {
          var session = "user-" + user;
          work.add(CompletableFuture.supplyAsync(() -> writeUntilTheEnd(client, session), users));
        }
        Await.until("some turns", GatewayProcess.PATIENCE, () -> client.counts().path("accepted").asInt() > 12);
        Await.pause(Duration.ofMillis(random.nextInt(400)));
        disk.fill("others", 0);
        assertEquals(JOURNAL, gateway.exitCode(END), gateway::tail);
        assertTrue(gateway.line("bytes are free, a write needs").isPresent(), gateway::tail);
        work.forEach(one -> accepted.addAll(one.join()));
      }
      disk.free("others");
      try (var gateway = on(disk).start().awaitReady(); var client = gateway.client()) {
        streaming.forEach(run -> assertEquals(200, client.get("/api/v1/runs/" + run).status(), "lost: " + run));
        accepted.forEach(run -> assertEquals("completed", client.awaitEnd(run).path("status").asText()));
        assertTrue(accepted.size() > 4, "too little was at stake");
        System.out.println("FullDiskTest round=" + round + " acknowledged=" + accepted.size() + " lost=0");
      }
    }
  }
}
