package dev.portcullis.ingress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.ingress.http.Endpoint;
import dev.portcullis.ingress.http.Sse;
import dev.portcullis.ingress.listener.IngressListener;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
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

  @BeforeEach
  void open() {
    rig = new IngressRig(KIT.system(), data.resolve("d"));
  }

  @AfterEach
  void close() {
    rig.close();
  }

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  /** Another transport adds its own ways here: each has an operation, or it would not compile. */
  private Stream<Way> ways() {
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
