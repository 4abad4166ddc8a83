package dev.portcullis.crash;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.portcullis.boot.Main;
import dev.portcullis.journal.PostgresServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** One life of a gateway in a process of its own. Closing it kills what is left of it. */
final class GatewayProcess implements AutoCloseable {
  /** How the JVM says that it was ended by SIGKILL; a fail-point halts with the same. */
  static final int KILLED = 137;

  static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String LOW_SPACE = "portcullis.journal.low-space=";
  private static final String MANAGEMENT = "boot.management http=";

  private final Path data;
  private final Process process;
  private final long startedAt = System.nanoTime();
  private final List<String> lines = new CopyOnWriteArrayList<>();
  private final Thread reader;
  private final CompletableFuture<Instant> ended;

  private GatewayProcess(Path data, Process process) {
    this.data = data;
    this.process = process;
    this.ended = process.onExit().thenApply(_ -> Instant.now());
    this.reader = Thread.ofVirtual().name("gateway-log").start(this::read);
  }

  /** The process ended while something was awaited of it. */
  static final class Ended extends RuntimeException {
    Ended(String message) {
      super(message);
    }
  }

  /** What one life is started with. */
  static final class Launch {
    private final Path data;
    private final List<String> jvm = new ArrayList<>();
    private final List<String> arguments = new ArrayList<>();
    private final List<String> under = new ArrayList<>();
    private final Map<String, String> environment = new HashMap<>();
    private Optional<List<String>> options = Optional.empty();
    private int port;
    private int managementPort;

    private Launch(Path data) {
      this.data = data;
    }

    Launch set(String key, String value) {
      arguments.addAll(List.of("--set", key + "=" + value));
      return this;
    }

    Launch argument(String... more) {
      arguments.addAll(List.of(more));
      return this;
    }

    Launch environment(String name, String value) {
      environment.put(name, value);
      return this;
    }

    /** Halts the life at a point of {@link dev.portcullis.journal.FailPoints}. */
    Launch failpoint(String point) {
      jvm.add("-Dportcullis.failpoint=" + point);
      return this;
    }

    /** With its journal in the tests' database, in a schema that belongs to the data directory. */
    Launch postgresql() {
      var schema = "gateway_" + Integer.toHexString(data.toString().hashCode());
      return set("portcullis.journal.store", "postgresql")
          .set("portcullis.journal.postgresql.url", PostgresServer.url())
          .set("portcullis.journal.postgresql.user", PostgresServer.USER)
          .set("portcullis.journal.postgresql.schema", schema);
    }

    /** A command that becomes the JVM, or runs it as the very process that it was itself. */
    Launch under(List<String> command) {
      under.addAll(command);
      return this;
    }

    /** Class path and cache of the JVM, instead of the usual ones. */
    Launch options(List<String> own) {
      options = Optional.of(own);
      return this;
    }

    Launch port(int number) {
      port = number;
      return this;
    }

    Launch managementPort(int number) {
      managementPort = number;
      return this;
    }

    GatewayProcess start() {
      var command = new ArrayList<>(under);
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(List.of(
          "-XX:TieredStopAtLevel=1",
          "-XX:+UseSerialGC",
          "-Xmx384m",
          "--enable-native-access=ALL-UNNAMED",
          "--sun-misc-unsafe-memory-access=allow",
          // The tests' own log settings come first on the class path.
          "-Dlogback.configurationFile=logback.xml"));
      command.addAll(jvm);
      command.addAll(options.orElseGet(StartCache::options));
      command.addAll(List.of(Main.class.getName(), "serve"));
      command.addAll(List.of("--data", data.toString(), "--port", Integer.toString(port)));
      command.addAll(List.of("--management-port", Integer.toString(managementPort)));
      if (arguments.stream().noneMatch(argument -> argument.startsWith(LOW_SPACE))) {
        command.addAll(List.of("--set", LOW_SPACE + "64MiB")); // Its reserve is written anew at each start.
      }
      command.addAll(arguments);
      try {
        var builder = new ProcessBuilder(command).directory(data.toAbsolutePath().getParent().toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("PORTCULLIS_"));
        builder.environment().putAll(environment);
        return new GatewayProcess(data, builder.redirectErrorStream(true).start());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** A gateway on {@code data} with ports of its own choice. */
  static Launch on(Path data) {
    return new Launch(data);
  }

  private void read() {
    try (var log = process.inputReader()) {
      for (var line = log.readLine(); line != null; line = log.readLine()) {
        lines.add(line);
      }
    } catch (IOException e) {
      lines.add("(the log ends here: " + e.getMessage() + ")");
    }
  }

  long pid() {
    return process.pid();
  }

  /** When the process had ended; to be asked after it has. */
  Instant endedAt() {
    return ended.join();
  }

  boolean alive() {
    return process.isAlive();
  }

  Duration age() {
    return Duration.ofNanos(System.nanoTime() - startedAt);
  }

  List<String> lines() {
    return List.copyOf(lines);
  }

  Optional<String> line(String part) {
    return lines.stream().filter(line -> line.contains(part)).findFirst();
  }

  /** The first line that contains {@code part}, now or later. */
  String awaitLine(String part) {
    return await("a log line with: " + part, () -> line(part));
  }

  private <T> T await(String what, Supplier<Optional<T>> look) {
    return Await.value(what, PATIENCE, () -> {
      var found = look.get();
      if (found.isEmpty() && !alive()) {
        throw new Ended("the gateway ended (" + process.exitValue() + ") before: " + what + tail());
      }
      return found;
    });
  }

  /** The last lines, to be read in a failure. */
  String tail() {
    return "\n  " + String.join("\n  ", lines.subList(Math.max(0, lines.size() - 40), lines.size()));
  }

  /** Where the management port listens; it is up long before the other. */
  URI management() {
    var line = awaitLine(MANAGEMENT);
    int at = line.indexOf(MANAGEMENT) + MANAGEMENT.length();
    return URI.create(line.substring(at).split(" ")[0]);
  }

  /** This life's addresses; those that a killed one left behind do not count. */
  Optional<JsonNode> addresses() {
    try {
      var json = new JsonMapper().readTree(Files.readAllBytes(data.resolve("run").resolve("addresses.json")));
      return json.path("pid").asLong() == pid() ? Optional.of(json) : Optional.empty();
    } catch (IOException notYet) {
      return Optional.empty();
    }
  }

  /** Waits until everything stands. */
  GatewayProcess awaitReady() {
    try (var client = Client.bare(management())) {
      await("ready", () -> addresses().filter(_ -> client.get("/readyz").status() == 200));
    }
    return this;
  }

  /** A client of the ingress port with the token of the data directory. */
  Client client() {
    try {
      var http = URI.create(addresses().orElseThrow().path("http").asText());
      return Client.of(http, Files.readString(data.resolve("token")).strip());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** SIGKILL; returns when the process is gone. */
  void kill9() {
    process.toHandle().destroyForcibly();
    exitCode(PATIENCE);
  }

  /** SIGTERM. Unlike {@link Process#destroy} this leaves the log readable. */
  void sigterm() {
    process.toHandle().destroy();
  }

  /** Nothing of the process goes on, and nobody is told. */
  void sigstop() {
    signal("STOP");
  }

  void sigcont() {
    signal("CONT");
  }

  private void signal(String name) {
    try {
      var kill = new ProcessBuilder("kill", "-" + name, Long.toString(pid())).inheritIO().start();
      if (kill.waitFor() != 0) {
        throw new AssertionError("SIG" + name + " could not be sent");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", stop);
    }
  }

  int exitCode(Duration atMost) {
    try {
      if (!process.waitFor(atMost.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new AssertionError("the gateway still runs after " + atMost + tail());
      }
      reader.join(PATIENCE);
      return process.exitValue();
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", stop);
    }
  }

  @Override
  public void close() {
    kill9();
  }
}
