package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run whose end a viewer has seen is never shown as active to that viewer again. */
class TruthTest {
  private static final int USERS = 8;

  @TempDir Path directory;

  @Test
  @Tag("INV-A2")
  @Tag("INV-A4")
  @Tag("IL-10")
  void aRunIsInNoViewActiveOnceItsEndWasSeen() throws Exception {
    check(2_000);
  }

  @Test
  @Tag("torture")
  @Tag("INV-A2")
  @Tag("IL-10")
  void aRunIsInNoViewActiveOnceItsEndWasSeenAlsoTheTenThousandthTime() throws Exception {
    check(10_000);
  }

  @Test
  @Tag("IL-15")
  @Tag("INV-M1")
  @Tag("INV-A4")
  void anAbortThatAKillCameUponIsAnAbortInEveryViewAndTheNextTurnIsTaken() throws Exception {
    var store = Files.createDirectory(directory.resolve("store"));
    var launch = HarnessUnderTest.simulator(store).settings().apply(GatewayProcess.on(directory.resolve("data")));
    String run;
    try (var gateway = launch.start().awaitReady(); var client = gateway.client()) {
      run = client.submit("s", "[[sim deaf]]").text("runId");
      client.eventsUntil(run, "text"); // From now on its agent hears nothing, an abort neither.
      assertEquals("aborting", client.post("/api/v1/runs/" + run + "/abort").text("status"));
      assertEquals("aborting", client.row("s").path("status").asText());
      gateway.kill9();
    }
    try (var gateway = launch.start().awaitReady(); var client = gateway.client()) {
      var view = client.awaitEnd(run);
      assertEquals("aborted", view.path("status").asText());
      assertEquals(1, view.path("attempts").asInt());
      var row = client.row("s");
      assertFalse(row.path("hasActiveRun").asBoolean(), row::toString);
      assertEquals("idle", row.path("status").asText());
      assertEquals(0, client.get("/api/v1/sessions?active=true").json().path("data").size());
      assertEquals(409, client.post("/api/v1/runs/" + run + "/abort").status());
      var next = client.submit("s", "[[sim slow 2 1]]").text("runId");
      assertEquals("completed", client.awaitEnd(next).path("status").asText());
    }
    Await.until("no agent is left", GatewayProcess.PATIENCE, () -> Agents.of(store).isEmpty());
  }

  private void check(int runs) throws Exception {
    try (var gateway = GatewayProcess.on(directory.resolve("data")).start().awaitReady();
        var client = gateway.client();
        var users = Executors.newVirtualThreadPerTaskExecutor()) {
      long begun = System.nanoTime();
      var work = new ArrayList<Future<?>>();
      for (int u = 0; u < USERS; u++) {
        var session = "user-" + u;
        work.add(users.submit(() -> {
          for (int i = 0; i < runs / USERS; i++) {
            one(client, session);
          }
        }));
      }
      for (var user : work) {
        user.get();
      }
      var counts = client.counts();
      assertEquals(runs, counts.path("terminal").asInt());
      assertEquals(0, counts.path("open").asInt());
      System.out.println("TruthTest runs=" + runs + " took_ms=" + (System.nanoTime() - begun) / 1_000_000);
    }
  }

  private static void one(Client client, String session) {
    var run = client.submit(session, "hello").text("runId");
    var last = client.events(run).getLast();
    assertEquals("completed", last.path("type").asText());
    var row = client.row(session);
    assertFalse(row.path("hasActiveRun").asBoolean(), () -> "active after its end: " + row);
    assertEquals("idle", row.path("status").asText());
    for (var shown : client.get("/api/v1/sessions?limit=50").json().path("data")) {
      shown.path("activeRunIds").forEach(id -> assertFalse(id.asText().equals(run), () -> "active: " + shown));
    }
    assertFalse(client.run(run).path("active").asBoolean());
  }
}
