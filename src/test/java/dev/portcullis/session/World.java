package dev.portcullis.session;

import com.typesafe.config.ConfigFactory;
import dev.portcullis.alert.Alerts;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.HarnessActor;
import dev.portcullis.harness.Harnesses;
import dev.portcullis.journal.EventCodec;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.JournalFault;
import dev.portcullis.journal.JournalSetup;
import dev.portcullis.journal.MemoryDisk;
import dev.portcullis.run.Run;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.pekko.actor.BootstrapSetup;
import org.apache.pekko.actor.setup.ActorSystemSetup;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.japi.function.Function;

/** One life of a node: our journal over a disk in memory, one harness, timers and a clock that tests move. */
final class World implements AutoCloseable {
  static final EventCodec CODEC = new EventCodec(SessionEvent.TYPES);
  private static final Duration TICK = Duration.ofMillis(20);
  private static final long PATIENCE_NANOS = Duration.ofSeconds(10).toNanos();

  /** Shared by all lives: time goes on while nobody lives. */
  static final class TestClock extends Clock {
    private volatile Instant now = Settings.START;

    void advance(Duration time) {
      now = now.plus(time);
    }

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this; // Only instants are asked of it.
    }
  }

  final PlayedHarness harness = new PlayedHarness("echo");
  final Journal journal;
  final CompletableFuture<Object> fenced = new CompletableFuture<>();
  final TestClock clock;
  final ActorTestKit kit;
  final Transcripts transcripts;
  final Told alerts = new Told();
  final Underway underway = new Underway();
  final Harnesses registry = new Harnesses();
  private final VirtualScheduler timers;
  /** Off for those who compare the whole journal with what they have done: then no trim ever ends. */
  volatile boolean trims = true;
  /** Where blocking reads go; a test may hold them back. */
  volatile Executor reads = ForkJoinPool.commonPool();

  World(MemoryDisk disk, TestClock clock) {
    this(disk::open, clock);
  }

  World(java.util.function.Function<Consumer<JournalFault>, Journal> open, TestClock clock) {
    this.clock = clock;
    this.journal = open.apply(fenced::complete);
    var config = ConfigFactory.parseString("""
        pekko.persistence.journal.plugin = portcullis.persistence.journal
        pekko.persistence.snapshot-store.plugin = portcullis.persistence.snapshot-store
        pekko.actor.provider = local
        pekko.scheduler.implementation = "dev.portcullis.session.VirtualScheduler"
        pekko.loggers = ["org.apache.pekko.event.slf4j.Slf4jLogger"]
        pekko.logging-filter = "org.apache.pekko.event.slf4j.Slf4jLoggingFilter"
        pekko.loglevel = WARNING
        pekko.actor.testkit.typed.filter-leeway = 20s
        # Hours pass while a write is under way here.
        portcullis.persistence.journal { circuit-breaker.call-timeout = 300d, recovery-event-timeout = 300d }
        portcullis.persistence.snapshot-store.circuit-breaker.call-timeout = 300d
        """).withFallback(ConfigFactory.load());
    var setup = ActorSystemSetup.create(
        BootstrapSetup.create(config), new JournalSetup(journal, SessionEvent.TYPES));
    this.kit = ActorTestKit.create(ActorSystem.create(Behaviors.empty(), "model", setup));
    this.timers = (VirtualScheduler) kit.system().classicSystem().scheduler();
    this.transcripts = new Transcripts(journal, task -> reads.execute(task)) {
      @Override
      CompletionStage<Long> trim(String entityId, Trimming.Limits limits) {
        return trims ? super.trim(entityId, limits) : new CompletableFuture<>();
      }
    };
    kit.spawn(HarnessActor.create(new HarnessConfig.Echo("echo"), harness, registry, alerts, clock));
    kit.spawn(HarnessActor.create(new HarnessConfig.Echo("spare"), harness.beside("spare"), registry, alerts, clock));
    await(() -> registry.ready().equals(List.of("echo", "spare")));
  }

  /** Remembers the topics; says nothing. */
  static final class Told implements Alerts {
    final List<String> raised = new CopyOnWriteArrayList<>();
    final List<String> resolved = new CopyOnWriteArrayList<>();

    @Override
    public String raise(String topic, String text) {
      raised.add(topic);
      return "reference";
    }

    @Override
    public void resolve(String topic, String text) {
      resolved.add(topic);
    }
  }

  Quarantine quarantine(ActorRef<Directory.Command> directory, SessionIndex.Found found) {
    return new Quarantine(journal, ForkJoinPool.commonPool(), alerts, clock, directory, found);
  }

  SessionNode node(
      GatewayConfig config,
      Gate gate,
      long incarnation,
      boolean autoResume,
      ActorRef<Directory.Command> directory,
      Quarantine quarantine) {
    return new SessionNode(
        config,
        gate,
        new Run.Parts(config.run(), registry, alerts),
        incarnation,
        autoResume,
        underway,
        directory,
        transcripts,
        quarantine,
        clock);
  }

  /** The clock and the timers jump at the same time. */
  void jump(Duration time) {
    clock.advance(time);
    timers.advance(time);
  }

  /** Moves the timers, and only them, in small steps until {@code condition} holds or the node is fenced. */
  boolean await(BooleanSupplier condition) {
    long until = System.nanoTime() + PATIENCE_NANOS;
    for (int i = 0; !condition.getAsBoolean(); i++) {
      if (fenced.isDone()) {
        throw new Subject.Fenced();
      }
      if (System.nanoTime() > until) {
        return false;
      }
      if (i < 30 || i % 30 == 0) { // Coalescing needs 220 ms of them; more would fire what is not meant.
        timers.advance(TICK);
      }
      LockSupport.parkNanos(i < 100 ? 50_000 : 1_000_000);
    }
    return true;
  }

  <C, R> R ask(ActorRef<C> actor, Function<ActorRef<R>, C> question) {
    var answer = AskPattern.<C, R>ask(actor, question, Duration.ofDays(300), kit.system().scheduler())
        .toCompletableFuture();
    await(answer::isDone);
    if (!answer.isDone()) {
      throw new AssertionError("no answer");
    }
    if (answer.isCompletedExceptionally()) {
      await(() -> false); // The session stopped a moment before the node knew why.
    }
    return answer.join();
  }

  List<SessionEvent> events(String entityId) {
    var events = new ArrayList<SessionEvent>();
    transcripts.read(entityId, 1, Long.MAX_VALUE, Long.MAX_VALUE, (_, event) -> events.add(event));
    return events;
  }

  @Override
  public void close() {
    kit.system().terminate();
    journal.close();
  }
}
