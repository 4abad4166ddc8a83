package dev.portcullis.ingress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.typesafe.config.ConfigFactory;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.Harnesses;
import dev.portcullis.ingress.listener.IngressListener;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.pekko.actor.typed.ActorSystem;

/** The HTTP edge on a port of its own, with sessions that are recorded. */
public final class IngressRig implements AutoCloseable {
  public static final ObjectMapper JSON = new ObjectMapper();
  public static final GatewayStatus OPEN = new GatewayStatus(
      true, "open", 7, RecordedSessions.START, "0.1.0", GatewayStatus.Drain.NONE, List.of());

  public final RecordedSessions sessions = new RecordedSessions();
  public final List<String> drains = new CopyOnWriteArrayList<>();
  public final Kept devices = new Kept();
  public final Token token;
  public final IngressListener ingress;
  public final Edge edge;
  /** Every answer to {@link #send} is held against it. */
  public final Contract contract;
  private final HttpClient client = HttpClient.newHttpClient();

  public IngressRig(ActorSystem<?> system, Path data) {
    this(system, data, Duration.ofSeconds(15));
  }

  public IngressRig(ActorSystem<?> system, Path data, Duration keepAlive) {
    var config = config(data, keepAlive);
    var random = new SecureRandom();
    try {
      token = TokenFile.open(data, random);
    } catch (IOException broken) {
      throw new UncheckedIOException(broken);
    }
    var harnesses = new Harnesses();
    harnesses.put(new Harnesses.Entry(
        "echo", "echo",
        new Harnesses.State.Ready(new Harness.Registration("1", Harness.Recovery.REPLAY)),
        system.ignoreRef()));
    edge = Edge.of(
        config, sessions, harnesses, new Recorded(), credentials(config, random), devices,
        Clock.fixed(RecordedSessions.START.plusSeconds(60), ZoneOffset.UTC), random);
    ingress = IngressListener.bind(system, edge).toCompletableFuture().join();
    contract = new Contract(json(sent(request("/api/v1/openapi.json").GET().build())));
  }

  /** A register that lives as long as the rig. */
  public static final class Kept implements Register {
    public final Map<String, String> entries = new ConcurrentHashMap<>();

    @Override
    public CompletionStage<Map<String, String>> all() {
      return CompletableFuture.completedFuture(Map.copyOf(entries));
    }

    @Override
    public CompletionStage<Void> put(String name, String text) {
      entries.put(name, text);
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletionStage<Void> remove(String name) {
      entries.remove(name);
      return CompletableFuture.completedFuture(null);
    }
  }

  private static Credentials credentials(GatewayConfig config, SecureRandom random) {
    try {
      return Credentials.open(config.data(), config.principals(), random);
    } catch (IOException broken) {
      throw new UncheckedIOException(broken);
    }
  }

  private final class Recorded implements Operations {
    @Override
    public GatewayStatus status() {
      return OPEN;
    }

    @Override
    public void drain(String by) {
      drains.add(by);
    }
  }

  private static GatewayConfig config(Path data, Duration keepAlive) {
    var principals = new StringBuilder();
    for (var scope : List.of("read", "write", "approvals", "admin")) {
      principals.append("portcullis.auth.principals.").append(scope)
          .append(" { token-sha256 = ").append(Digests.hex("token-of-" + scope))
          .append(", scopes = [operator.").append(scope).append("]")
          .append(scope.equals("approvals") ? ", sessions = all }\n" : " }\n");
    }
    for (var sessions : List.of("own", "all")) { // Whose sessions they see.
      principals.append("portcullis.auth.principals.").append(sessions)
          .append(" { token-sha256 = ").append(Digests.hex("token-of-" + sessions))
          .append(", scopes = [operator.write, operator.approvals], sessions = ").append(sessions).append(" }\n");
    }
    principals.append("portcullis.auth.principals.nobody { token-sha256 = ")
        .append(Digests.hex("token-of-nobody")).append(", scopes = [] }\n");
    return GatewayConfig.from(ConfigFactory.parseString(principals + """
            portcullis.data = "%s"
            portcullis.http.port = 0
            portcullis.http.body-bytes = 64KiB
            portcullis.http.keep-alive = %dms
            portcullis.http.abandon-after = 400ms
            portcullis.session.message-chars = 1000
            portcullis.harnesses.unheard { kind = echo }
            portcullis.agents.second { harness = unheard }
            portcullis.limits.auth-failures = 1000
            portcullis.http.body-deadline = 1s
            """.formatted(data, keepAlive.toMillis()))
        .withFallback(ConfigFactory.parseFile(new File("conf/application.conf")))
        .resolve());
  }

  public String url(String path) {
    return "http://127.0.0.1:" + ingress.address().getPort() + path;
  }

  /** As the token file's principal, with JSON. */
  public HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(url(path)))
        .timeout(Duration.ofSeconds(20))
        .header("Authorization", "Bearer " + token.reveal())
        .header("Content-Type", "application/json");
  }

  public HttpResponse<String> send(HttpRequest.Builder builder) {
    var request = builder.build();
    var response = sent(request);
    contract.check(request.method(), response);
    return response;
  }

  private HttpResponse<String> sent(HttpRequest request) {
    try {
      return client.send(request, HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
    } catch (IOException broken) {
      throw new UncheckedIOException(broken);
    } catch (InterruptedException stop) {
      throw new IllegalStateException(stop);
    }
  }

  public HttpResponse<String> get(String path) {
    return send(request(path).GET());
  }

  public HttpResponse<String> post(String path, String body, String... headers) {
    var request = request(path).POST(HttpRequest.BodyPublishers.ofString(body));
    var response = send(headers.length == 0 ? request : request.headers(headers));
    contract.checkTaken("POST", response, body);
    return response;
  }

  /** The body as it arrives, line by line. */
  public HttpResponse<java.util.stream.Stream<String>> lines(HttpRequest.Builder request) {
    try {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofLines());
    } catch (IOException broken) {
      throw new UncheckedIOException(broken);
    } catch (InterruptedException stop) {
      throw new IllegalStateException(stop);
    }
  }

  /** Bytes that no client library would send; the answer until the server closes the connection. */
  public String raw(String text) throws IOException {
    try (var socket = new Socket("127.0.0.1", ingress.address().getPort())) {
      socket.setSoTimeout(10_000);
      socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  public static JsonNode json(String text) {
    try {
      return JSON.readTree(text);
    } catch (IOException malformed) {
      throw new UncheckedIOException(malformed);
    }
  }

  public static JsonNode json(HttpResponse<String> response) {
    return json(response.body());
  }

  @Override
  public void close() {
    ingress.close(Duration.ofSeconds(1)).toCompletableFuture().join();
    client.close();
  }

  public static void assertProblem(int status, String code, HttpResponse<String> response) {
    assertEquals(status, response.statusCode(), response.body());
    assertTrue(response.headers().firstValue("x-request-id").isPresent(), "x-request-id");
    assertEquals("application/json", response.headers().firstValue("content-type").orElse(""));
    var error = json(response).path("error");
    for (var field : List.of("message", "type", "param", "code")) {
      assertTrue(error.has(field), field + " in " + response.body());
    }
    assertFalse(error.path("message").asText().isBlank());
    assertEquals(code, error.path("code").asText(""));
  }

  public static String ask(String model, String text, boolean stream, String... more) {
    var body = Json.object().put("model", model).put("stream", stream);
    body.putArray("messages").addObject().put("role", "user").put("content", text);
    for (int i = 0; i < more.length; i += 2) {
      body.set(more[i], json(more[i + 1]));
    }
    return Json.text(body);
  }
}
