package dev.portcullis.harness.acp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.alert.Alerts;
import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.AttemptSpec.Interruption;
import dev.portcullis.harness.Eventually;
import dev.portcullis.harness.HarnessActor;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.Harnesses;
import dev.portcullis.harness.Harnesses.State;
import dev.portcullis.harness.Simulator;
import dev.portcullis.harness.process.ProcessLauncher;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The actor and a real process together: what operators and callers see when an agent is lost. */
class LostAgentTest {
  private static final ActorTestKit kit = ActorTestKit.create();
  private final Harnesses registry = new Harnesses();
  private final List<String> alerts = new CopyOnWriteArrayList<>();

  @AfterAll
  static void close() {
    kit.shutdownTestKit();
  }

  private final class Recording implements Alerts {
    @Override
    public String raise(String topic, String text) {
      alerts.add("raise " + topic);
      return "reference";
    }

    @Override
    public void resolve(String topic, String text) {
      alerts.add("resolve " + topic);
    }
  }

  private State state() {
    return registry.snapshot().get("sim").state();
  }

  @Test
  @Tag("IL-4")
  @Tag("INV-B6")
  void anAgentThatIsUninstalledIsUnavailableWithinFiveSecondsAndComesBackByItself(@TempDir Path directory)
      throws Exception {
    var program = directory.resolve("agent");
    Files.writeString(program, "#!/bin/sh\nexec " + Simulator.java() + " \"$@\"\n");
    assertTrue(program.toFile().setExecutable(true));
    var config = new HarnessConfig.Acp(new HarnessConfig.Program("sim", program.toString(), Simulator.arguments("acp"),
        Map.of("SIM_STORE", directory.toString()), 2, Duration.ofMinutes(1), Duration.ofSeconds(20)));
    var launcher = ProcessLauncher.create("lost" + ProcessHandle.current().pid(), 1);
    var harness = AcpHarness.create(config, launcher, directory, Clock.systemUTC());
    var actor = kit.spawn(
        HarnessActor.create(config, harness, registry, new Recording(), Clock.systemUTC()));
    registry.declare("sim", "acp", actor);
    Eventually.isTrue("it is ready", () -> state() instanceof State.Ready);

    var gone = System.nanoTime();
    Files.move(program, directory.resolve("elsewhere"));
    Eventually.isTrue("it is unavailable", () -> state() instanceof State.Unavailable);
    assertTrue(Duration.ofNanos(System.nanoTime() - gone).toMillis() < 5_000);
    assertEquals(HarnessFault.Code.NOT_FOUND, assertInstanceOf(State.Unavailable.class, state()).code());
    assertTrue(alerts.contains("raise harness.sim"));

    TestProbe<HarnessActor.Dispatched> caller = kit.createTestProbe();
    actor.tell(new HarnessActor.Dispatch(new AttemptSpec("c", "run", 1, directory, "hello", List.of(), "",
        new Interruption.None()), _ -> { }, caller.ref()));
    var refused = assertInstanceOf(
        HarnessActor.Unavailable.class, caller.receiveMessage(Duration.ofSeconds(1)));
    assertTrue(refused.cause().contains(program.toString()));

    Files.move(directory.resolve("elsewhere"), program);
    Eventually.isTrue("it is ready again", () -> state() instanceof State.Ready);
    Eventually.isTrue("the alert is resolved", () -> alerts.getLast().equals("resolve harness.sim"));
    TestProbe<HarnessActor.Stopped> stopped = kit.createTestProbe();
    actor.tell(new HarnessActor.Stop(Duration.ofSeconds(4), stopped.ref()));
    stopped.expectMessage(Duration.ofSeconds(20), new HarnessActor.Stopped("sim"));
  }
}
