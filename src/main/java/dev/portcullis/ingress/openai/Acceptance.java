package dev.portcullis.ingress.openai;

import dev.portcullis.ingress.Credentials;
import dev.portcullis.ingress.Digests;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Intake;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Problem;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.http.Call;
import dev.portcullis.ingress.http.IdempotencyKeys;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.Message;
import dev.portcullis.session.Quarantined;
import dev.portcullis.session.Receipt;
import dev.portcullis.session.SessionKey;
import dev.portcullis.session.Sessions;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * From a request to the run that answers it: a new one, or the one that an earlier sending of the same
 * request began. Clients that give no idempotency key send a request again with a count, and without any
 * other mark: docs/adr/0015.
 */
final class Acceptance {
  private static final String COUNT = "x-stainless-retry-count";

  private final Edge edge;

  Acceptance(Edge edge) {
    this.edge = edge;
  }

  /**
   * @param session of a conversation; an empty list for a call of its own
   * @param context messages before {@code message} that the session does not have
   * @param input what the turn carries besides {@code message}
   * @param note kept with the run
   */
  record Request(
      String route, String model, List<SessionKey> session, List<Message> context, String message,
      Input input, String note) {
    Request {
      session = List.copyOf(session);
      context = List.copyOf(context);
    }
  }

  CompletionStage<Taken> take(Call call, Request request) {
    var body = Json.canonical(call.fields().object());
    var key = IdempotencyKeys.of(call, Optional.empty());
    if (key.isPresent()) {
      var scoped = IdempotencyKeys.scoped(call, request.route(), key.get(), body);
      var session = session(call, request, Digests.hex(call.principal().name(), key.get()));
      return submit(call, request, session, List.of(scoped), List.of());
    }
    var again = count(call).stream()
        .map(count -> new Sessions.Call(
            Digests.hex("call", call.principal().name(), request.route(), Digests.hex(body)), count))
        .toList();
    return repeated(call, again).thenCompose(run -> run.isPresent()
        ? found(call, run.get(), true)
        : submit(call, request, session(call, request, chance()), List.of(), again));
  }

  /**
   * Whether the client may come back for the run where this node does not see it: with its key at any time,
   * with a count through another node.
   */
  boolean mayComeBack(Call call) {
    return IdempotencyKeys.of(call, Optional.empty()).isPresent()
        || edge.config().cluster().enabled() && count(call).isPresent();
  }

  private static Optional<Integer> count(Call call) {
    return call.header(COUNT).filter(text -> text.matches("\\d{1,3}")).map(Integer::valueOf);
  }

  private static CompletionStage<Optional<String>> repeated(Call call, List<Sessions.Call> again) {
    return again.stream()
        .filter(sent -> sent.count() > 0)
        .findFirst()
        .map(call.sessions()::repeated)
        .orElseGet(() -> CompletableFuture.completedFuture(Optional.empty()));
  }

  /** A call of its own has a session of its own, which its idempotency key finds again. */
  private static SessionKey session(Call call, Request request, String name) {
    return request.session().isEmpty() ? named(call, request.model(), name) : request.session().getFirst();
  }

  /**
   * The session that a client's name for a conversation stands for; what does not fit goes in as digest. Two
   * principals that give the same name mean two sessions.
   */
  static SessionKey named(Call call, String model, String name) {
    var principal = call.principal().name();
    var whose = principal.equals(Credentials.OWNER) ? "" : principal + ":";
    var prefix = "agent:" + model + ":api:" + whose;
    return SessionKey.parse(prefix + name).orElseGet(() -> new SessionKey(prefix + Digests.hex(name)));
  }

  private String chance() {
    var bytes = new byte[16];
    edge.random().nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  private CompletionStage<Taken> submit(
      Call call, Request request, SessionKey session, List<Sessions.Key> key, List<Sessions.Call> again) {
    var turn = new Sessions.Turn(
        session, call.principal().name(), request.message(), request.context(), key, request.input(), again,
        request.note());
    Intake.require(edge, turn);
    return call.sessions().submit(turn).thenCompose(receipt -> switch (receipt) {
      case Receipt.Accepted accepted -> found(call, accepted.runId(), accepted.replayed());
      case Receipt.KeyReused reused -> refused(Problems.of(reused));
      case Receipt.Busy busy -> refused(Problems.of(busy));
      case Receipt.Foreign _ -> refused(Problems.sessionNotFound(session.text()));
      case Receipt.QueueFull full -> refused(Problems.of(full));
      case Receipt.Closed closed -> refused(Problems.of(closed));
      case Quarantined quarantined -> refused(Problems.of(quarantined));
    });
  }

  /** A run is found again unless its session was erased, which its key outlives. */
  private static CompletionStage<Taken> found(Call call, String runId, boolean replayed) {
    return call.sessions().run(runId).thenApply(view -> view
        .<Taken>map(run -> new Taken.Run(run, replayed))
        .orElseGet(() -> new Taken.Refused(Problems.runNotFound(runId))));
  }

  private static CompletionStage<Taken> refused(Problem problem) {
    return CompletableFuture.completedFuture(new Taken.Refused(problem));
  }
}
