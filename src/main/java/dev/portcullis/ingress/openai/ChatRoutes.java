package dev.portcullis.ingress.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Operation;
import dev.portcullis.ingress.http.Call;
import dev.portcullis.ingress.http.Endpoint;
import dev.portcullis.ingress.http.Replies;
import dev.portcullis.protocol.RunView;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/**
 * OpenAI's {@code /v1/chat/completions} and {@code /v1/models}: a model is an agent. Status 200 is sent only
 * once the turn is in the journal.
 */
final class ChatRoutes {
  private static final String COMPLETIONS = "/v1/chat/completions";

  private final Edge edge;
  private final Answers answers;
  private final Acceptance acceptance;
  private final Attendance attendance;

  ChatRoutes(Edge edge, Answers answers, Attendance attendance) {
    this.edge = edge;
    this.answers = answers;
    this.acceptance = new Acceptance(edge);
    this.attendance = attendance;
  }

  List<Endpoint> endpoints() {
    return List.of(
        Endpoint.postJson(COMPLETIONS, Operation.SUBMIT, this::complete),
        Endpoint.get("/v1/models", Operation.READ_MODELS, _ -> CompletableFuture.completedFuture(Replies.json(
            200, ChatCodec.models(edge.config().agents().keySet(), edge.operations().status().startedAt())))),
        Endpoint.get("/v1/models/{id}", Operation.READ_MODELS, this::model));
  }

  private CompletionStage<HttpResponse> model(Call call) {
    var id = call.path("id");
    answers.requireModel(id);
    return CompletableFuture.completedFuture(
        Replies.json(200, ChatCodec.model(id, edge.operations().status().startedAt())));
  }

  private CompletionStage<HttpResponse> complete(Call call) {
    var request = ChatCodec.request(call.fields(), edge.config());
    answers.requireModel(request.model());
    boolean bound = !request.user().isEmpty();
    var asked = new Acceptance.Request(
        "POST " + COMPLETIONS,
        request.model(),
        bound ? List.of(Acceptance.named(call, request.model(), request.user())) : List.of(),
        bound ? List.of() : request.context(), // A conversation has its own transcript.
        request.message(),
        request.input(),
        "");
    boolean ownsItself = bound || acceptance.mayComeBack(call);
    return acceptance.take(call, asked).thenCompose(taken -> switch (taken) {
      case Taken.Refused(var problem) -> CompletableFuture.completedFuture(Replies.problem(problem));
      case Taken.Run(var run, boolean replayed) -> {
        if (!ownsItself) {
          attendance.require(run);
        }
        yield answer(call, request, run).thenApply(response -> Replies.replayed(response, replayed));
      }
    });
  }

  private CompletionStage<HttpResponse> answer(Call call, ChatRequest request, RunView run) {
    return request.stream()
        ? CompletableFuture.completedFuture(answers.stream(attendance.reads(call, run.id(),
            ChatStream.of(run, request.includeUsage(), answers.events(call, run)))))
        : attendance.waits(call, run.id(), answers.atRest(call.sessions(), run)
            .thenApply(rested -> answers.whole(rested, ChatRoutes::completion)));
  }

  private static ObjectNode completion(RunView run) {
    return ChatCodec.completion(ChatCodec.Head.of(run), run.text(), run.calls(),
        ChatCodec.finishReason(run.stopReason(), run.calls()), run.usage());
  }
}
