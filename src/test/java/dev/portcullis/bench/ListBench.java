package dev.portcullis.bench;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import dev.portcullis.boot.WholeGateway;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.JournalSettings;
import dev.portcullis.session.SeededSessions;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/**
 * Questions: how long does a page of 100 of the list take over HTTP with 100 000 sessions, whole, deep in it, and of the few
 * that are active or another agent's; how long does a viewer take to get all rows, and to come back. Gateway and client share
 * the process, which has only just begun to be compiled.
 */
@Tag("bench")
final class ListBench {
  private static final int SESSIONS = 100_000;
  private static final int FEW = 20;
  private static final int WARM_UP = 200;
  private static final int CALLS = 1_000;

  @TempDir Path scratch;

  @BeforeAll
  static void quiet() {
    ((Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)).setLevel(Level.WARN); // Tests capture DEBUG.
  }

  @Test
  void aPageOfAHundred() {
    try (var journal = Journal.open(
        new JournalSettings(scratch, new JournalSettings.LevelDb(JournalSettings.Implementation.NATIVE), 0),
        Throwable::printStackTrace)) {
      var seeded = new SeededSessions(journal);
      var under = new Semaphore(2_000);
      for (int i = 0; i < SESSIONS; i++) {
        under.acquireUninterruptibly();
        seeded.write(i, 1, false).whenComplete((_, _) -> under.release());
      }
      under.acquireUninterruptibly(2_000);
    }
    try (var gateway = new WholeGateway(scratch, Map.of("portcullis.agents.second.harness", "echo"))) {
      for (int i = 0; i < FEW; i++) {
        gateway.submit("active-" + i, "[[echo hang]] hello");
        gateway.submit("agent%3Asecond%3Aexplicit%3A" + i, "hello");
      }
      var deep = "";
      for (int i = 0; i < SESSIONS / 500 / 2; i++) {
        deep = "&cursor=" + gateway.get("/api/v1/sessions?limit=500" + deep).path("nextCursor").asText();
      }
      System.out.printf("%n| page of 100 of %d | rows | p50 ms | p99 ms | slowest ms |%n|---|---|---|---|---|%n", SESSIONS);
      page(gateway, "first", "");
      page(gateway, "in the middle", deep);
      page(gateway, "of the agent with all", "&agent=main");
      page(gateway, "of the agent with 20", "&agent=second");
      page(gateway, "active", "&active=true");
      page(gateway, "active, of one agent", "&active=true&agent=main");
      for (int i = 0; i < 3; i++) {
        viewer(gateway);
      }
    }
  }

  private static void page(WholeGateway gateway, String what, String query) {
    var took = new long[CALLS];
    int rows = 0;
    for (int i = -WARM_UP; i < CALLS; i++) {
      long start = System.nanoTime();
      rows = gateway.get("/api/v1/sessions?limit=100" + query).path("data").size();
      if (i >= 0) {
        took[i] = System.nanoTime() - start;
      }
    }
    java.util.Arrays.sort(took);
    System.out.printf(Locale.ROOT, "| %s | %d | %.2f | %.2f | %.2f |%n",
        what, rows, took[CALLS / 2] / 1e6, took[CALLS * 99 / 100] / 1e6, took[CALLS - 1] / 1e6);
  }

  private static void viewer(WholeGateway gateway) {
    long start = System.nanoTime();
    int rows = 0;
    String id;
    try (var frames = gateway.frames("/api/v1/sessions/events", Optional.empty())) {
      var each = frames.iterator();
      var frame = each.next();
      for (; !frame.event().equals("snapshot.end"); frame = each.next()) {
        rows++;
      }
      id = frame.id();
    }
    double all = (System.nanoTime() - start) / 1e6;
    start = System.nanoTime();
    try (var frames = gateway.frames("/api/v1/sessions/events", Optional.of(id))) {
      frames.limit(2).forEach(_ -> { });
    }
    System.out.printf(Locale.ROOT, "viewer: %d rows in %.0f ms, back again in %.2f ms%n",
        rows - 1, all, (System.nanoTime() - start) / 1e6);
  }
}
