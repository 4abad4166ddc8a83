package dev.portcullis.boot;

import dev.portcullis.cluster.Membership;
import dev.portcullis.config.Build;
import dev.portcullis.config.ConfigFault;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.harness.Harnesses;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Register;
import dev.portcullis.ingress.listener.IngressListener;
import dev.portcullis.journal.JournalFault;
import dev.portcullis.ops.ManagementServer;
import dev.portcullis.ops.Measured;
import dev.portcullis.ops.Metrics;
import dev.portcullis.session.Gate;
import dev.portcullis.session.Session;
import dev.portcullis.session.SessionIndex;
import dev.portcullis.session.SessionKey;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.FileSystemException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.SelfUp;
import org.apache.pekko.cluster.typed.Subscribe;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens the gate when everything behind it stands, and closes it in reverse: Configuring, OpeningJournal,
 * AwaitingHarnesses, Recovering, Open, Draining, Stopped; or a fatal exit from any of them.
 */
final class Guardian {
  // ---- protocol
  sealed interface Command {}

  /** A planned stop; asked again it loses patience. {@code by} is a signal or a principal. */
  record Drain(String by) implements Command {}

  /** The journal can't be trusted any more. */
  record Fence(JournalFault fault) implements Command {}

  private record ManagementBound(ManagementServer.Bound port) implements Command {}

  private record Opened(Premises premises) implements Command {}

  private record MemberUp() implements Command {}

  /** The others do not count this node among them any more. */
  private record MemberGone() implements Command {}

  private record RegistryChanged() implements Command {}

  private record BootDeadlinePassed() implements Command {}

  private record Indexed(SessionIndex.Found found) implements Command {}

  private record Recovered(Session.Recovered runs) implements Command {}

  private record IngressBound(IngressListener port) implements Command {}

  private record Tick() implements Command {}

  private record HealthDue() implements Command {}

  private record Drained(Draining.Drained result) implements Command {}

  private record Closed() implements Command {}

  private record Fatal(Exit exit, String message) implements Command {}

  private static final Duration TICK = Duration.ofMillis(250);
  /** An agent without a turn leaves when its standard input closes; the drain's grace was for the others. */
  private static final Duration IDLE_HARNESS = Duration.ofSeconds(3);
  private static final Duration EXTENSION = Duration.ofSeconds(15);
  private static final Duration CLOSE = Duration.ofSeconds(3);

  private static final Logger LOG = LoggerFactory.getLogger(Guardian.class);

  private final ActorContext<Command> context;
  private final TimerScheduler<Command> timers;
  private final World world;
  private final GatewayConfig config;
  private final Gate gate = new Gate();
  private final Harnesses harnesses = new Harnesses();
  private final Standing standing;
  private final Barrier barrier;
  private final HarnessFleet fleet;
  private final Membership membership;
  private final AtomicReference<Optional<Watch>> served = new AtomicReference<>(Optional.empty());
  private boolean memberUp;
  private List<String> stopWantedBy = List.of();
  /** Tells those who wait for an answer that none will come; nobody does before the port is bound. */
  private Runnable fenceIngress = () -> { };

  // ---- behaviour
  static Behavior<Command> create(World world) {
    return Behaviors.setup(context ->
        Behaviors.withTimers(timers -> new Guardian(context, timers, world).binding()));
  }

  private Guardian(ActorContext<Command> context, TimerScheduler<Command> timers, World world) {
    this.context = context;
    this.timers = timers;
    this.world = world;
    this.config = world.config();
    var self = context.getSelf();
    this.standing = new Standing(
        harnesses, gate, Build.current().version(), world.clock(), by -> self.tell(new Drain(by)));
    this.fleet = new HarnessFleet(context);
    this.barrier = new Barrier(harnesses, config.declared().size());
    var cluster = Cluster.get(context.getSystem());
    cluster.subscriptions().tell(Subscribe.create(
        context.messageAdapter(SelfUp.class, _ -> new MemberUp()), SelfUp.class));
    this.membership = new Membership(context.getSystem(), config.cluster());
    membership.onRemoved(() -> self.tell(new MemberGone()));
    if (!config.cluster().enabled()) {
      membership.join();
    }
  }

  private Behavior<Command> binding() {
    pipe(
        ManagementServer.bind(context.getSystem(), config.management(), standing, new Metrics(),
            this::measure),
        ManagementBound::new,
        Exit.TEMPORARY,
        "management port " + config.management().host() + ":" + config.management().port()
            + " cannot be bound");
    return Behaviors.receiveMessage(command -> switch (command) {
      case ManagementBound(var port) -> {
        context.getLog().info("boot.management http={}", AddressesFile.url(port.address()));
        yield opening(port);
      }
      case Command other -> anywhere(other);
    });
  }

  private Behavior<Command> opening(ManagementServer.Bound management) {
    standing.enter(Standing.Phase.OPENING_JOURNAL);
    var self = context.getSelf();
    context.pipeToSelf(
        blocking(() -> {
          try {
            return Premises.open(config, membership.node(), fault -> self.tell(new Fence(fault)),
                world.random(), world.clock().instant());
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }),
        (premises, failure) -> failure == null ? new Opened(premises) : unopened(failure));
    return Behaviors.receiveMessage(command -> switch (command) {
      case Opened(var premises) -> {
        world.journal().complete(premises.journal());
        standing.incarnation(premises.incarnation());
        yield awaiting(House.Ground.of(world, management, premises));
      }
      case Command other -> anywhere(other);
    });
  }

  private static Fatal unopened(Throwable failure) {
    var cause = failure.getCause() == null ? failure : failure.getCause();
    return switch (cause) {
      case JournalFault fault -> new Fatal(Exit.of(fault), String.valueOf(fault.getMessage()));
      case ConfigFault fault ->
          new Fatal(Exit.CONFIGURATION, String.valueOf(fault.getMessage()));
      // Names its path; an error of the disk itself does not.
      case UncheckedIOException io when io.getCause() instanceof FileSystemException ->
          new Fatal(Exit.CANNOT_CREATE, String.valueOf(io.getMessage()));
      case UncheckedIOException io ->
          new Fatal(Exit.JOURNAL, "the disk of the data directory fails: " + io.getMessage());
      case Throwable bug -> new Fatal(Exit.BUG, bug.toString());
    };
  }

  private Behavior<Command> awaiting(House.Ground ground) {
    standing.enter(Standing.Phase.AWAITING_HARNESSES);
    context.getLog()
        .info("boot.awaiting harnesses={}", config.declared().keySet().stream().sorted().toList());
    var self = context.getSelf();
    harnesses.subscribe(() -> self.tell(new RegistryChanged()));
    fleet.start(world, harnesses, ground.premises());
    if (config.cluster().enabled()) {
      membership.join();
    }
    timers.startSingleTimer(BootDeadlinePassed.class, new BootDeadlinePassed(), config.boot().deadline());
    timers.startTimerWithFixedDelay(Tick.class, new Tick(), TICK);
    self.tell(new RegistryChanged());
    return Behaviors.receiveMessage(command -> switch (command) {
      case RegistryChanged _, MemberUp _ -> {
        memberUp = memberUp || command instanceof MemberUp;
        yield memberUp && barrier.stands()
            ? recovering(ground)
            : barrier.hopeless() ? refuse(Exit.CONFIGURATION) : Behaviors.same();
      }
      case BootDeadlinePassed _ -> refuse(Exit.TEMPORARY);
      case Command other -> anywhere(other);
    });
  }

  private Behavior<Command> refuse(Exit exit) {
    barrier.complaints().forEach(line -> context.getLog().error("[gateway] CRITICAL: {}", line));
    if (!memberUp) {
      context.getLog().error("boot.member_not_up this node did not join its cluster in time");
    }
    return fatal(exit, "the gate stays closed, missing: " + harnesses.missing()
        + "; the ingress port was never open");
  }

  private Behavior<Command> recovering(House.Ground ground) {
    standing.enter(Standing.Phase.RECOVERING);
    timers.cancel(BootDeadlinePassed.class);
    var premises = ground.premises();
    if (premises.looping()) {
      world.alerts()
          .raise("boot.loop", config.boot().loopLimit() + " boots within " + config.boot().loopWindow()
          + " and no run succeeded: interrupted runs are parked; `portcullis runs resume ID` goes on");
    }
    pipe(ground.index().get(), Indexed::new, Exit.JOURNAL, "the journal's index cannot be read");
    return Behaviors.receiveMessage(command -> switch (command) {
      case Indexed(var found) ->
          deciding(House.build(context, world, ground, gate, harnesses, found), found.open());
      case Command other -> anywhere(other);
    });
  }

  private Behavior<Command> deciding(House house, List<SessionKey> open) {
    pipe(
        house.recover(context.getSystem(), world, open, this::unreadable)
            .thenCompose(runs -> house.ground().premises().passBarrier().thenApply(_ -> runs)),
        Recovered::new,
        Exit.JOURNAL,
        "open runs cannot be recovered");
    return Behaviors.receiveMessage(command -> switch (command) {
      case Recovered(var runs) -> {
        context.getLog().info("recovery.found open={} resumed={} parked={} reaped_processes={}",
            runs.open(), runs.resumed(), runs.parked(), house.ground().premises().reaped());
        yield openingGate(house);
      }
      case Drain(var by) -> remembered(by);
      case Command other -> anywhere(other);
    });
  }

  private void unreadable(SessionKey session) {
    world.alerts().raise("session." + session.entityId(),
        "session " + session.entityId()
            + " could not be woken in time; the log may say why");
  }

  private Behavior<Command> openingGate(House house) {
    var premises = house.ground().premises();
    var edge = Edge.of(
        config,
        house.sessions(),
        harnesses,
        standing,
        premises.credentials(),
        Register.of(premises.journal(), "device", world.blocking()),
        world.clock(),
        world.random());
    pipe(
        IngressListener.bind(context.getSystem(), edge),
        IngressBound::new,
        Exit.TEMPORARY,
        "ingress port " + config.http().host() + ":" + config.http().port() + " cannot be bound");
    return Behaviors.receiveMessage(command -> switch (command) {
      case IngressBound(var port) -> {
        fenceIngress = port::fence;
        yield stopWantedBy.isEmpty() ? open(house, port) : draining(house, port, stopWantedBy.getFirst());
      }
      case Drain(var by) -> remembered(by);
      case Command other -> anywhere(other);
    });
  }

  /** Runs have been resumed already: the stop waits for the moment at which it can be an orderly one. */
  private Behavior<Command> remembered(String by) {
    stopWantedBy = List.of(by);
    return Behaviors.same();
  }

  private Behavior<Command> open(House house, IngressListener ingress) {
    var http = AddressesFile.url(ingress.address());
    try {
      addresses().write(http, AddressesFile.url(house.ground().management().address()),
          house.ground().premises().incarnation());
    } catch (IOException e) {
      return fatal(Exit.CANNOT_CREATE, addresses().path() + " cannot be written: " + e.getMessage());
    }
    gate.moveTo(Gate.State.OPEN);
    standing.enter(Standing.Phase.OPEN);
    world.service().ready();
    context.getLog().info(
        "boot.open http={} took_ms={}", http.substring("http://".length()), sinceStart().toMillis());
    context.getLog().info("boot.token file={}", config.data().resolve("token"));
    var watch = new Watch(house, harnesses, world.alerts(), world.clock());
    served.set(Optional.of(watch));
    house.sweep(context, world, gate);
    timers.startTimerWithFixedDelay(HealthDue.class, new HealthDue(), Duration.ZERO, config.healthInterval());
    return Behaviors.receiveMessage(command -> switch (command) {
      case Tick _ -> {
        look();
        yield Behaviors.same();
      }
      case HealthDue _ -> {
        watch.logHealth();
        yield Behaviors.same();
      }
      case Drain(var by) -> draining(house, ingress, by);
      case Command other -> anywhere(other);
    });
  }

  private Behavior<Command> draining(House house, IngressListener ingress, String by) {
    gate.moveTo(Gate.State.DRAINING);
    standing.draining(by);
    ingress.draining();
    world.service().stopping();
    context.getLog().info("drain.started by={} deadline_s={}", by, config.drain().deadline().toSeconds());
    var journal = house.ground().premises().journal();
    blocking(() -> {
      journal.releaseReserve();
      return true;
    }).exceptionally(failure -> {
      LOG.warn("drain.reserve_kept cause={}", failure.toString());
      return false;
    });
    var order = new Draining.Order("restart", config.drain(), world.service());
    var drain = context.spawn(
        Draining.create(order, journal::barrier, house.region(), house.underway(), standing, world.clock(),
            context.messageAdapter(Draining.Drained.class, Drained::new)),
        "drain");
    return Behaviors.receiveMessage(command -> switch (command) {
      case Drain _ -> {
        drain.tell(new Draining.Hurry());
        yield Behaviors.same();
      }
      case Drained _ -> closing(house, ingress);
      case Tick _ -> {
        look();
        yield Behaviors.same();
      }
      case HealthDue _ -> {
        served.get().ifPresent(Watch::logHealth);
        yield Behaviors.same();
      }
      case Command other -> anywhere(other);
    });
  }

  private Behavior<Command> closing(House house, IngressListener ingress) {
    timers.cancelAll();
    pipe(
        fleet.stop(IDLE_HARNESS)
            .thenCompose(_ -> ingress.close(CLOSE))
            // Whoever stops as planned is in no boot loop.
            .thenCompose(_ -> house.ground().premises().succeed())
            .thenCompose(_ -> house.ground().management().close(CLOSE)),
        _ -> new Closed(),
        Exit.BUG,
        "the gateway could not be closed in order");
    return Behaviors.receiveMessage(command -> switch (command) {
      case Closed _ -> {
        standing.enter(Standing.Phase.STOPPED);
        addresses().remove();
        world.exit().complete(Exit.CLEAN);
        yield Behaviors.same();
      }
      case Drain _ -> Behaviors.same(); // It is over already.
      case Command other -> anywhere(other);
    });
  }

  /** What may come in any state. */
  private Behavior<Command> anywhere(Command command) {
    return switch (command) {
      case Fatal(var exit, var message) -> fatal(exit, message);
      case Fence(var fault) -> fence(fault);
      case MemberUp _ -> {
        memberUp = true;
        yield Behaviors.same();
      }
      // It leaves at the end of each planned stop, too.
      case MemberGone _ ->
          world.exit().isDone() ? Behaviors.same() : retire("the other nodes have declared this one gone");
      case Drain(var by) -> {
        // This life accepted and resumed nothing; what an older one left is decided at the next boot.
        context.getLog().info("boot.cancelled by={}", by);
        timers.cancelAll();
        fleet.abandon();
        addresses().remove();
        world.exit().complete(Exit.CLEAN);
        yield Behaviors.ignore();
      }
      case Tick _ -> {
        world.service().extendTimeout(EXTENSION);
        yield Behaviors.same();
      }
      case ManagementBound _,
          Opened _,
          RegistryChanged _,
          BootDeadlinePassed _,
          Indexed _,
          Recovered _,
          IngressBound _,
          HealthDue _,
          Drained _,
          Closed _ -> Behaviors.same();
    };
  }

  /** No accept, no send, no harness input: the process ends, and what is true is what replays. */
  private Behavior<Command> fence(JournalFault fault) {
    if (Exit.of(fault) == Exit.RETIRED) {
      return retire(fault.getMessage());
    }
    gate.moveTo(Gate.State.FENCED);
    fenceIngress.run();
    fleet.abandon();
    context.getLog().error("[gateway] CRITICAL: journal failed, the node is fenced: {}", fault.getMessage());
    world.alerts().raise("journal", "the journal failed and the gateway stops: " + fault.getMessage());
    world.exit().complete(Exit.JOURNAL);
    timers.cancelAll();
    return Behaviors.ignore(); // Whatever still comes is of a life that is over.
  }

  /** Its sessions are other nodes' now: agents are ended before anything else, and nothing is handed over. */
  private Behavior<Command> retire(String cause) {
    gate.moveTo(Gate.State.FENCED);
    fenceIngress.run();
    context.getLog().error("[gateway] CRITICAL: this node is out of its cluster and stops: {}", cause);
    timers.cancelAll();
    fleet.stop(Duration.ZERO).whenComplete((_, _) -> world.exit().complete(Exit.RETIRED));
    return Behaviors.ignore(); // A drain or the journal's fault must not say another exit code meanwhile.
  }

  private Behavior<Command> fatal(Exit exit, String message) {
    context.getLog().error("[gateway] CRITICAL: {}", message);
    timers.cancelAll();
    fleet.abandon();
    world.exit().complete(exit);
    return Behaviors.receiveMessage(_ -> Behaviors.same());
  }

  /** Not on the actor's thread: a disk that hangs must not stop the drain that it makes necessary. */
  private void look() {
    var self = context.getSelf();
    served.get().ifPresent(watch ->
        blocking(() -> watch.look(gate, world.service())).exceptionally(failure -> {
          if (failure.getCause() instanceof JournalFault fault) {
            self.tell(new Fence(fault));
          }
          return false;
        }));
  }

  private CompletionStage<Measured> measure() {
    return served.get()
        .map(watch -> watch.measure(standing.unmet().isEmpty()))
        .orElseGet(() -> CompletableFuture.completedFuture(Measured.NOTHING));
  }

  private <T> void pipe(CompletionStage<T> stage, Function<T, Command> then, Exit exit, String message) {
    context.pipeToSelf(stage, (value, failure) -> failure == null
        ? then.apply(value)
        : new Fatal(
            JournalFault.in(failure).map(Exit::of).orElse(exit), message + ": " + failure.getMessage()));
  }

  private <T> CompletionStage<T> blocking(Supplier<T> work) {
    return CompletableFuture.supplyAsync(work, world.blocking());
  }

  private AddressesFile addresses() {
    return AddressesFile.in(config.data());
  }

  /** Since the process began, not since this actor did: that is what waits for the gate. */
  private Duration sinceStart() {
    return Duration.ofMillis(world.clock().millis() - ManagementFactory.getRuntimeMXBean().getStartTime());
  }
}
