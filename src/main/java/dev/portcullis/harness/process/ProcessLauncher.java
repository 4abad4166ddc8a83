package dev.portcullis.harness.process;

import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts processes so that they lead a process group of their own and die when we do. One per gateway.
 *
 * <p>All are started by one thread that never ends: the kernel sends the parent-death signal when the
 * <em>thread</em> that started the process dies.
 */
public final class ProcessLauncher {
  private static final List<String> INHERITED = List.of("PATH", "HOME", "LANG");
  private static final Logger log = LoggerFactory.getLogger(ProcessLauncher.class);

  private final String instance;
  private final long incarnation;
  private final Map<String, String> environment;
  private final ThreadPoolExecutor spawner = new ThreadPoolExecutor(1, 1, 0, TimeUnit.SECONDS,
      new LinkedBlockingQueue<>(), Thread.ofPlatform().daemon().name("spawner").factory());
  private final AtomicLong started = new AtomicLong();
  private final CompletableFuture<List<String>> prefix;

  /**
   * @param instance names the data directory, stays the same over all lives of the gateway
   * @param incarnation this life
   */
  public static ProcessLauncher create(String instance, long incarnation) {
    return new ProcessLauncher(instance, incarnation, System.getenv());
  }

  ProcessLauncher(String instance, long incarnation, Map<String, String> environment) {
    this.instance = instance;
    this.incarnation = incarnation;
    this.environment = Map.copyOf(environment);
    this.prefix = CompletableFuture.supplyAsync(this::wrappers, spawner);
  }

  /** The PATH that programs are looked up on. */
  public String path() {
    return environment.getOrDefault("PATH", "/usr/local/bin:/usr/bin:/bin");
  }

  /** Starts one process; fails with a {@link HarnessFault} when the system refuses. */
  public CompletionStage<HarnessProcess> launch(ProcessSpec spec, ProcessListener listener) {
    return start(spec, (builder, marker) -> {
      var process = new HarnessProcess(spec.harness(), builder.start(), marker, listener);
      process.begin();
      log.debug("harness.process_started name={} pid={}", spec.harness(), process.identity().pid());
      return process;
    });
  }

  /**
   * Starts a command for an agent; fails with a {@link HarnessFault} when the system refuses.
   *
   * @param outputBytes how much is kept of what it prints
   */
  public CompletionStage<Terminal> terminal(ProcessSpec spec, int outputBytes) {
    return start(spec, (builder, marker) -> {
      builder.redirectErrorStream(true).redirectInput(Path.of("/dev/null").toFile());
      var terminal = new Terminal(builder.start(), marker, outputBytes);
      terminal.begin();
      return terminal;
    });
  }

  private interface Start<T> {
    T from(ProcessBuilder builder, Marker marker) throws IOException;
  }

  private <T> CompletionStage<T> start(ProcessSpec spec, Start<T> start) {
    return prefix.thenApplyAsync(wrappers -> {
      var marker = new Marker(instance, incarnation, spec.harness() + "-" + started.incrementAndGet());
      var command = new ArrayList<>(wrappers);
      command.add(spec.program().toString());
      command.addAll(spec.args());
      var builder = new ProcessBuilder(command).directory(spec.directory().toFile());
      builder.environment().clear();
      builder.environment().putAll(environmentOf(spec, marker));
      try {
        return start.from(builder, marker);
      } catch (IOException e) {
        throw new CompletionException(HarnessFault.of(Code.NOT_FOUND,
            "command " + spec.program() + " can't be started in " + spec.directory() + ": "
                + e.getMessage()));
      }
    }, spawner);
  }

  private Map<String, String> environmentOf(ProcessSpec spec, Marker marker) {
    var env = new TreeMap<String, String>();
    INHERITED.stream().filter(environment::containsKey).forEach(name -> env.put(name, environment.get(name)));
    env.putIfAbsent("PATH", path());
    env.putIfAbsent("LANG", "C.UTF-8");
    env.put("TERM", "dumb");
    env.putAll(spec.env());
    // With these an agent could speak to the service manager in our name.
    env.keySet().removeIf(name ->
        name.equals("NOTIFY_SOCKET") || name.startsWith("WATCHDOG_") || name.startsWith("LISTEN_"));
    env.put(Marker.VARIABLE, marker.value());
    return env;
  }

  /** Both exec in place, so the process we started is the agent itself, and the leader of its group. */
  private List<String> wrappers() {
    var wrappers = new ArrayList<String>();
    addIfWorks(wrappers, List.of("setsid"));
    addIfWorks(wrappers, List.of("setpriv", "--pdeathsig", "KILL", "--"));
    return List.copyOf(wrappers);
  }

  private void addIfWorks(List<String> wrappers, List<String> wrapper) {
    try {
      var command = new ArrayList<>(wrapper);
      command.set(0, Program.find(wrapper.getFirst(), path()).toString());
      var test = new ArrayList<>(command);
      test.add(Program.find("true", path()).toString());
      var process = new ProcessBuilder(test).redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
      if (process.waitFor(5, TimeUnit.SECONDS) && process.exitValue() == 0) {
        wrappers.addAll(command);
        return;
      }
      process.destroyForcibly();
    } catch (HarnessFault | IOException e) {
      log.debug("harness.wrapper_failed command={} cause={}", wrapper.getFirst(), e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    log.warn("harness.wrapper_missing command={} consequence=\"agents may outlive a killed gateway\"",
        wrapper.getFirst());
  }
}
