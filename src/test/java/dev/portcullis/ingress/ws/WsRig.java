package dev.portcullis.ingress.ws;

import com.fasterxml.jackson.databind.JsonNode;
import com.typesafe.config.ConfigFactory;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.harness.Harnesses;
import dev.portcullis.ingress.Credentials;
import dev.portcullis.ingress.Digests;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.GatewayStatus;
import dev.portcullis.ingress.IngressRig;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Operation;
import dev.portcullis.ingress.Operations;
import dev.portcullis.ingress.RecordedSessions;
import dev.portcullis.ingress.Token;
import dev.portcullis.ingress.TokenFile;
import dev.portcullis.ingress.listener.IngressListener;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.pekko.actor.typed.ActorSystem;

/** The ingress port with methods of the tests' own on its sockets, and a clock that only tests move. */
final class WsRig implements AutoCloseable {
  static final String NOTE = "test.note";

  final IngressRig.Kept devices;
  final Token token;
  final Credentials credentials;
  final IngressListener ingress;
  final BlockingQueue<CompletableFuture<JsonNode>> held = new LinkedBlockingQueue<>();
  private final MovedClock clock = new MovedClock();
  private volatile Announcer announcer = _ -> {};

  WsRig(ActorSystem<?> system, Path data, String... settings) {
    this(system, data, new IngressRig.Kept(), settings);
  }

  /** @param devices as an earlier life left them */
  WsRig(ActorSystem<?> system, Path data, IngressRig.Kept devices, String... settings) {
    this.devices = devices;
    var random = new SecureRandom();
    var config = config(data, settings);
    try {
      credentials = Credentials.open(data, config.principals(), random);
      token = TokenFile.open(data, random);
    } catch (IOException broken) {
      throw new UncheckedIOException(broken);
    }
    var edge = Edge.of(
        config, new RecordedSessions(), new Harnesses(), new Standing(), credentials, devices, clock, random);
    ingress = IngressListener.bind(system, edge, hub -> {
      announcer = hub;
      return new Repertoire(methods(), List.of(NOTE),
          () -> CompletableFuture.completedFuture(Json.object().put("ok", true)));
    }).toCompletableFuture().join();
  }

  private List<Method> methods() {
    return List.of(
        Method.of("test.echo", Operation.READ_SESSIONS,
            call -> CompletableFuture.completedFuture(call.fields().object())),
        Method.of("test.write", Operation.SUBMIT,
            call -> CompletableFuture.completedFuture(Json.object().put("by", call.peer().principal().name()))),
        Method.of("test.admin", Operation.RESET_SESSION,
            _ -> CompletableFuture.completedFuture(Json.object())),
        Method.of("test.hold", Operation.READ_SESSIONS, _ -> {
          var answer = new CompletableFuture<JsonNode>();
          held.add(answer);
          return answer;
        }),
        Method.of("test.twice", Operation.READ_SESSIONS, call -> {
          call.interim().accept(Json.object().put("status", "accepted"));
          var answer = new CompletableFuture<JsonNode>();
          held.add(answer);
          return answer;
        }),
        Method.of("test.bug", Operation.READ_SESSIONS, _ -> {
          throw new IllegalStateException("a bug of the method");
        }),
        Method.of("test.long", Operation.READ_SESSIONS, call -> CompletableFuture.completedFuture(
            Json.object().put("text", "x".repeat(call.fields().number("chars").orElseThrow().intValue())))),
        new Method("test.alias", Operation.READ_SESSIONS, false,
            _ -> CompletableFuture.completedFuture(Json.object())));
  }

  /** Tells every reader. */
  void note(String text, boolean droppable) {
    announcer.announce(new Broadcast(
        NOTE, Broadcast.Audience.readersOf("agent:main:main", ""), droppable, Json.object().put("text", text)));
  }

  Announcer announcer() {
    return announcer;
  }

  int port() {
    return ingress.address().getPort();
  }

  long now() {
    return clock.millis();
  }

  void pass(Duration time) {
    clock.now = clock.now.plus(time);
  }

  @Override
  public void close() {
    ingress.close(Duration.ofSeconds(1)).toCompletableFuture().join();
  }

  private static GatewayConfig config(Path data, String... settings) {
    var principals = new StringBuilder(String.join("\n", settings)).append('\n');
    for (var scope : List.of("read", "write", "approvals", "pairing", "admin")) {
      principals.append("portcullis.auth.principals.").append(scope)
          .append(" { token-sha256 = ").append(Digests.hex("token-of-" + scope))
          .append(", scopes = [operator.").append(scope).append("] }\n");
    }
    return GatewayConfig.from(ConfigFactory.parseString(principals + """
            portcullis.data = "%s"
            portcullis.http.port = 0
            portcullis.http.body-bytes = 64KiB
            """.formatted(data))
        .withFallback(ConfigFactory.parseFile(new File("conf/application.conf")))
        .resolve());
  }

  private static final class Standing implements Operations {
    @Override
    public GatewayStatus status() {
      return IngressRig.OPEN;
    }

    @Override
    public void drain(String by) {}
  }

  private static final class MovedClock extends Clock {
    private volatile Instant now = RecordedSessions.START.plusSeconds(60);

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }
}
