package dev.portcullis.ingress.ws;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Problems;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The protocol on one socket: a challenge, one {@code connect}, and then requests in any number. */
final class Connection implements Socket.Owner {
  /** Requests of one client that may wait for their answers. */
  static final int REQUESTS_MAX = 64;

  private static final Logger LOG = LoggerFactory.getLogger(Connection.class);
  private static final String CONNECT = "connect";

  private static final Failure DRAINING = new Failure(
      Failure.UNAVAILABLE, "gateway unavailable during gateway restart",
      Json.object().put("reason", "gateway-restarting"), true, 1_000);

  /** How far it has come. */
  private sealed interface Phase {
    record Challenged() implements Phase {}

    /** Nothing is read meanwhile. */
    record Deciding() implements Phase {}

    record Live(Member member) implements Phase {}

    record Over() implements Phase {}
  }

  /** What all connections share. */
  record House(
      Edge edge, Problems problems, Hub hub, Login login, Hello hello, Map<String, Method> methods) {}

  private final House house;
  private final Login.Remote remote;
  private final Socket socket;
  private final Runnable settled;
  private final String connId;
  private final String nonce;
  private final AtomicInteger open = new AtomicInteger();
  private volatile Phase phase = new Phase.Challenged();

  /** @param settled called once, when it has logged in or never will */
  Connection(House house, Login.Remote remote, Socket socket, Runnable settled) {
    this.house = house;
    this.remote = remote;
    this.socket = socket;
    this.settled = settled;
    this.connId = uuid();
    this.nonce = uuid();
  }

  private String uuid() {
    return new UUID(house.edge().random().nextLong(), house.edge().random().nextLong()).toString();
  }

  @Override
  public void opened() {
    socket.answer(Envelopes.direct("connect.challenge",
        Json.object().put("nonce", nonce).put("ts", house.edge().clock().millis())));
  }

  @Override
  public boolean reads() {
    return switch (phase) {
      case Phase.Deciding _ -> false;
      case Phase.Challenged _, Phase.Live _, Phase.Over _ -> true;
    };
  }

  @Override
  public void text(byte[] text) {
    switch (phase) {
      case Phase.Challenged _ -> connect(Envelopes.request(text));
      case Phase.Live(var member) -> serve(member, Envelopes.request(text));
      case Phase.Deciding _, Phase.Over _ -> {} // What came in one piece with the frame before.
    }
  }

  @Override
  public synchronized void closed() {
    var last = phase;
    phase = new Phase.Over();
    if (last instanceof Phase.Live(var member)) {
      house.hub().leave(member);
    } else {
      settled.run();
    }
  }

  private void connect(Envelopes.Read read) {
    switch (read) {
      case Envelopes.Read.Malformed(var id, var failure) -> turnAway(id, failure, 1008);
      case Envelopes.Read.Understood(var request) when !request.method().equals(CONNECT) -> turnAway(
          request.id(), Failure.invalid("invalid handshake: first request must be connect"), 1008);
      case Envelopes.Read.Understood(var request) when house.hub().isDraining() ->
          turnAway(request.id(), DRAINING, 1013);
      case Envelopes.Read.Understood(var request) -> {
        try {
          var wanted = ConnectRequest.from(request.params());
          phase = new Phase.Deciding();
          house.login().decide(connId, nonce, remote, wanted).whenComplete((outcome, failure) -> {
            if (failure == null) {
              decided(request.id(), outcome);
            } else {
              turnAway(request.id(), Failure.of(house.problems().fault(failure)), 1011);
            }
          });
        } catch (InputFault fault) {
          turnAway(request.id(),
              Failure.invalid("invalid connect params: " + fault.problem().message()), 1008);
        }
      }
    }
  }

  private void turnAway(String id, Failure failure, int code) {
    socket.answer(Envelopes.refused(id, failure));
    socket.close(code, failure.message());
  }

  private synchronized void decided(String id, Login.Outcome outcome) {
    if (phase instanceof Phase.Over) {
      return; // It did not wait.
    }
    switch (outcome) {
      case Login.Outcome.Out(var failure, var code) -> {
        if (!failure.retryable()) { // Whoever hammers is not written down each time.
          LOG.info("socket.refused client={} detail={}",
              remote.client(), failure.details().path("code").asText("none"));
        }
        turnAway(id, failure, code);
      }
      case Login.Outcome.In in -> {
        var member = new Member(in.welcome(), socket, in.stillWelcome());
        LOG.info("socket.welcome conn={} principal={} client={}",
            connId, member.principal().name(), in.welcome().client().id());
        socket.trust(house.edge().config().http().bodyBytes());
        socket.answer(Envelopes.done(id, house.hello().payload(member)));
        phase = new Phase.Live(member);
        settled.run();
        house.hub().join(member);
        socket.wake();
      }
    }
  }

  private void serve(Member member, Envelopes.Read read) {
    if (!member.checked()) {
      return;
    }
    var exceeded = spend(member);
    switch (read) {
      case Envelopes.Read.Malformed(var id, var failure) ->
          socket.answer(Envelopes.refused(id, exceeded.orElse(failure)));
      case Envelopes.Read.Understood(var request) when exceeded.isPresent() ->
          refuse(request, exceeded.get());
      case Envelopes.Read.Understood(var request) -> serve(member, request);
    }
  }

  /** Counts a frame as HTTP counts a request: before anybody looks at what it asks for. */
  private Optional<Failure> spend(Member member) {
    try {
      house.edge().admission().spend(member.principal());
      return Optional.empty();
    } catch (InputFault fault) {
      return Optional.of(Failure.of(fault.problem()));
    }
  }

  private void serve(Member member, Envelopes.Request request) {
    var method = house.methods().get(request.method());
    if (request.method().equals(CONNECT)) {
      refuse(request, Failure.invalid("connect is only valid as the first request"));
    } else if (method == null) {
      refuse(request, Failure.invalid("unknown method: " + request.method()));
    } else if (!member.principal().authorize(method.operation())) {
      LOG.warn("socket.forbidden principal={} method={}", member.principal().name(), method.name());
      refuse(request, Failure.missingScope(method.operation()));
    } else if (open.get() >= REQUESTS_MAX) { // Only this thread adds to them.
      refuse(request, Failure.busy());
    } else {
      open.incrementAndGet();
      var over = new AtomicBoolean();
      answer(method, new MethodCall(
              request.method(), new Fields(request.params()), member,
              house.edge().sessionsOf(member.principal()),
              payload -> {
                if (!over.get()) {
                  socket.answer(Envelopes.done(request.id(), payload));
                }
              }))
          .whenComplete((payload, failure) -> {
            over.set(true);
            open.decrementAndGet();
            socket.answer(failure == null
                ? Envelopes.done(request.id(), payload)
                : Envelopes.refused(request.id(), Failure.of(house.problems().fault(failure))));
          });
    }
  }

  private void refuse(Envelopes.Request request, Failure failure) {
    socket.answer(Envelopes.refused(request.id(), failure));
  }

  /** What is thrown on the way is an answer, too. */
  private static CompletionStage<JsonNode> answer(Method method, MethodCall call) {
    return CompletableFuture.completedFuture(call).thenCompose(method.handler()::handle);
  }
}
