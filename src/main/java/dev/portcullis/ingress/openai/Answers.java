package dev.portcullis.ingress.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Problem;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.http.Call;
import dev.portcullis.ingress.http.Replies;
import dev.portcullis.ingress.http.Sse;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.RunView;
import dev.portcullis.session.Sessions;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.apache.pekko.NotUsed;
import org.apache.pekko.actor.ClassicActorSystemProvider;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.japi.pf.PFBuilder;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;

/** From a run to the answer of a call of this API: whole, once it has come to rest, or as it comes. */
final class Answers {
  /** How long to look again at a run whose events ended before it did. */
  private static final Duration SECOND_LOOK = Duration.ofSeconds(2);

  private final Edge edge;
  private final Sse sse;
  private final Problems problems;
  private final ClassicActorSystemProvider system;

  Answers(Edge edge, Sse sse, Problems problems, ClassicActorSystemProvider system) {
    this.edge = edge;
    this.sse = sse;
    this.problems = problems;
    this.system = system;
  }

  /** What a stream is made of. */
  sealed interface Input {
    record Heard(RunEvent event) implements Input {}

    record Broken(Problem problem) implements Input {}
  }

  void requireModel(String model) {
    if (!edge.config().agents().containsKey(model)) {
      throw InputFault.of(Problems.modelNotFound(model));
    }
  }

  static IllegalStateException lost(String runId) {
    return new IllegalStateException("run " + runId + " was accepted and is not in the journal");
  }

  /** Nothing follows until somebody does something. */
  static boolean rests(RunView before, RunEvent event) {
    return event.terminal() || event.body() instanceof RunEvent.Parked && event.seq() >= before.lastSeq();
  }

  /**
   * The run's events from its first on, until it comes to rest; cut off when the gateway is about to stop.
   * It never fails.
   */
  Source<Input, NotUsed> events(Call call, RunView run) {
    return sse.closable(call.sessions().events(run.id(), 0))
        .takeWhile(event -> !rests(run, event), true)
        .<Input>map(Input.Heard::new)
        .recover(new PFBuilder<Throwable, Input>()
            .matchAny(thrown -> new Input.Broken(problems.fault(thrown)))
            .build());
  }

  HttpResponse stream(Source<ByteString, NotUsed> frames) {
    return sse.response(frames);
  }

  /**
   * The run once it has ended or is parked, or as it is when the gateway is about to stop. Its own events say
   * when; the journal says what is true then.
   */
  CompletionStage<RunView> atRest(Sessions sessions, RunView run) {
    if (run.status().terminal() || run.status() == RunStatus.PARKED || sse.closed()) {
      return CompletableFuture.completedFuture(run);
    }
    return sse.closable(sessions.events(run.id(), run.lastSeq()))
        .filter(event -> rests(run, event))
        .runWith(Sink.headOption(), system)
        .thenCompose(last -> last.isPresent() && !last.get().terminal()
            ? sessions.run(run.id())
            : sessions.awaitEnd(run.id(), SECOND_LOOK))
        .thenCompose(found -> atRest(sessions, found.orElseThrow(() -> lost(run.id()))));
  }

  /**
   * The answer of a run that has come to rest, with the name of the harness that gave it: one that took over
   * is not the agent's own.
   */
  HttpResponse whole(RunView run, Function<RunView, ObjectNode> body) {
    var whole = answer(run, body);
    return run.harness().isEmpty() ? whole
        : whole.addHeader(RawHeader.create("x-portcullis-harness", run.harness()));
  }

  private static HttpResponse answer(RunView run, Function<RunView, ObjectNode> body) {
    return switch (run.status()) {
      case COMPLETED -> Replies.json(200, body.apply(run));
      case FAILED -> Replies.problem(Problems.runFailed(
          run.error().orElseThrow(() -> new IllegalStateException(run.id() + " failed without an error"))));
      case ABORTED -> Replies.problem(Problems.runAborted(run.id()));
      case PARKED -> Replies.problem(Problems.runParked(run.id(), reason(run)));
      case QUEUED, STARTING, RUNNING, ABORTING, INTERRUPTED -> Replies.problem(Problems.streamCut(run.id()));
    };
  }

  private static String reason(RunView run) {
    return run.outcome() instanceof RunView.Outcome.Parked(var reason, _) ? reason : "no reason noted";
  }
}
