package dev.portcullis.harness;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.process.ProcessLauncher;
import dev.portcullis.harness.process.Reaper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Harnesses of simulated agents for one test, after which nothing of them is left. */
public abstract class SimulatedAgents {
  @TempDir protected Path store;
  @TempDir protected Path workspace;
  /** Names the processes of this class: others that run beside it leave them alone. */
  protected final String instance = getClass().getSimpleName() + ProcessHandle.current().pid();
  /** One for all: it numbers the processes, by which each is found with what it started. */
  protected final ProcessLauncher launcher = ProcessLauncher.create(instance, 1);
  protected final List<Harness> harnesses = new ArrayList<>();

  @BeforeEach
  protected final void onlyOnLinux() {
    assumeTrue(Files.isDirectory(Path.of("/proc/self")), "needs /proc");
  }

  @AfterEach
  protected final void leaveNothing() throws Exception {
    closeAll();
    assertEquals(0, new Reaper(instance, 2).reap(List.of()), "processes left by the harness");
  }

  protected final void closeAll() throws Exception {
    for (var harness : harnesses) {
      harness.close(Duration.ofSeconds(2)).toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
    harnesses.clear();
  }

  /** Closes it after the test. */
  protected final Harness closing(Harness harness) {
    harnesses.add(harness);
    return harness;
  }

  /** How the program is started, with what a simulated agent needs in its environment. */
  protected final HarnessConfig.Program program(
      String command, List<String> args, Map<String, String> env, int processes, Duration startDeadline) {
    var all = new HashMap<>(Map.of("SIM_STORE", store.toString()));
    all.putAll(env);
    return new HarnessConfig.Program(
        "sim", command, args, all, processes, Duration.ofMinutes(5), startDeadline);
  }
}
