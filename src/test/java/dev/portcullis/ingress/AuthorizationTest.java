package dev.portcullis.ingress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.ingress.http.Endpoint;
import dev.portcullis.ingress.http.Sse;
import dev.portcullis.ingress.listener.IngressListener;
import dev.portcullis.ingress.ws.WsClient;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Operations, scopes and transports: every cell of that table is asked. */
@Tag("SEC-15")
class AuthorizationTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final List<String> HOLDERS = List.of("nobody", "read", "write", "approvals", "admin");

  private static final String[] EVERY_SCOPE = Stream.of(Scope.values()).map(Scope::word).toArray(String[]::new);

  /** What a transport made of a request. */
  private enum Verdict { NOBODY, FORBIDDEN, LET_IN }

  /**
   * One thing that can be asked over one transport.
   *
   * @param ask with whose token; empty for none
   */
  private record Way(String name, Operation operation, Function<String, Verdict> ask) {}

  @TempDir Path data;
  private IngressRig rig;
  private final Map<String, WsClient> clients = new HashMap<>();

  @BeforeEach
  void open() {
    rig = new IngressRig(KIT.system(), data.resolve("d"));
  }

  @AfterEach
  void close() {
    clients.values().forEach(WsClient::close);
    rig.close();
  }

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  /** Whatever can be asked: each has an operation, or it would not compile. */
  private Stream<Way> ways() {
    return Stream.concat(requests(), rig.ingress.methods().stream().map(method ->
        new Way("socket " + method.name(), method.operation(), token -> socket(method.name(), token))));
  }

  private Stream<Way> requests() {
    return IngressListener.endpoints(
            rig.edge, new Sse(Duration.ofSeconds(15)), new Problems(rig.edge.random()), KIT.system())
        .stream()
        .map(endpoint -> new Way(
            "HTTP " + endpoint.method() + " " + endpoint.path(), endpoint.operation(), token -> http(endpoint, token)));
  }

  private Verdict http(Endpoint endpoint, String token) {
    var path = endpoint.path().replaceAll("\\{[a-zA-Z]+}", "x");
    var request = HttpRequest.newBuilder(URI.create(rig.url(path)))
        .header("Content-Type", "application/json")
        .method(endpoint.method(), BodyPublishers.ofString(endpoint.json() ? "{}" : ""));
    if (!token.isEmpty()) {
      request.header("Authorization", "Bearer " + token);
    }
    var response = rig.lines(request); // A stream is as good as an answer once it has begun.
    response.body().close();
    return switch (response.statusCode()) {
      case 401 -> Verdict.NOBODY;
      case 403 -> Verdict.FORBIDDEN;
      default -> Verdict.LET_IN;
    };
  }

  private Verdict socket(String method, String token) {
    try {
      if (!HOLDERS.contains(token.replace("token-of-", ""))) {
        try (var stranger = WsClient.open(rig.ingress.address().getPort())) {
          stranger.event("connect.challenge");
          var answer = stranger.call("connect", WsClient.connect(token, EVERY_SCOPE));
          return answer.path("ok").asBoolean() ? Verdict.LET_IN : Verdict.NOBODY;
        }
      }
      var client = clients.get(token);
      if (client == null) {
        client = WsClient.login(rig.ingress.address().getPort(), token, EVERY_SCOPE);
        clients.put(token, client);
      }
      var error = client.call(method, Json.object()).path("error").path("code").asText();
      return error.equals("FORBIDDEN") ? Verdict.FORBIDDEN : Verdict.LET_IN;
    } catch (Exception broken) {
      throw new AssertionError(method, broken);
    }
  }

  @Test
  void everyTransportLetsInWhoHoldsTheScopeOfTheOperationAndNobodyElse() {
    int cells = 0;
    var ways = ways().toList();
    for (var way : ways) {
      assertEquals(Verdict.NOBODY, way.ask().apply(""), way.name());
      assertEquals(Verdict.NOBODY, way.ask().apply("wrong"), way.name());
      for (var holder : HOLDERS) {
        var expected = allowed(holder, way.operation().scope()) ? Verdict.LET_IN : Verdict.FORBIDDEN;
        assertEquals(expected, way.ask().apply("token-of-" + holder), way.name() + " for " + holder);
        cells++;
      }
    }
    assertEquals(ways.size() * HOLDERS.size(), cells);
    var reached = EnumSet.noneOf(Operation.class);
    ways.forEach(way -> reached.add(way.operation()));
    assertEquals(EnumSet.allOf(Operation.class), reached, "an operation that nobody can ask for");
    assertTrue(rig.sessions.submitted().isEmpty());
  }

  /** Written out here, so that a mistake in the table of scopes does not hide itself. */
  private static boolean allowed(String holder, Scope wanted) {
    return switch (holder) {
      case "admin" -> true;
      case "write" -> wanted == Scope.WRITE || wanted == Scope.READ;
      case "read" -> wanted == Scope.READ;
      case "approvals" -> wanted == Scope.APPROVALS;
      default -> false;
    };
  }
}
