package dev.portcullis.bench;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import com.typesafe.config.ConfigFactory;
import dev.portcullis.alert.Alerts;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.harness.Harnesses;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.JournalSettings;
import dev.portcullis.journal.JournalSetup;
import dev.portcullis.run.Run;
import dev.portcullis.session.Directory;
import dev.portcullis.session.Gate;
import dev.portcullis.session.Quarantine;
import dev.portcullis.session.SeededSessions;
import dev.portcullis.session.Session;
import dev.portcullis.session.SessionEvent;
import dev.portcullis.session.SessionIndex;
import dev.portcullis.session.SessionNode;
import dev.portcullis.session.Transcripts;
import dev.portcullis.session.Underway;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.pekko.actor.BootstrapSetup;
import org.apache.pekko.actor.setup.ActorSystemSetup;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.SpawnProtocol;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/**
 * Questions: how often can this disk sync at all; how long do 1 000, 10 000 and 100 000 sessions take to recover; how long
 * does the index take to read with 100 000 sessions of which 500 have open runs,
 * and how soon is a gateway on them ready.
 */
@Tag("bench")
final class RecoveryBench {
  private static final int TURNS = 10;
  private static final int AT_ONCE = 200;
  private static final int MANY = 100_000;
  private static final int OPEN = 500;
  private static final Path LAUNCHER = Path.of("bin", "portcullis").toAbsolutePath();

  @TempDir Path scratch;

  @BeforeAll
  static void quiet() {
    ((Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)).setLevel(Level.WARN); // Tests capture DEBUG.
  }

  @Test
  void syncsPerSecondOfTheDisk() throws IOException {
    var options = Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try (var file = FileChannel.open(scratch.resolve("sync"), options)) {
      var block = ByteBuffer.allocate(8192);
      long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
      var took = new ArrayList<Long>();
      while (System.nanoTime() < until) {
        long start = System.nanoTime();
        file.write(block.clear());
        file.force(false);
        took.add(System.nanoTime() - start);
      }
      took.sort(Long::compare);
      System.out.printf(Locale.ROOT, "%n8 KiB + fdatasync: %.0f/s, p50 %.3f ms, p99 %.3f ms%n",
          took.size() / 5.0, took.get(took.size() / 2) / 1e6, took.get(took.size() * 99 / 100) / 1e6);
    }
  }

  @Test
  void sessionsRecoveredPerSecond() throws Exception {
    try (var journal = open(scratch.resolve("many"))) {
      seed(journal, MANY, 0);
      System.out.printf("%n| sessions of %d turns | s | sessions/s |%n|---|---|---|%n", TURNS);
      int from = 0;
      for (int count : new int[] {1_000, 10_000, MANY - 11_000}) {
        double seconds = recover(journal, from, count);
        System.out.printf(Locale.ROOT, "| %d | %.2f | %.0f |%n", count, seconds, count / seconds);
        from += count;
      }
    }
  }

  @Test
  void bootWithAHundredThousandSessions() throws Exception {
    var data = scratch.resolve("boot");
    try (var journal = open(data)) {
      seed(journal, MANY, OPEN);
    }
    for (int i = 0; i < 3; i++) {
      long start = System.nanoTime();
      try (var journal = open(data)) {
        double opened = since(start);
        start = System.nanoTime();
        int open = SessionIndex.open(journal).size();
        double scanned = since(start);
        start = System.nanoTime();
        int rows = SessionIndex.rows(journal).size();
        System.out.printf(Locale.ROOT, "open %.0f ms, index of %d open sessions %.1f ms, %d rows %.0f ms%n",
            opened, open, scanned, rows, since(start));
      }
    }
    for (int i = 0; i < 3; i++) { // The first one decides about the open runs; the others find them ended.
      System.out.printf("gateway ready after %d ms%n", ready(data));
    }
  }

  private static Journal open(Path directory) {
    return Journal.open(
        new JournalSettings(
            directory, new JournalSettings.LevelDb(JournalSettings.Implementation.NATIVE), 0), Throwable::printStackTrace);
  }

  private static void seed(Journal journal, int sessions, int open) {
    var seeded = new SeededSessions(journal);
    var under = new Semaphore(2_000);
    for (int i = 0; i < sessions; i++) {
      under.acquireUninterruptibly();
      seeded.write(i, TURNS, i < open).whenComplete((_, _) -> under.release());
    }
    under.acquireUninterruptibly(2_000);
  }

  /** Starts sessions until all have decided about what was open, some at a time, and stops them. */
  private static double recover(Journal journal, int from, int count) throws Exception {
    var config = ConfigFactory.parseString("""
        pekko { log-dead-letters = off, loglevel = WARNING, actor.provider = local }
        pekko.persistence.journal.plugin = portcullis.persistence.journal
        pekko.persistence.snapshot-store.plugin = portcullis.persistence.snapshot-store
        pekko.persistence.max-concurrent-recoveries = 100
        """).withFallback(ConfigFactory.load());
    var setup = ActorSystemSetup.create(
        BootstrapSetup.create(config), new JournalSetup(journal, SessionEvent.TYPES));
    var system = ActorSystem.create(SpawnProtocol.create(), "bench", setup);
    try (var reads = Executors.newVirtualThreadPerTaskExecutor()) {
      var node = node(journal, system, reads);
      long start = System.nanoTime();
      var under = new Semaphore(AT_ONCE);
      for (int i = from; i < from + count; i++) {
        under.acquireUninterruptibly();
        var session = SeededSessions.key(i).entityId();
        spawn(system, session, node)
            .thenCompose(actor -> AskPattern.<Session.Command, Session.Recovered>ask(
                actor, Session.Recover::new, Duration.ofMinutes(5), system.scheduler()))
            .whenComplete((_, _) -> under.release());
      }
      under.acquireUninterruptibly(AT_ONCE);
      return since(start) / 1000;
    } finally {
      system.terminate();
      system.getWhenTerminated().toCompletableFuture().get(120, TimeUnit.SECONDS);
    }
  }

  private static CompletableFuture<ActorRef<Session.Command>> spawn(
      ActorSystem<SpawnProtocol.Command> system, String session, SessionNode node) {
    return AskPattern.<SpawnProtocol.Command, ActorRef<Session.Command>>ask(
            system,
            replyTo -> new SpawnProtocol.Spawn<>(
                Session.create(session, system.ignoreRef(), node), session, Props.empty(), replyTo),
            Duration.ofMinutes(5),
            system.scheduler())
        .toCompletableFuture();
  }

  private static SessionNode node(
      Journal journal, ActorSystem<SpawnProtocol.Command> system, Executor reads) {
    var config = GatewayConfig.from(ConfigFactory.parseFile(new File("conf/application.conf")).resolve());
    var directory = AskPattern.<SpawnProtocol.Command, ActorRef<Directory.Command>>ask(
            system,
            replyTo -> new SpawnProtocol.Spawn<>(Directory.create(List.of()), "directory", Props.empty(), replyTo),
            Duration.ofMinutes(1),
            system.scheduler())
        .toCompletableFuture()
        .join();
    return new SessionNode(
        config,
        new Gate(),
        new Run.Parts(config.run(), new Harnesses(), silent()),
        2,
        false,
        new Underway(),
        directory,
        new Transcripts(journal, reads),
        new Quarantine(
            journal, reads, silent(), Clock.systemUTC(), directory,
            new SessionIndex.Found(List.of(), List.of(), Map.of(), List.of())),
        Clock.systemUTC());
  }

  private static Alerts silent() {
    return new Alerts() {
      @Override
      public String raise(String topic, String text) {
        return "reference";
      }

      @Override
      public void resolve(String topic, String text) {}
    };
  }

  private static long ready(Path data) throws IOException, InterruptedException {
    long start = System.nanoTime();
    var process = new ProcessBuilder(
        LAUNCHER.toString(), "serve", "--data", data.toString(), "--port", "0", "--management-port", "0")
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start();
    try {
      while (!Files.exists(data.resolve("run").resolve("addresses.json"))) {
        if (!process.isAlive()) {
          throw new IllegalStateException("the gateway ended with " + process.exitValue());
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
      }
      return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
    } finally {
      process.destroy();
      process.waitFor();
    }
  }

  private static double since(long start) {
    return (System.nanoTime() - start) / 1e6;
  }
}
