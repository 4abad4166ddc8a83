package dev.portcullis.ingress.http;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.portcullis.ingress.Addressing;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.Images;
import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Intake;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Messages;
import dev.portcullis.ingress.Operation;
import dev.portcullis.ingress.Problems;
import dev.portcullis.protocol.Image;
import dev.portcullis.protocol.Input;
import dev.portcullis.session.Quarantined;
import dev.portcullis.session.Receipt;
import dev.portcullis.session.SessionKey;
import dev.portcullis.session.Sessions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.util.ByteString;

/** {@code /api/v1/sessions}: turns in, rows and transcripts out. */
public final class SessionRoutes {
  private static final String SUBMIT = "/api/v1/sessions/{key}/runs";
  private static final int PAGE = 50;
  private static final int PAGE_MAX = 500;
  private static final int CURSOR_MAX = 1_024;
  private static final int SEEN_MAX = 20;

  private final Edge edge;
  private final Addressing addressing;
  private final Sse sse;

  public SessionRoutes(Edge edge, Sse sse) {
    this.edge = edge;
    this.addressing = new Addressing(edge.config());
    this.sse = sse;
  }

  public List<Endpoint> endpoints() {
    return List.of(
        Endpoint.postJson(SUBMIT, Operation.SUBMIT, this::submit),
        Endpoint.get("/api/v1/sessions", Operation.READ_SESSIONS, this::list),
        Endpoint.get("/api/v1/sessions/events", Operation.READ_SESSIONS, this::changes),
        Endpoint.get("/api/v1/sessions/{key}", Operation.READ_SESSIONS, this::row),
        Endpoint.delete("/api/v1/sessions/{key}", Operation.DELETE_SESSION, this::delete),
        Endpoint.get("/api/v1/sessions/{key}/history", Operation.READ_SESSIONS, this::history),
        Endpoint.post("/api/v1/sessions/{key}/reset", Operation.RESET_SESSION, this::reset));
  }

  private CompletionStage<HttpResponse> submit(Call call) {
    var fields = call.fields();
    var input = Input.of(images(fields));
    int chars = edge.config().session().messageChars();
    var message = input.isEmpty()
        ? Messages.checked("message", fields.text("message"), chars)
        : Messages.bounded("message", fields.optionalText("message").orElse(""), chars);
    fields.optionalText("mode").filter(mode -> !mode.equals("queue")).ifPresent(_ -> {
      throw Fields.fault("mode", "must be absent or \"queue\"; the agent's configured queue mode applies");
    });
    var session = addressing.of(call.path("key"), fields.optionalText("agent"));
    var route = "POST /api/v1/sessions/" + session.text() + "/runs";
    var key = IdempotencyKeys.of(call, fields.optionalText("idempotencyKey")).stream()
        .map(text -> IdempotencyKeys.scoped(call, route, text, body(message, input)))
        .toList();
    var turn = new Sessions.Turn(session, call.principal().name(), message, List.of(), key, input);
    Intake.require(edge, turn);
    return call.sessions().submit(turn).thenApply(receipt -> answer(session, receipt));
  }

  private List<Image> images(Fields fields) {
    var images = new Images(edge.config().images());
    var read = new ArrayList<Image>();
    var attachments = fields.array("attachments").orElseGet(JsonNodeFactory.instance::arrayNode);
    for (int i = 0; i < attachments.size(); i++) {
      var name = "attachments[" + i + "]";
      if (!attachments.get(i).path("type").asText().equals("image")) {
        throw Fields.fault(name + ".type", "must be \"image\"");
      }
      if (!attachments.get(i).path("data").isTextual()) {
        throw Fields.fault(name + ".data", "must be a string: a data URL");
      }
      read.add(images.read(name + ".data", attachments.get(i).path("data").textValue()));
    }
    return read;
  }

  /** What an idempotency key stands for: the text alone as long as there is nothing else. */
  private static String body(String message, Input input) {
    return input.isEmpty() ? message : message + '\0' + String.join("\0",
        input.images().stream().map(Image::url).toList());
  }

  private static HttpResponse answer(SessionKey session, Receipt receipt) {
    return switch (receipt) {
      case Receipt.Accepted accepted ->
          Replies.replayed(Replies.json(202, ApiCodec.receipt(accepted)), accepted.replayed());
      case Receipt.KeyReused reused -> Replies.problem(Problems.of(reused));
      case Receipt.Busy busy -> Replies.problem(Problems.of(busy));
      case Receipt.QueueFull full -> Replies.problem(Problems.of(full));
      case Receipt.Foreign _ -> absent(session);
      case Receipt.Closed closed -> Replies.problem(Problems.of(closed));
      case Quarantined quarantined -> Replies.problem(Problems.of(quarantined));
    };
  }

  private CompletionStage<HttpResponse> list(Call call) {
    var cursor = call.query("cursor").orElse("");
    if (!cursor.matches("[\\x21-\\x7e]{0," + CURSOR_MAX + "}")) {
      throw badCursor();
    }
    var agent = call.query("agent").orElse("");
    if (!agent.isEmpty()) {
      addressing.requireAgent(agent);
    }
    var query = new Sessions.Query(call.limit(PAGE, PAGE_MAX), cursor, call.flag("active"), agent);
    return call.sessions().caughtUp(seen(call)).thenCompose(current -> call.sessions()
        .list(query)
        .thenApply(page -> Replies.json(200, ApiCodec.page(
                ApiCodec.array(page.rows(), (row, json) -> json.setAll(ApiCodec.row(row))), page.next())
            .put("stale", !current)))
        .exceptionally(thrown -> {
          throw cursorFault(thrown);
        }));
  }

  /** {@code minRev=<rev>@<key>}, as often as the viewer has rows that it compares with. */
  private List<Sessions.Seen> seen(Call call) {
    var values = call.queries("minRev");
    if (values.size() > SEEN_MAX) {
      throw Fields.fault("minRev", "is given more than " + SEEN_MAX + " times");
    }
    return values.stream().map(text -> {
      int at = text.indexOf('@');
      if (at < 0) {
        throw Fields.fault("minRev", "must be <rev>@<session key>");
      }
      return new Sessions.Seen(
          addressing.existing(text.substring(at + 1)), Call.whole("minRev", text.substring(0, at)));
    }).toList();
  }

  /** The directory refuses a cursor that it did not make. */
  private static RuntimeException cursorFault(Throwable thrown) {
    return switch (thrown) {
      case CompletionException wrapped when wrapped.getCause() != null -> cursorFault(wrapped.getCause());
      case IllegalArgumentException _ -> badCursor();
      case Throwable other -> new CompletionException(other);
    };
  }

  private static InputFault badCursor() {
    return Fields.fault("cursor", "is not one that this list gave out; start again without it");
  }

  private CompletionStage<HttpResponse> changes(Call call) {
    var agent = call.query("agent").orElse("");
    if (!agent.isEmpty()) {
      addressing.requireAgent(agent);
    }
    var after = call.query("after").or(() -> call.header("last-event-id")).orElse("");
    var watch = new Sessions.Watch(after, call.flag("active"), agent, "");
    return CompletableFuture.completedFuture(
        sse.resumable(call.sessions().watch(watch).map(SessionRoutes::frame)));
  }

  private static ByteString frame(Sessions.Change change) {
    return switch (change) {
      case Sessions.Change.Begin(var full) -> Sse.event("snapshot", Json.object().put("full", full));
      case Sessions.Change.Row(var row, var position) -> position.isEmpty()
          ? Sse.event("row", ApiCodec.row(row))
          : Sse.event(position, "row", ApiCodec.row(row));
      case Sessions.Change.Complete(var position) ->
          Sse.event(position, "snapshot.end", Json.object().put("position", position));
    };
  }

  private CompletionStage<HttpResponse> row(Call call) {
    var key = existing(call);
    var seen = call.query("minRev").map(rev -> new Sessions.Seen(key, Call.whole("minRev", rev)));
    return call.sessions().caughtUp(seen.stream().toList())
        .thenCompose(current -> call.sessions().row(key).thenApply(found -> found
            .map(row -> Replies.json(200, ApiCodec.row(row).put("stale", !current)))
            .orElseGet(() -> absent(key))));
  }

  private CompletionStage<HttpResponse> history(Call call) {
    var key = existing(call);
    long after = call.number("after", 0);
    int limit = call.limit(PAGE, PAGE_MAX);
    return call.sessions().row(key).thenCompose(row -> row.isEmpty()
        ? CompletableFuture.completedFuture(absent(key))
        : call.sessions().history(key, after, limit).thenApply(entries -> {
          // A full page may have a next one; the cursor is what goes into `after`.
          var next = entries.size() < limit ? "" : Long.toString(entries.getLast().seq());
          var data = ApiCodec.array(entries, (entry, json) -> json.setAll(ApiCodec.historyEntry(entry)));
          return Replies.json(200, ApiCodec.page(data, next));
        }));
  }

  private CompletionStage<HttpResponse> reset(Call call) {
    var key = existing(call);
    return call.sessions().reset(key, call.principal().name()).thenApply(found -> found
        .map(row -> Replies.json(200, ApiCodec.row(row)))
        .orElseGet(() -> absent(key)));
  }

  private CompletionStage<HttpResponse> delete(Call call) {
    var key = existing(call);
    return call.sessions().erase(key, call.principal().name()).thenApply(erased -> erased
        ? Replies.json(200, Json.object().put("key", key.text()).put("deleted", true))
        : absent(key));
  }

  private SessionKey existing(Call call) {
    return addressing.existing(call.path("key"));
  }

  private static HttpResponse absent(SessionKey key) {
    return Replies.problem(Problems.sessionNotFound(key.text()));
  }
}
