package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;

/** What must be true of every run that a client was promised, whatever happened to the process. */
final class Oracles {
  private static final Set<String> TERMINAL = Set.of("completed", "failed", "aborted");
  private static final int READERS = 8;

  private final Client client;
  private final HarnessUnderTest harness;

  /** One run with its whole history. */
  record Seen(Ledger.Entry entry, JsonNode run, List<JsonNode> events) {
    String status() {
      return run.path("status").asText();
    }

    long count(String type) {
      return events.stream().filter(event -> event.path("type").asText().equals(type)).count();
    }

    Instant startedAt() {
      return Instant.parse(run.path("startedAt").asText());
    }

    Instant endedAt() {
      return Instant.parse(run.path("endedAt").asText());
    }
  }

  Oracles(Client client, HarnessUnderTest harness) {
    this.client = client;
    this.harness = harness;
  }

  /** Waits until nothing is open; parked runs wait for a person and so are none of it. */
  void awaitRest() {
    Await.until("no open run", GatewayProcess.PATIENCE, () -> {
      var counts = client.counts();
      return counts.path("open").asLong(-1) == 0;
    });
  }

  /** O-1, O-2, O-6 and order, for everything in {@code accepted}; what was seen. */
  List<Seen> check(List<Ledger.Entry> accepted) {
    var ids = accepted.stream().map(entry -> entry.run().orElseThrow()).toList();
    assertEquals(ids.size(), new HashSet<>(ids).size(), "two turns got one run");
    var seen = read(accepted);
    seen.forEach(Oracles::oneEnd);
    // One that went into another run has no answer of its own.
    seen.stream()
        .filter(one -> one.status().equals("completed") && !one.run().hasNonNull("steeredInto"))
        .forEach(this::ownText);
    seen.forEach(Oracles::stepsOnce);
    inOrder(seen);
    return seen;
  }

  private List<Seen> read(List<Ledger.Entry> accepted) {
    try (var readers = Executors.newFixedThreadPool(READERS)) {
      var reads = accepted.stream().map(entry -> readers.submit(() -> seen(entry))).toList();
      var seen = new ArrayList<Seen>();
      for (Future<Seen> read : reads) {
        seen.add(read.get());
      }
      return seen;
    } catch (ExecutionException e) {
      throw new AssertionError(e.getCause().toString(), e.getCause());
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", stop);
    }
  }

  private Seen seen(Ledger.Entry entry) {
    var id = entry.run().orElseThrow();
    var answer = client.get("/api/v1/runs/" + id);
    assertEquals(200, answer.status(), "an acknowledged run is gone: " + entry);
    assertEquals(id, answer.text("id"));
    return new Seen(entry, answer.json(), client.events(id));
  }

  /** Consecutive numbers from 1, one terminal event, nothing after it, and the view says the same. */
  private static void oneEnd(Seen seen) {
    var types = seen.events().stream().map(event -> event.path("type").asText()).toList();
    for (int i = 0; i < seen.events().size(); i++) {
      assertEquals(i + 1, seen.events().get(i).path("seq").asLong(), () -> "a gap in " + seen.events());
    }
    assertEquals(1, types.stream().filter(TERMINAL::contains).count(), () -> "ends of " + types);
    assertTrue(TERMINAL.contains(types.getLast()), () -> "after the end: " + types);
    assertEquals("accepted", types.getFirst());
    assertEquals(types.getLast(), seen.status());
    assertFalse(seen.run().path("active").asBoolean());
    assertEquals(seen.count("started") + seen.count("resumed"), seen.run().path("attempts").asLong());
    assertTrue(seen.count("started") <= 1, () -> "started twice: " + types);
  }

  /** Its own answer, whole and once; no word of another session. */
  private void ownText(Seen seen) {
    var text = seen.run().path("text").asText();
    assertTrue(harness.answer().test(seen.entry().sent(), text), () -> seen.entry() + " is not answered by: " + text);
  }

  /** A step that is in the journal is never begun again, and one of unknown outcome is shown as that. */
  private static void stepsOnce(Seen seen) {
    assertTrue(seen.count("step.started") <= 1, () -> "a step was repeated: " + seen.events());
    boolean cut = seen.count("step.started") > seen.count("step.finished");
    for (var step : seen.run().path("steps")) {
      assertEquals(cut ? "uncertain" : "succeeded", step.path("state").asText(), () -> seen.run().toString());
    }
  }

  /** Turns of one session one after the other, in the order in which they were acknowledged. */
  private static void inOrder(List<Seen> seen) {
    var sessions = seen.stream()
        .collect(Collectors.groupingBy(one -> one.entry().sent().session(), TreeMap::new, Collectors.toList()));
    sessions.values().forEach(turns -> {
      var ordered = turns.stream()
          .filter(turn -> turn.run().hasNonNull("startedAt"))
          .sorted(Comparator.comparing(turn -> turn.entry().sent().number()))
          .toList();
      for (int i = 1; i < ordered.size(); i++) {
        var before = ordered.get(i - 1);
        var after = ordered.get(i);
        assertFalse(after.startedAt().isBefore(before.endedAt()),
            () -> "out of order: " + before.entry() + " then " + after.entry());
      }
    });
  }

  /** O-7: the list, the counts and the ledger agree; nothing that has ended is shown as active. */
  void checkViews(long acceptedAtLeast, long acceptedAtMost) {
    var rows = client.rows();
    long accepted = 0;
    long terminal = 0;
    for (var row : rows) {
      assertFalse(row.path("hasActiveRun").asBoolean(), () -> "active: " + row);
      assertEquals(0, row.path("activeRunIds").size(), () -> "active: " + row);
      assertEquals(0, row.path("queued").asLong(), () -> "queued: " + row);
      accepted += row.path("accepted").asLong();
      terminal += row.path("terminal").asLong();
    }
    var counts = client.counts();
    assertEquals(accepted, counts.path("accepted").asLong());
    assertEquals(terminal, counts.path("terminal").asLong());
    assertEquals(accepted, terminal + counts.path("open").asLong() + counts.path("parked").asLong());
    long known = accepted;
    assertTrue(acceptedAtLeast <= known && known <= acceptedAtMost,
        () -> known + " runs exist, of " + acceptedAtLeast + " acknowledged and at most " + acceptedAtMost);
  }
}
