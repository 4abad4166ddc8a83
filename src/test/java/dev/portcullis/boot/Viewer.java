package dev.portcullis.boot;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Somebody who follows the list of sessions over one connection at a time, asks for lists in between, and
 * holds every row against what it has seen before. One thread.
 */
final class Viewer {
  private static final Set<String> ACTIVE = Set.of("starting", "running", "aborting");
  private static final Set<String> ABORTABLE = Set.of("queued", "starting", "running", "interrupted", "parked");

  private final WholeGateway gateway;
  private final Random random;
  private final Set<String> ended;
  /** The newest row of each session, wherever it came from. */
  final Map<String, JsonNode> known = new HashMap<>();
  /** The same, of what the stream has told alone. */
  final Map<String, JsonNode> told = new ConcurrentHashMap<>();
  int ends;
  int reconnects;
  int resumed;
  private String lastId = "";

  /** @param ended runs whose end somebody has seen before, shared by all */
  Viewer(WholeGateway gateway, Random random, Set<String> ended) {
    this.gateway = gateway;
    this.random = random;
    this.ended = ended;
  }

  /** Follows until every session stands at least at the revision that {@code last} says, once it does. */
  void follow(java.util.function.Supplier<Optional<Map<String, Long>>> last, boolean reconnects) {
    while (!has(last.get())) {
      try (var frames = gateway.frames("/api/v1/sessions/events", Optional.of(lastId))) {
        var each = frames.iterator();
        var snapshot = new HashSet<String>();
        boolean full = false;
        int left = reconnects ? 5 + random.nextInt(60) : Integer.MAX_VALUE;
        while (!has(last.get()) && left-- > 0 && each.hasNext()) {
          var frame = each.next();
          lastId = frame.id().isEmpty() ? lastId : frame.id();
          switch (frame.event()) {
            case "snapshot" -> {
              full = frame.data().path("full").asBoolean();
              resumed += full ? 0 : 1;
            }
            case "snapshot.end" -> {
              if (full) {
                told.keySet().retainAll(snapshot);
              }
              full = false;
            }
            case "row" -> {
              snapshot.add(frame.data().path("key").asText());
              hear(frame.data());
            }
            case String other -> throw new AssertionError(other);
          }
        }
      }
      this.reconnects++;
    }
  }

  private boolean has(Optional<Map<String, Long>> last) {
    return last.isPresent() && last.get().entrySet().stream().allMatch(row ->
        told.containsKey(row.getKey()) && told.get(row.getKey()).path("rev").asLong() >= row.getValue());
  }

  private void hear(JsonNode row) {
    var key = row.path("key").asText();
    var before = told.put(key, row);
    check(before == null || before.path("rev").asLong() <= row.path("rev").asLong(), "back in time", row, before);
    see(row);
    boolean rests = !row.path("hasActiveRun").asBoolean();
    ends += rests ? 1 : 0;
    if (rests || random.nextInt(4) == 0) {
      list();
    }
  }

  /** Whatever was told before, a list that is asked for now knows of (A2). */
  void list() {
    var before = new HashMap<>(known);
    var endedBefore = new ArrayList<>(ended);
    var rows = new HashMap<String, JsonNode>();
    gateway.get("/api/v1/sessions?limit=100").path("data").forEach(row -> rows.put(row.path("key").asText(), row));
    before.forEach((key, row) -> {
      if (!row.path("status").asText().equals("erased")) {
        check(rows.containsKey(key), "is gone from the list", row, row);
        check(rows.get(key).path("rev").asLong() >= row.path("rev").asLong(), "older than told", rows.get(key), row);
      }
    });
    rows.values().forEach(row -> {
      var active = new ArrayList<String>();
      row.path("activeRunIds").forEach(id -> active.add(id.asText()));
      active.retainAll(endedBefore);
      check(active.isEmpty(), "a run that had ended is active", row, row);
      see(row);
    });
  }

  /** Any row from anywhere: it contradicts neither itself (A4) nor another of the same revision (A3). */
  private void see(JsonNode row) {
    var status = row.path("status").asText();
    boolean active = row.path("hasActiveRun").asBoolean();
    check(active == ACTIVE.contains(status), "status and hasActiveRun", row, row);
    check(active == !row.path("activeRunIds").isEmpty(), "hasActiveRun and activeRunIds", row, row);
    check(status.equals("aborting") || row.path("abortable").asBoolean() == ABORTABLE.contains(status),
        "status and abortable", row, row);
    check(row.path("activeRunIds").size() <= 1, "two active runs", row, row);
    known.merge(row.path("key").asText(), row, (old, now) -> {
      long difference = now.path("rev").asLong() - old.path("rev").asLong();
      check(difference != 0 || now.equals(old), "two rows of one revision", now, old);
      return difference >= 0 ? now : old;
    });
  }

  private static void check(boolean holds, String what, JsonNode row, JsonNode before) {
    if (!holds) {
      throw new AssertionError(what + ": " + row + (row == before ? "" : "\nbefore: " + before));
    }
  }

  /** Where {@code rows} and what the stream has told differ. */
  List<JsonNode> differences(List<JsonNode> rows) {
    return rows.stream().filter(row -> !row.equals(told.get(row.path("key").asText()))).toList();
  }
}
