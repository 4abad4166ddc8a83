package dev.portcullis.boot;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import dev.portcullis.alert.OperatorAlerts;
import dev.portcullis.cli.ServeOptions;
import dev.portcullis.cli.Server;
import dev.portcullis.cluster.ClusterSettings;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.JournalSetup;
import dev.portcullis.ops.SdNotify;
import dev.portcullis.session.SessionEvent;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.pekko.actor.BootstrapSetup;
import org.apache.pekko.actor.setup.ActorSystemSetup;
import org.apache.pekko.actor.typed.ActorSystem;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs one gateway until it stops, and says with which code the process ends. */
final class GatewayServer implements Server {
  private static final Logger log = LoggerFactory.getLogger(GatewayServer.class);

  /** Time for a fenced node to tell the operator before the process ends; INV-J3 allows a second. */
  private static final long FENCED_MILLIS = 300;

  @Override
  public int run(ServeOptions options) {
    var settings = options.load(System.getenv());
    return serve(GatewayConfig.from(settings), settings).code();
  }

  private static Exit serve(GatewayConfig config, Config settings) {
    var journal = new CompletableFuture<Journal>();
    var exit = new CompletableFuture<Exit>();
    var random = new SecureRandom();
    var clock = Clock.systemUTC();
    var blocking = Executors.newVirtualThreadPerTaskExecutor();
    var alerts = OperatorAlerts.of(config.alerts(), clock, random);
    var world = new World(
        config, alerts, SdNotify.of(System.getenv()), clock, random, blocking, journal, exit);
    var setup = ActorSystemSetup.create(
        BootstrapSetup.create(systemConfig(settings, config)),
        new JournalSetup(journal::join, SessionEvent.TYPES));
    var guardian = new CompletableFuture<ActorSystem<Guardian.Command>>();
    // Before anything else stands: a signal is answered as soon as there is somebody to answer it.
    StopSignals.handle(() -> guardian.thenAccept(started -> started.tell(new Guardian.Drain("signal"))));
    var system = ActorSystem.create(Guardian.create(world), "portcullis", setup);
    guardian.complete(system);
    system.getWhenTerminated().whenComplete((_, _) -> exit.complete(Exit.BUG));
    var reason = exit.join();
    if (reason == Exit.JOURNAL || reason == Exit.RETIRED) {
      // Nothing may be written any more, not even a farewell to the cluster.
      pause(FENCED_MILLIS);
      return reason; // What alerts have not told by now is in the log.
    }
    terminate(system, ClusterSettings.stopping(config));
    if (journal.isDone()) {
      journal.join().close();
    }
    alerts.close();
    log.info("gateway.stopped exit={}", reason.code());
    return reason;
  }

  static Config systemConfig(Config settings, GatewayConfig config) {
    return settings
        .withFallback(ClusterSettings.pekko(config))
        .withFallback(ConfigFactory.parseResources("system.conf"))
        .withFallback(ConfigFactory.defaultReferenceUnresolved())
        .resolve();
  }

  /** In a cluster the sessions go to other nodes meanwhile. */
  private static void terminate(ActorSystem<?> system, Duration atMost) {
    system.terminate();
    try {
      system.getWhenTerminated().toCompletableFuture().get(atMost.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException slow) {
      log.warn("gateway.stop_slow seconds={}", atMost.toSeconds());
    } catch (InterruptedException | java.util.concurrent.ExecutionException stop) {
      log.warn("gateway.stop_failed cause={}", stop.toString());
    }
  }

  private static void pause(long millis) {
    try {
      TimeUnit.MILLISECONDS.sleep(millis);
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
    }
  }
}
