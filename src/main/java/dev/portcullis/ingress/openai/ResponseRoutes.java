package dev.portcullis.ingress.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Operation;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.http.Call;
import dev.portcullis.ingress.http.Endpoint;
import dev.portcullis.ingress.http.Replies;
import dev.portcullis.ingress.openai.ResponseCodec.Head;
import dev.portcullis.ingress.openai.ResponseCodec.Standing;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.RunView;
import dev.portcullis.session.Quarantined;
import dev.portcullis.session.SessionKey;
import dev.portcullis.session.Sessions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/**
 * OpenAI's {@code /v1/responses}. A response is a run that was asked for as one, read from the journal; it
 * belongs to who asked for it, and to everybody else there is none.
 */
final class ResponseRoutes {
  private static final String RESPONSES = "/v1/responses";
  private static final String RESPONSE = RESPONSES + "/{id}";
  /** How long a cancelled run gets to end before the answer says that it has not yet. */
  private static final Duration CANCELLED = Duration.ofSeconds(2);
  private static final int PAGE = 20;
  private static final int PAGE_MAX = 100;

  private final Edge edge;
  private final Answers answers;
  private final Acceptance acceptance;
  private final Attendance attendance;

  /** A response that the caller may see. */
  private record Found(RunView run, Sessions.Turn turn, ResponseNote note) {
    Head head() {
      return Head.of(run, turn.input().tools(), note);
    }

    ObjectNode json() {
      return ResponseCodec.withRun(ResponseCodec.response(head(), Standing.of(run)), run);
    }
  }

  ResponseRoutes(Edge edge, Answers answers, Attendance attendance) {
    this.edge = edge;
    this.answers = answers;
    this.acceptance = new Acceptance(edge);
    this.attendance = attendance;
  }

  List<Endpoint> endpoints() {
    return List.of(
        Endpoint.postJson(RESPONSES, Operation.SUBMIT, this::create),
        Endpoint.get(RESPONSE, Operation.READ_RUN, this::retrieve),
        Endpoint.delete(RESPONSE, Operation.DELETE_RESPONSE, this::delete),
        Endpoint.post(RESPONSE + "/cancel", Operation.ABORT_RUN, this::cancel),
        Endpoint.get(RESPONSE + "/input_items", Operation.READ_RUN, this::inputItems));
  }

  // ---- POST

  private CompletionStage<HttpResponse> create(Call call) {
    var request = ResponseReader.read(call.fields(), edge.config());
    answers.requireModel(request.model());
    if (request.previous().isEmpty()) {
      return create(call, request, Stream.of(request.conversation())
          .filter(name -> !name.isEmpty())
          .map(name -> Acceptance.named(call, request.model(), name))
          .toList());
    }
    return find(call, request.previous()).thenCompose(previous -> previous.isEmpty()
        ? done(Replies.problem(Problems.previousResponseNotFound(request.previous())))
        : create(call, request, List.of(continued(request, previous.get()))));
  }

  private static SessionKey continued(ResponseRequest request, Found previous) {
    var session = previous.turn().session();
    var calls = previous.run().calls().stream().map(FunctionCall::id).collect(Collectors.toSet());
    if (!request.input().results().stream().allMatch(result -> calls.contains(result.callId()))) {
      throw Fields.fault("input", "answers a function_call that what it continues did not make");
    }
    if (!session.agent().equals(request.model())) {
      throw Fields.fault("model", "must be " + session.agent() + ", as in the response that this continues");
    }
    return session;
  }

  private CompletionStage<HttpResponse> create(Call call, ResponseRequest request, List<SessionKey> session) {
    var asked = new Acceptance.Request(
        "POST " + RESPONSES, request.model(), session, request.context(), request.message(),
        request.input(), new ResponseNote(request.note()).text());
    boolean ownsItself = request.continues() || request.background() || acceptance.mayComeBack(call);
    return acceptance.take(call, asked).thenCompose(taken -> switch (taken) {
      case Taken.Refused(var problem) -> done(Replies.problem(problem));
      case Taken.Run(var run, boolean replayed) -> {
        if (!ownsItself) {
          attendance.require(run);
        }
        yield answer(call, request, run).thenApply(response -> Replies.replayed(response, replayed));
      }
    });
  }

  private CompletionStage<HttpResponse> answer(Call call, ResponseRequest request, RunView run) {
    var head = Head.of(run, request.input().tools(), new ResponseNote(request.note()));
    if (request.stream()) {
      return done(stream(call, run, head, -1));
    }
    Function<RunView, ObjectNode> body = rested -> ResponseCodec.response(head, Standing.of(rested));
    return request.background()
        ? done(Replies.json(200, body.apply(run)))
        : attendance.waits(call, run.id(), answers.atRest(call.sessions(), run)
            .thenApply(rested -> answers.whole(rested, body)));
  }

  private HttpResponse stream(Call call, RunView run, Head head, long after) {
    return answers.stream(attendance.reads(
        call, run.id(), ResponseStream.of(run, head, after, answers.events(call, run))));
  }

  // ---- what was asked for before

  /**
   * Empty when there is none, when it is somebody else's, when it was not to be stored, or when retention has
   * taken its texts: these look alike.
   */
  private static CompletionStage<Optional<Found>> find(Call call, String id) {
    var runId = ResponseIds.runId(id);
    return runId.isEmpty() ? CompletableFuture.completedFuture(Optional.empty())
        : call.sessions().run(runId.get()).thenCompose(run -> run.isEmpty()
            ? CompletableFuture.completedFuture(Optional.<Found>empty())
            : call.sessions().turn(runId.get()).thenApply(turn -> turn
                .filter(asked -> asked.principal().equals(call.principal().name()))
                .flatMap(asked -> ResponseNote.read(asked.note())
                    .filter(ResponseNote::stored)
                    .map(note -> new Found(run.get(), asked, note)))));
  }

  private static CompletionStage<HttpResponse> found(
      Call call, Function<Found, CompletionStage<HttpResponse>> then) {
    var id = call.path("id");
    return find(call, id).thenCompose(found -> found
        .map(then)
        .orElseGet(() -> done(Replies.problem(Problems.responseNotFound(id)))));
  }

  private CompletionStage<HttpResponse> retrieve(Call call) {
    boolean stream = call.flag("stream");
    long after = call.number("starting_after", -1);
    return found(call, response -> {
      if (stream) {
        return done(stream(call, response.run(), response.head(), after));
      }
      attendance.looks(call, response.run().id());
      return done(Replies.json(200, response.json()));
    });
  }

  /** Whoever comes too late is told what the response has become: a repeat is harmless. */
  private CompletionStage<HttpResponse> cancel(Call call) {
    return found(call, response -> call.sessions()
        .abort(response.run().id(), call.principal().name())
        .thenCompose(reply -> reply instanceof Quarantined quarantined
            ? done(Replies.problem(Problems.of(quarantined)))
            : call.sessions().awaitEnd(response.run().id(), CANCELLED).thenApply(run -> run
                .map(view -> Replies.json(200, new Found(view, response.turn(), response.note()).json()))
                .orElseGet(() -> Replies.problem(Problems.responseNotFound(call.path("id")))))));
  }

  /**
   * Texts are deleted with their session. So a response that is alone in its session goes with it; one of a
   * conversation cannot be taken out of it, and that is said rather than hidden.
   */
  private CompletionStage<HttpResponse> delete(Call call) {
    return found(call, response -> call.sessions()
        .row(response.turn().session())
        .thenCompose(row -> row.filter(session -> session.accepted() > 1).isPresent()
            ? done(Replies.problem(Problems.responseInConversation(call.path("id"))))
            : call.sessions().erase(response.turn().session(), call.principal().name())
                .thenApply(_ -> Replies.json(200, Json.object()
                    .put("id", call.path("id")).put("object", "response").put("deleted", true)))));
  }

  private CompletionStage<HttpResponse> inputItems(Call call) {
    int limit = call.limit(PAGE, PAGE_MAX);
    boolean newestFirst = switch (call.query("order").orElse("desc")) {
      case "desc" -> true;
      case "asc" -> false;
      default -> throw Fields.fault("order", "must be asc or desc");
    };
    var after = call.query("after");
    return found(call, response -> {
      var items = items(response);
      if (newestFirst) {
        Collections.reverse(items);
      }
      int from = after.map(id -> 1 + at(items, id)).orElse(0);
      var page = items.subList(from, Math.min(items.size(), from + limit));
      return done(Replies.json(200, ResponseCodec.list(page, from + page.size() < items.size())));
    });
  }

  /** What came with this request; what the session knew before came with earlier ones. */
  private static List<ObjectNode> items(Found response) {
    var messages = new ArrayList<>(response.turn().context());
    if (response.note().fields().has("instructions") && !messages.isEmpty()) {
      messages.removeFirst(); // They are shown as such.
    }
    response.turn().input().results().forEach(result -> messages.add(Message.of(result)));
    var last = Message.user(response.turn().message(), response.turn().input().images());
    if (!last.isEmpty()) {
      messages.add(last);
    }
    var items = new ArrayList<ObjectNode>();
    messages.forEach(message -> ResponseCodec.inputItems(response.run().id(), message, items));
    return items;
  }

  private static int at(List<ObjectNode> items, String id) {
    for (int i = 0; i < items.size(); i++) {
      if (items.get(i).path("id").asText().equals(id)) {
        return i;
      }
    }
    throw Fields.fault("after", "is not the id of an item of this response");
  }

  private static CompletionStage<HttpResponse> done(HttpResponse response) {
    return CompletableFuture.completedFuture(response);
  }
}
