package dev.portcullis.boot;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.portcullis.alert.OperatorAlerts;
import dev.portcullis.config.ConfigSource;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.JournalSetup;
import dev.portcullis.ops.SdNotify;
import dev.portcullis.session.SessionEvent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.apache.pekko.actor.BootstrapSetup;
import org.apache.pekko.actor.setup.ActorSystemSetup;
import org.apache.pekko.actor.typed.ActorSystem;

/**
 * One life of a whole gateway inside the test's process: real ports, a real journal on the disk, the harness
 * {@code echo} as scripted by its messages.
 */
public final class WholeGateway implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final CompletableFuture<Journal> journal = new CompletableFuture<>();
  private final CompletableFuture<Exit> exit = new CompletableFuture<>();
  private final ExecutorService blocking = Executors.newVirtualThreadPerTaskExecutor();
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).executor(blocking).build();
  private final OperatorAlerts alerts;
  private final ActorSystem<Guardian.Command> system;
  private final URI base;
  private final String token;

  /** @param sets settings that differ from the shipped ones */
  public WholeGateway(Path data, Map<String, String> sets) {
    var all = new HashMap<>(Map.of(
        "portcullis.data", data.toString(),
        "portcullis.http.port", "0",
        "portcullis.management.port", "0",
        "portcullis.journal.low-space", "1MiB",
        "portcullis.run.text-interval", "0s"));
    all.putAll(sets);
    var settings = new ConfigSource.Shipped().load(all, Map.of());
    var config = GatewayConfig.from(settings);
    var random = new SecureRandom();
    var clock = Clock.systemUTC();
    this.alerts = OperatorAlerts.of(config.alerts(), clock, random);
    var world = new World(config, alerts, SdNotify.of(Map.of()), clock, random, blocking, journal, exit);
    this.system = ActorSystem.create(
        Guardian.create(world), "portcullis", ActorSystemSetup.create(
            BootstrapSetup.create(GatewayServer.systemConfig(settings, config)),
            new JournalSetup(journal::join, SessionEvent.TYPES)));
    var addresses = data.resolve("run").resolve("addresses.json");
    await(() -> Files.exists(addresses) || exit.isDone());
    if (exit.isDone()) {
      throw new AssertionError("the gateway ended with " + exit.join());
    }
    try {
      this.base = URI.create(JSON.readTree(Files.readAllBytes(addresses)).path("http").asText());
      this.token = Files.readString(data.resolve("token")).strip();
    } catch (IOException broken) {
      throw new UncheckedIOException(broken);
    }
  }

  /** Looks again and again; there is nobody to be told by. */
  static void await(java.util.function.BooleanSupplier condition) {
    long until = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > until) {
        throw new AssertionError("not within " + PATIENCE);
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }

  URI base() {
    return base;
  }

  String token() {
    return token;
  }

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(base.resolve(path)).timeout(PATIENCE)
        .header("Authorization", "Bearer " + token);
  }

  record Answer(int status, JsonNode json) {}

  Answer send(HttpRequest.Builder request) {
    try {
      var answer = client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
      return new Answer(answer.statusCode(), JSON.readTree(answer.body()));
    } catch (IOException broken) {
      throw new UncheckedIOException(broken);
    } catch (InterruptedException stop) {
      throw new IllegalStateException(stop);
    }
  }

  public JsonNode get(String path) {
    var answer = send(request(path).GET());
    if (answer.status() != 200) {
      throw new AssertionError(path + ": " + answer);
    }
    return answer.json();
  }

  Answer post(String path) {
    return send(request(path).POST(HttpRequest.BodyPublishers.noBody()));
  }

  /** The id of the run that was accepted. */
  public String submit(String session, String message) {
    return submit(session, message, UUID.randomUUID().toString());
  }

  /** @param key the same for a repeat of the same */
  String submit(String session, String message, String key) {
    var answer = send(request("/api/v1/sessions/" + session + "/runs")
        .header("Content-Type", "application/json")
        .header("Idempotency-Key", key)
        .POST(HttpRequest.BodyPublishers.ofString(JSON.createObjectNode().put("message", message).toString())));
    if (answer.status() != 202) {
      throw new AssertionError("not accepted: " + answer);
    }
    return answer.json().path("runId").asText();
  }

  /** One event of a stream. */
  public record Frame(String id, String event, JsonNode data) {}

  /** Frames as they come; to be closed. */
  public Stream<Frame> frames(String path, Optional<String> lastEventId) {
    var request = request(path);
    lastEventId.filter(id -> !id.isEmpty()).ifPresent(id -> request.header("Last-Event-ID", id));
    try {
      var lines = client.send(request.GET().build(), HttpResponse.BodyHandlers.ofLines()).body();
      var id = new String[] {"", ""};
      return lines.<Frame>mapMulti((line, out) -> {
        if (line.startsWith("id: ")) {
          id[0] = line.substring(4);
        } else if (line.startsWith("event: ")) {
          id[1] = line.substring(7);
        } else if (line.startsWith("data: ")) {
          out.accept(new Frame(id[0], id[1], json(line.substring(6))));
          id[0] = "";
        }
      });
    } catch (IOException broken) {
      throw new UncheckedIOException(broken);
    } catch (InterruptedException stop) {
      throw new IllegalStateException(stop);
    }
  }

  private static JsonNode json(String text) {
    try {
      return JSON.readTree(text);
    } catch (IOException malformed) {
      throw new UncheckedIOException(malformed);
    }
  }

  @Override
  public void close() {
    client.shutdownNow();
    system.tell(new Guardian.Drain("test"));
    system.tell(new Guardian.Drain("test")); // Without patience.
    exit.join();
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().join();
    if (journal.isDone()) {
      journal.join().close();
    }
    alerts.close();
    blocking.shutdownNow();
  }
}
