package dev.portcullis.crash;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a torture run reports: how often, what came of it, and how long recovery took. */
final class Figures {
  private final Map<String, Long> outcomes = new TreeMap<>();
  private final List<Long> readyMillis = new ArrayList<>();
  private final List<Long> restMillis = new ArrayList<>();

  void count(String what, long times) {
    outcomes.merge(what, times, Long::sum);
  }

  void outcomes(Collection<Oracles.Seen> seen) {
    for (var one : seen) {
      count("runs", 1);
      count(one.status(), 1);
      count("resumed", one.count("resumed"));
      count("uncertain", one.run().path("steps").findValuesAsText("state").contains("uncertain") ? 1 : 0);
    }
  }

  long of(String what) {
    return outcomes.getOrDefault(what, 0L);
  }

  /** From the start of a process until it was ready. */
  void ready(Duration time) {
    readyMillis.add(time.toMillis());
  }

  /** From the start of a process until nothing was open. */
  void rest(Duration time) {
    restMillis.add(time.toMillis());
  }

  void print(String test, long seed) {
    System.out.println(test + " seed=" + seed + " " + outcomes + " ready_ms" + spread(readyMillis) + " rest_ms"
        + spread(restMillis));
  }

  private static String spread(List<Long> millis) {
    if (millis.isEmpty()) {
      return "(none)";
    }
    var sorted = millis.stream().sorted().toList();
    int last = sorted.size() - 1;
    return "(p50=" + sorted.get(last / 2) + " p99=" + sorted.get(last * 99 / 100) + " max=" + sorted.get(last) + ")";
  }
}
