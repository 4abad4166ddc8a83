package dev.portcullis.boot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Users and viewers of a whole gateway at the same time, over real sockets. What users do comes from a seed,
 * which is printed; how it meets, from chance. Each viewer checks for itself.
 */
class ViewsTest {
  private static final int USERS = 4;
  private static final List<String> MESSAGES = List.of(
      "hello", "hello", "hello", "[[echo words=20 gap=1ms]] slow", "[[echo step=deploy step-time=5ms]] step",
      "[[echo fail=overloaded]] fail", "[[echo hang]] hang");

  @TempDir Path data;
  private final long seed = Long.getLong("views.seed", System.nanoTime());

  @Test
  @Tag("INV-A2")
  @Tag("INV-A3")
  @Tag("INV-A4")
  @Tag("INV-A5")
  @Tag("INV-A6")
  @Tag("IL-10")
  @Tag("IL-11")
  @Tag("IL-13")
  @Tag("IL-14")
  @Tag("IL-16")
  void everyViewerSeesOneTruthWhateverUsersDoMeanwhile() throws Exception {
    play(40);
  }

  @Test
  @Tag("torture")
  @Tag("INV-A2")
  @Tag("IL-10")
  void everyViewerSeesOneTruthForAHundredThousandEnds() throws Exception {
    play(8_500); // Three viewers check each end.
  }

  @Test
  void aPlaceThatNoListGaveOutIsRefusedOrBegunAnewAndHarmsNoView() {
    try (var gateway = new WholeGateway(data.resolve("d"), Map.of())) {
      gateway.get("/api/v1/runs/" + gateway.submit("s", "hello") + "?wait=30s");
      for (var cursor : List.of("x", "1:2", ".", "99999999999999999999.1:a", "1.1:")) {
        assertEquals(400, gateway.send(gateway.request("/api/v1/sessions?cursor=" + cursor).GET()).status(), cursor);
      }
      for (var id : List.of("x", "1.1", ".", "ffff.99999999999999999999")) {
        try (var frames = gateway.frames("/api/v1/sessions/events?after=" + id, Optional.empty())) {
          assertTrue(frames.iterator().next().data().path("full").asBoolean(), id);
        }
      }
      assertEquals(1, gateway.get("/api/v1/sessions").path("data").size());
      assertEquals(1, gateway.get("/api/v1/status").path("counts").path("sessions").asInt());
    }
  }

  private void play(int steps) throws Exception {
    System.out.println("ViewsTest steps=" + USERS * steps + " seed=" + seed);
    Set<String> ended = ConcurrentHashMap.newKeySet();
    var last = new AtomicReference<Optional<Map<String, Long>>>(Optional.empty());
    try (var gateway = new WholeGateway(data.resolve("d"), Map.of());
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var viewers = new ArrayList<Viewer>();
      var viewing = new ArrayList<Future<?>>();
      for (int v = 0; v < 3; v++) {
        var viewer = new Viewer(gateway, new Random(seed + 100 + v), ended);
        boolean restless = v == 2;
        viewers.add(viewer);
        viewing.add(threads.submit(() -> viewer.follow(last::get, restless)));
      }
      var users = new ArrayList<Future<?>>();
      for (int u = 0; u < USERS; u++) {
        var user = new User(gateway, new Random(seed + u), "user-" + u, ended);
        users.add(threads.submit(() -> user.play(steps)));
      }
      for (var user : users) {
        user.get();
      }
      var rows = new ArrayList<JsonNode>();
      gateway.get("/api/v1/sessions?limit=100").path("data").forEach(rows::add);
      var revs = new HashMap<String, Long>();
      rows.forEach(row -> revs.put(row.path("key").asText(), row.path("rev").asLong()));
      last.set(Optional.of(revs));
      // A viewer looks at what it waits for when it is told something.
      var nudge = threads.submit(() -> {
        for (int i = 0; i < 1_000 && viewing.stream().anyMatch(one -> !one.isDone()); i++) {
          gateway.get("/api/v1/runs/" + gateway.submit("nudge", "hello") + "?wait=10s");
        }
      });
      for (var one : viewing) {
        one.get();
      }
      nudge.get();
      for (var viewer : viewers) {
        assertEquals(List.of(), viewer.differences(rows), () -> "missed, with seed " + seed);
        assertTrue(viewer.ends > 0);
      }
      assertTrue(viewers.getLast().resumed > 0, "nobody went on where it was");
      var counts = gateway.get("/api/v1/status").path("counts");
      assertEquals(0, counts.path("open").asInt());
      assertEquals(counts.path("accepted"), counts.path("terminal"));
      System.out.println("ViewsTest runs=" + counts.path("terminal") + " checked_ends="
          + viewers.stream().mapToInt(viewer -> viewer.ends).sum() + " reconnects="
          + viewers.getLast().reconnects + " resumed=" + viewers.getLast().resumed);
    }
  }

  /** Submits and aborts, and believes nothing that it has not been told. */
  private record User(WholeGateway gateway, Random random, String session, Set<String> ended) {
    void play(int steps) {
      for (int step = 0; step < steps; step++) {
        var message = MESSAGES.get(random.nextInt(MESSAGES.size()));
        var key = session + "-" + step;
        var run = gateway.submit(session, message, key);
        switch (random.nextInt(4)) {
          case 0 -> abort(run);
          case 1 -> {
            abort(run);
            abort(run);
          }
          case 2 -> gateway.get("/api/v1/runs/" + run + "?wait=20ms");
          default -> assertEquals(404, gateway.post("/api/v1/runs/run_unknown/abort").status());
        }
        end(run);
        // No view shows it as active any more, and the key knows it all the same.
        assertEquals(run, gateway.submit(session, message, key));
      }
    }

    /** What an abort is answered with stays true: one that is refused because of an end names that end. */
    private void abort(String run) {
      var answer = gateway.post("/api/v1/runs/" + run + "/abort");
      var status = answer.json().path("status").asText();
      if (answer.status() == 409) {
        assertEquals(status, gateway.get("/api/v1/runs/" + run).path("status").asText());
      } else {
        assertEquals(202, answer.status(), () -> answer.toString());
        assertTrue(Set.of("aborting", "aborted").contains(status), status);
        assertEquals("aborted", gateway.get("/api/v1/runs/" + run + "?wait=30s").path("status").asText());
      }
    }

    private void end(String run) {
      var view = gateway.get("/api/v1/runs/" + run + "?wait=50ms");
      if (view.path("endedAt").isNull()) {
        abort(run);
      }
      try (var frames = gateway.frames("/api/v1/runs/" + run + "/events", Optional.empty())) {
        var types = frames.map(WholeGateway.Frame::event).toList();
        var ends = types.stream().filter(Set.of("completed", "failed", "aborted")::contains).toList();
        assertEquals(List.of(types.getLast()), ends, types::toString);
      }
      ended.add(run);
      var row = gateway.get("/api/v1/sessions/" + session);
      assertFalse(row.path("hasActiveRun").asBoolean(), row::toString);
    }
  }
}
