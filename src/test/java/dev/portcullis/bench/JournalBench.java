package dev.portcullis.bench;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import dev.portcullis.journal.EventTypes;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.JournalSettings;
import dev.portcullis.journal.JournalSetup;
import dev.portcullis.journal.PostgresServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.apache.pekko.actor.BootstrapSetup;
import org.apache.pekko.actor.setup.ActorSystemSetup;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * How many events of 200 B a second, by the number of persistent actors that each have one in flight: our
 * journal against Pekko's own LevelDB plugin with fsync, in turns in the same process. Prints a Markdown
 * table.
 */
@Tag("bench")
class JournalBench {

  private static final Duration WARM_UP = Duration.ofSeconds(2);
  private static final Duration WINDOW = Duration.ofSeconds(4);
  /** With so many actors one sync for each takes longer than the short window. */
  private static final Duration LONG_WINDOW = Duration.ofSeconds(12);
  private static final int MANY = 10_000;
  private static final EventTypes TYPES = EventTypes.builder().add("written", Writing.Written.class).build();

  private record Measured(double perSecond, double p50Ms, double p99Ms, double perSync) {}

  public static void main(String[] arguments) throws Exception {
    run(Stream.of(arguments).map(Integer::valueOf).toList());
  }

  @Test
  void eventsPerSecondOfOursAndOfPekkos() throws Exception {
    run(List.of(1, 100, 1000, MANY));
  }

  /** Both on one server that syncs; with fsync off the figures would be of another thing. */
  @Test
  void eventsPerSecondInADatabaseOfOursAndOfPekkos() throws Exception {
    quiet();
    try (var server = PostgresServer.start(Map.of("fsync", "on", "synchronous_commit", "on"))) {
      var url = PostgresServer.url(server.getPort());
      table(List.of(1, 100, 1000, MANY), actors -> oursInPostgres(url, actors), actors -> pekkosJdbc(url, actors));
    }
  }

  /** One way to keep events, to be measured with so many actors. */
  private interface Candidate {
    Measured measure(int actors) throws Exception;
  }

  private static void run(List<Integer> actorCounts) throws Exception {
    quiet();
    table(actorCounts, JournalBench::ours, JournalBench::pekkos);
  }

  private static void quiet() {
    ((Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME)).setLevel(Level.WARN); // Tests capture DEBUG.
  }

  private static void table(List<Integer> actorCounts, Candidate our, Candidate their) throws Exception {
    our.measure(100); // Not counted: the compiler has seen both once.
    their.measure(100);
    System.out.println("| actors | ours: events/s | p50 ms | p99 ms | events/sync "
        + "| Pekko's: events/s | p50 ms | p99 ms | ratio |");
    System.out.println("|---|---|---|---|---|---|---|---|---|");
    for (int actors : actorCounts) {
      var ours = our.measure(actors);
      var theirs = their.measure(actors);
      System.out.printf(
          Locale.ROOT, "| %d | %.0f | %.2f | %.2f | %.1f | %.0f | %.2f | %.2f | %.1f |%n",
          actors, ours.perSecond(), ours.p50Ms(), ours.p99Ms(), ours.perSync(),
          theirs.perSecond(), theirs.p50Ms(), theirs.p99Ms(), ours.perSecond() / theirs.perSecond());
    }
  }

  private static Measured ours(int actors) throws Exception {
    return ours(new JournalSettings.LevelDb(JournalSettings.Implementation.NATIVE), actors);
  }

  private static Measured oursInPostgres(String url, int actors) throws Exception {
    return ours(PostgresServer.store(url, PostgresServer.freshSchema(), "bench", Duration.ofSeconds(30)), actors);
  }

  /** Its buffer is raised, or it would fail every write beyond a thousand at once. */
  private static Measured pekkosJdbc(String url, int actors) throws Exception {
    try (var connection = DriverManager.getConnection(url, PostgresServer.USER, "");
        var statement = connection.createStatement();
        var script = JournalBench.class.getResourceAsStream("/schema/postgres/postgres-create-schema.sql")) {
      statement.execute("drop schema public cascade; create schema public");
      for (var each : new String(script.readAllBytes(), StandardCharsets.UTF_8).split(";")) {
        statement.execute(each); // One by one: an index is made concurrently.
      }
    }
    var config = ConfigFactory.parseString("""
        pekko.persistence.journal.plugin = jdbc-journal
        jdbc-journal {
          bufferSize = 100000
          circuit-breaker.call-timeout = 120s
          recovery-event-timeout = 120s
          slick {
            profile = "slick.jdbc.PostgresProfile$"
            db {
              url = "URL"
              user = USER
              password = ""
              driver = org.postgresql.Driver
              numThreads = 8
              maxConnections = 8
              queueSize = 100000
            }
          }
        }
        """.replace("URL", url).replace("USER", PostgresServer.USER));
    return measure(ActorSystemSetup.create(bootstrap(config), TYPES), actors);
  }

  private static Measured ours(JournalSettings.Store store, int actors) throws Exception {
    var directory = Files.createTempDirectory("journal-bench");
    var settings = new JournalSettings(directory, store, 0);
    try (var journal = Journal.open(settings, Throwable::printStackTrace)) {
      var config =
          ConfigFactory.parseString("pekko.persistence.journal.plugin = portcullis.persistence.journal");
      var setup = ActorSystemSetup.create(bootstrap(config), new JournalSetup(journal, TYPES));
      var measured = measure(setup, actors);
      var stats = journal.stats();
      double perSync = (double) stats.events() / stats.batches();
      return new Measured(measured.perSecond(), measured.p50Ms(), measured.p99Ms(), perSync);
    } finally {
      delete(directory);
    }
  }

  private static Measured pekkos(int actors) throws Exception {
    var directory = Files.createTempDirectory("journal-bench");
    var config = ConfigFactory.parseString("""
        pekko.persistence.journal {
          plugin = pekko.persistence.journal.leveldb
          leveldb {
            native = on
            fsync = on
            circuit-breaker.call-timeout = 120s
            recovery-event-timeout = 120s
          }
        }
        """).withFallback(ConfigFactory.parseMap(
            Map.of("pekko.persistence.journal.leveldb.dir", directory.toString())));
    try {
      return measure(ActorSystemSetup.create(bootstrap(config), TYPES), actors);
    } finally {
      delete(directory);
    }
  }

  private static BootstrapSetup bootstrap(Config config) {
    return BootstrapSetup.create(ConfigFactory.parseString("""
        pekko { log-dead-letters = off, loglevel = WARNING, actor.provider = local }
        """).withFallback(config).withFallback(ConfigFactory.load()));
  }

  private static Measured measure(ActorSystemSetup setup, int actors) throws Exception {
    var latencies = new AtomicReference<>(new Latencies());
    var started = new CountDownLatch(actors + 1);
    var all = new ConcurrentLinkedQueue<ActorRef<Writing.Write>>();
    Behavior<Void> guardian = Behaviors.setup(context -> {
      var ready = context.spawn(Behaviors.<String>receiveMessage(_ -> {
        started.countDown();
        return Behaviors.same();
      }), "ready");
      for (int i = 0; i < actors; i++) {
        all.add(context.spawn(Writing.create("w-" + i, new Writing.Counted(latencies, ready)), "w-" + i));
      }
      started.countDown();
      return Behaviors.empty();
    });
    var system = ActorSystem.create(guardian, "bench", setup);
    try {
      if (!started.await(120, TimeUnit.SECONDS)) {
        System.out.println(started.getCount() + " of " + actors + " actors did not start");
      }
      all.forEach(each -> each.tell(new Writing.Write())); // Only now: recoveries would queue behind writes.
      Thread.sleep(WARM_UP);
      var window = new Latencies();
      latencies.set(window);
      long start = System.nanoTime();
      Thread.sleep(actors < MANY ? WINDOW : LONG_WINDOW);
      latencies.set(new Latencies());
      double seconds = (System.nanoTime() - start) / 1e9;
      return new Measured(
          window.count() / seconds, ms(window.percentile(0.5)), ms(window.percentile(0.99)), Double.NaN);
    } finally {
      system.terminate();
      system.getWhenTerminated().toCompletableFuture().get(120, TimeUnit.SECONDS);
    }
  }

  private static double ms(Duration duration) {
    return duration.toNanos() / 1e6;
  }

  private static void delete(Path directory) throws IOException {
    try (var tree = Files.walk(directory)) {
      for (var path : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
