package dev.portcullis.ingress.openai;

import dev.portcullis.ingress.Digests;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Operation;
import dev.portcullis.ingress.Problem;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.http.Call;
import dev.portcullis.ingress.http.Endpoint;
import dev.portcullis.ingress.http.IdempotencyKeys;
import dev.portcullis.ingress.http.Replies;
import dev.portcullis.ingress.http.Sse;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.RunView;
import dev.portcullis.session.Quarantined;
import dev.portcullis.session.Receipt;
import dev.portcullis.session.SessionKey;
import dev.portcullis.session.Sessions;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.actor.ClassicActorSystemProvider;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.stream.javadsl.Sink;

/**
 * OpenAI's {@code /v1/chat/completions} and {@code /v1/models}: a model is an agent. Status 200 is sent only
 * once the turn is in the journal; a client that goes away does not cancel it.
 */
public final class ChatRoutes {
  private static final String COMPLETIONS = "/v1/chat/completions";
  /** How long to look again at a run whose events ended before it did. */
  private static final Duration SECOND_LOOK = Duration.ofSeconds(2);

  private final Edge edge;
  private final Sse sse;
  private final Problems problems;
  private final ClassicActorSystemProvider system;

  public ChatRoutes(Edge edge, Sse sse, Problems problems, ClassicActorSystemProvider system) {
    this.edge = edge;
    this.sse = sse;
    this.problems = problems;
    this.system = system;
  }

  public List<Endpoint> endpoints() {
    return List.of(
        Endpoint.postJson(COMPLETIONS, Operation.SUBMIT, this::complete),
        Endpoint.get("/v1/models", Operation.READ_MODELS, _ -> CompletableFuture.completedFuture(Replies.json(
            200, ChatCodec.models(edge.config().agents().keySet(), edge.operations().status().startedAt())))),
        Endpoint.get("/v1/models/{id}", Operation.READ_MODELS, this::model));
  }

  private CompletionStage<HttpResponse> model(Call call) {
    var id = call.path("id");
    requireModel(id);
    return CompletableFuture.completedFuture(
        Replies.json(200, ChatCodec.model(id, edge.operations().status().startedAt())));
  }

  private CompletionStage<HttpResponse> complete(Call call) {
    var fields = call.fields();
    var request = ChatCodec.request(fields, edge.config().session().messageChars());
    requireModel(request.model());
    var key = IdempotencyKeys.of(call, Optional.empty());
    var scoped = key.stream()
        .map(text -> IdempotencyKeys.scoped(call, "POST " + COMPLETIONS, text,
            Json.canonical(fields.object())))
        .toList();
    boolean bound = !request.user().isEmpty();
    var turn = new Sessions.Turn(
        bound ? conversation(request) : unbound(request, call, key),
        call.principal().name(),
        request.message(),
        bound ? List.of() : request.context(), // A conversation has its own transcript.
        scoped);
    return call.sessions().submit(turn).thenCompose(receipt -> answer(call, request, receipt));
  }

  private void requireModel(String model) {
    if (!edge.config().agents().containsKey(model)) {
      throw InputFault.of(Problems.modelNotFound(model));
    }
  }

  /** The session that a {@code user} stands for; what does not fit into a key goes in as its digest. */
  private static SessionKey conversation(ChatRequest request) {
    var prefix = "agent:" + request.model() + ":api:";
    return SessionKey.parse(prefix + request.user())
        .orElseGet(() -> new SessionKey(prefix + Digests.hex(request.user())));
  }

  /** A session for this one call, found again by its idempotency key if it has one. */
  private SessionKey unbound(ChatRequest request, Call call, Optional<String> key) {
    return new SessionKey("agent:" + request.model() + ":api:"
        + key.map(text -> Digests.hex(call.principal().name(), text)).orElseGet(this::chance));
  }

  private String chance() {
    var bytes = new byte[16];
    edge.random().nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  private CompletionStage<HttpResponse> answer(Call call, ChatRequest request, Receipt receipt) {
    return switch (receipt) {
      case Receipt.Accepted accepted -> call.sessions()
          .run(accepted.runId())
          .thenApply(found -> found.orElseThrow(() -> lost(accepted.runId())))
          .thenCompose(run -> request.stream()
              ? CompletableFuture.completedFuture(
                  sse.response(ChatStream.of(run, request.includeUsage(), call.sessions(), sse, problems)))
              : atRest(call.sessions(), run).thenApply(ChatRoutes::answered))
          .thenApply(response -> Replies.replayed(response, accepted.replayed()));
      case Receipt.KeyReused reused -> done(Problems.of(reused));
      case Receipt.Busy busy -> done(Problems.of(busy));
      case Receipt.QueueFull full -> done(Problems.of(full));
      case Receipt.Foreign _ -> done(Problems.sessionNotFound(request.user()));
      case Receipt.Closed closed -> done(Problems.of(closed));
      case Quarantined quarantined -> done(Problems.of(quarantined));
    };
  }

  private static IllegalStateException lost(String runId) {
    return new IllegalStateException("run " + runId + " was accepted and is not in the journal");
  }

  /**
   * The run once it has ended or is parked, or as it is when the gateway is about to stop. Its own events say
   * when; the journal says what is true then.
   */
  private CompletionStage<RunView> atRest(Sessions sessions, RunView run) {
    if (run.status().terminal() || run.status() == RunStatus.PARKED || sse.closed()) {
      return CompletableFuture.completedFuture(run);
    }
    return sse.closable(Sse.follow(sessions, run.id(), run.lastSeq()))
        .filter(event -> ChatStream.rests(run, event))
        .runWith(Sink.headOption(), system)
        .thenCompose(last -> last.isPresent() && !last.get().terminal()
            ? sessions.run(run.id())
            : sessions.awaitEnd(run.id(), SECOND_LOOK))
        .thenCompose(found -> atRest(sessions, found.orElseThrow(() -> lost(run.id()))));
  }

  /** With the name of the harness that gave the answer: one that took over is not the agent's own. */
  private static HttpResponse answered(RunView run) {
    var whole = whole(run);
    return run.harness().isEmpty() ? whole
        : whole.addHeader(RawHeader.create("x-portcullis-harness", run.harness()));
  }

  private static HttpResponse whole(RunView run) {
    return switch (run.status()) {
      case COMPLETED -> Replies.json(200, ChatCodec.completion(
          ChatCodec.Head.of(run), run.text(), ChatCodec.finishReason(run.stopReason()), run.usage()));
      case FAILED -> Replies.problem(Problems.runFailed(
          run.error().orElseThrow(() -> new IllegalStateException(run.id() + " failed without an error"))));
      case ABORTED -> Replies.problem(Problems.runAborted(run.id()));
      case PARKED -> Replies.problem(Problems.runParked(run.id(), reason(run)));
      case QUEUED, STARTING, RUNNING, ABORTING, INTERRUPTED -> Replies.problem(Problems.streamCut(run.id()));
    };
  }

  private static CompletionStage<HttpResponse> done(Problem problem) {
    return CompletableFuture.completedFuture(Replies.problem(problem));
  }

  private static String reason(RunView run) {
    return run.outcome() instanceof RunView.Outcome.Parked(var reason, _) ? reason : "no reason noted";
  }
}
