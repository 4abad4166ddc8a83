package dev.portcullis.ingress.http;

import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Operation;
import dev.portcullis.ingress.Problems;
import dev.portcullis.session.ControlReply;
import dev.portcullis.protocol.RunView;
import dev.portcullis.session.Quarantined;
import dev.portcullis.session.Sessions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.NotUsed;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;

/** {@code /api/v1/runs}: one run, its events, and what can be done with it. */
public final class RunRoutes {
  /** Longest long poll. */
  private static final Duration WAIT_MAX = Duration.ofSeconds(120);

  private static final String ID = "[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}";

  private final Sse sse;

  public RunRoutes(Sse sse) {
    this.sse = sse;
  }

  public List<Endpoint> endpoints() {
    return List.of(
        Endpoint.get("/api/v1/runs/{id}", Operation.READ_RUN, this::run),
        Endpoint.get("/api/v1/runs/{id}/events", Operation.READ_RUN, this::events),
        Endpoint.post("/api/v1/runs/{id}/abort", Operation.ABORT_RUN, this::abort),
        Endpoint.post("/api/v1/runs/{id}/resume", Operation.RESUME_RUN, this::resume));
  }

  private CompletionStage<HttpResponse> run(Call call) {
    var id = id(call);
    var wait = call.duration("wait", WAIT_MAX);
    var run = wait.isZero() ? call.sessions().run(id) : call.sessions().awaitEnd(id, wait);
    return run.thenApply(found -> found
        .map(view -> Replies.json(200, ApiCodec.run(view)))
        .orElseGet(() -> absent(id)));
  }

  private CompletionStage<HttpResponse> events(Call call) {
    var id = id(call);
    long after = call.query("after")
        .map(text -> Call.whole("after", text))
        .or(() -> call.header("last-event-id").map(text -> Call.whole("Last-Event-ID", text)))
        .orElse(0L);
    return call.sessions().run(id).thenApply(found -> found
        .map(run -> sse.resumable(events(call.sessions(), run, after)))
        .orElseGet(() -> absent(id)));
  }

  private static Source<ByteString, NotUsed> events(Sessions sessions, RunView run, long after) {
    // Only what is not ours to know can lie beyond what the journal has: a number of another run, or of a
    // journal that was put back from a copy.
    boolean beyond = after > run.lastSeq();
    boolean trimmed = run.trimmed() && after < run.lastSeq() - 1;
    var events = sessions.events(run.id(), beyond ? 0 : after)
        .map(event ->
            Sse.event(Long.toString(event.seq()), event.body().type(), ApiCodec.event(event)));
    return beyond || trimmed
        ? Source.single(resync(run, trimmed ? "trimmed" : "unknown_position")).concatLazy(events)
        : events;
  }

  /** Forget what you have and take what follows, which begins with number {@code next}. */
  private static ByteString resync(RunView run, String reason) {
    return Sse.resync(reason,
        Json.object().put("runId", run.id()).put("next", run.trimmed() ? run.lastSeq() : 1));
  }

  private CompletionStage<HttpResponse> abort(Call call) {
    var id = id(call);
    return call.sessions()
        .abort(id, call.principal().name())
        .thenCompose(reply -> answer(call, id, "aborted", reply));
  }

  private CompletionStage<HttpResponse> resume(Call call) {
    var id = id(call);
    return call.sessions()
        .resume(id, call.principal().name())
        .thenCompose(reply -> answer(call, id, "resumed", reply));
  }

  private CompletionStage<HttpResponse> answer(Call call, String id, String wanted, ControlReply reply) {
    return switch (reply) {
      case ControlReply.Done(var status) -> CompletableFuture.completedFuture(
          Replies.json(202, Json.object().put("id", id).put("status", status.word())));
      case ControlReply.Refused refused ->
          CompletableFuture.completedFuture(Replies.problem(Problems.of(id, wanted, refused)));
      case Quarantined quarantined ->
          CompletableFuture.completedFuture(Replies.problem(Problems.of(quarantined)));
      // A run that exists, though no session takes the command for it.
      case ControlReply.Unknown _ -> call.sessions().run(id).thenApply(found -> found
          .map(view -> Replies.problem(Problems.conflict(id, wanted, view.status())))
          .orElseGet(() -> absent(id)));
    };
  }

  static String id(Call call) {
    var id = call.path("id");
    if (!id.matches(ID)) {
      throw InputFault.of(Problems.runNotFound(id));
    }
    return id;
  }

  private static HttpResponse absent(String id) {
    return Replies.problem(Problems.runNotFound(id));
  }
}
