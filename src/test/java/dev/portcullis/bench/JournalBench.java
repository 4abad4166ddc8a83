package dev.portcullis.bench;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import dev.portcullis.journal.EventTypes;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * How many events of 200 B and of 2 KB a second, by the number of persistent actors that each have one in flight: our journal
 * on LevelDB and on PostgreSQL against Pekko's own LevelDB plugin with fsync and pekko-persistence-jdbc on the same server,
 * in turns in the same process. Prints a Markdown table.
 */
@Tag("bench")
class JournalBench {

  static final EventTypes TYPES = EventTypes.builder().add("written", Writing.Written.class).build();

  private static final Duration WARM_UP = Duration.ofSeconds(2);
  private static final Duration WINDOW = Duration.ofSeconds(4);
  /** With so many actors one sync for each takes longer than the short window. */
  private static final Duration LONG_WINDOW = Duration.ofSeconds(12);
  private static final int MANY = 10_000;

  private record Load(int actors, int bytes) {}

  private record Measured(double perSecond, double p50Ms, double p99Ms, double perSync) {}

  public static void main(String[] arguments) throws Exception {
    run(Stream.of(arguments).map(Integer::valueOf).toList());
  }

  @Test
  void eventsPerSecondOfFourJournals() throws Exception {
    run(List.of(1, 100, 1000, MANY));
  }

  private static void run(List<Integer> actorCounts) throws Exception {
    ((Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)).setLevel(Level.WARN); // Tests capture DEBUG.
    try (var database = new Database()) {
      System.out.println("PostgreSQL " + database.query("show server_version")
          + ", fsync " + database.query("show fsync")
          + ", synchronous_commit " + database.query("show synchronous_commit"));
      for (var kind : JournalUnderTest.Kind.values()) { // Not counted: the compiler has seen each once.
        measure(kind, database, new Load(100, 200));
      }
      System.out.println("| size | actors | journal | events/s | p50 ms | p99 ms | events/sync |");
      System.out.println("|---|---|---|---|---|---|---|");
      for (int bytes : new int[] {200, 2_000}) {
        for (int actors : actorCounts) {
          for (var kind : JournalUnderTest.Kind.values()) {
            var found = measure(kind, database, new Load(actors, bytes));
            System.out.printf(Locale.ROOT, "| %d B | %d | %s | %.0f | %.2f | %.2f | %.1f |%n",
                bytes, actors, kind.words(), found.perSecond(), found.p50Ms(), found.p99Ms(), found.perSync());
          }
        }
      }
    }
  }

  private static Measured measure(JournalUnderTest.Kind kind, Database database, Load load) throws Exception {
    try (var journal = JournalUnderTest.open(kind, database)) {
      return measure(journal, load);
    }
  }

  private static Measured measure(JournalUnderTest journal, Load load) throws Exception {
    var latencies = new AtomicReference<>(new Latencies());
    var started = new CountDownLatch(load.actors() + 1);
    var all = new ConcurrentLinkedQueue<ActorRef<Writing.Write>>();
    var system = ActorSystem.create(writers(load, latencies, started, all), "bench", journal.setup());
    try {
      if (!started.await(120, TimeUnit.SECONDS)) {
        System.out.println(started.getCount() + " of " + load.actors() + " actors did not start");
      }
      all.forEach(each -> each.tell(new Writing.Write())); // Only now: recoveries would queue behind writes.
      Thread.sleep(WARM_UP);
      var window = new Latencies();
      long syncs = journal.syncs();
      latencies.set(window);
      long start = System.nanoTime();
      Thread.sleep(load.actors() < MANY ? WINDOW : LONG_WINDOW);
      latencies.set(new Latencies());
      double seconds = (System.nanoTime() - start) / 1e9;
      syncs = journal.syncs() - syncs;
      return new Measured(
          window.count() / seconds,
          ms(window.percentile(0.5)),
          ms(window.percentile(0.99)),
          journal.syncsEachEvent() ? 1 : (double) window.count() / Math.max(1, syncs));
    } finally {
      system.terminate();
      system.getWhenTerminated().toCompletableFuture().get(120, TimeUnit.SECONDS);
    }
  }

  private static Behavior<Void> writers(
      Load load,
      AtomicReference<Latencies> latencies,
      CountDownLatch started,
      ConcurrentLinkedQueue<ActorRef<Writing.Write>> all) {
    return Behaviors.setup(context -> {
      var ready = context.spawn(Behaviors.<String>receiveMessage(_ -> {
        started.countDown();
        return Behaviors.same();
      }), "ready");
      for (int i = 0; i < load.actors(); i++) {
        var counted = new Writing.Counted(latencies, ready, load.bytes());
        all.add(context.spawn(Writing.create("w-" + i, counted), "w-" + i));
      }
      started.countDown();
      return Behaviors.empty();
    });
  }

  private static double ms(Duration duration) {
    return duration.toNanos() / 1e6;
  }
}
