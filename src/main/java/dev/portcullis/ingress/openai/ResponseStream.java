package dev.portcullis.ingress.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Problem;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.http.Sse;
import dev.portcullis.ingress.openai.ResponseCodec.Head;
import dev.portcullis.ingress.openai.ResponseCodec.Standing;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunView;
import java.util.List;
import java.util.Optional;
import org.apache.pekko.NotUsed;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;

/**
 * A run's events as those of one response. A function of what is in the journal and of nothing else, so that
 * they are the same, to the byte and to the number, whenever they are read again. What ends a stream without
 * ending the response, a park or a stop of the gateway, is told by an {@code error} that has the number of
 * the event before: whoever goes on after it misses nothing.
 */
final class ResponseStream {
  private final RunView run;
  private final Head head;
  private final long after;
  private final ChatText text = new ChatText();
  private final StringBuilder answer = new StringBuilder();
  private ByteString frames = ByteString.emptyByteString();
  private long next;
  private int attempt;
  private boolean begun;
  private boolean opened;
  private boolean ended;

  private ResponseStream(RunView run, Head head, long after) {
    this.run = run;
    this.head = head;
    this.after = after;
  }

  /**
   * @param run as it stood before: a park that it was resumed from since does not end the stream
   * @param after number of the last event that is not wanted any more, -1 for all
   */
  static Source<ByteString, NotUsed> of(
      RunView run, Head head, long after, Source<Answers.Input, NotUsed> inputs) {
    return inputs.statefulMap(
            () -> new ResponseStream(run, head, after),
            (stream, input) -> Pair.create(stream, stream.on(input)),
            ResponseStream::cut)
        .filter(ByteString::nonEmpty);
  }

  private ByteString on(Answers.Input input) {
    switch (input) {
      case Answers.Input.Heard(var event) -> on(event);
      case Answers.Input.Broken(var problem) -> error(problem);
    }
    return taken();
  }

  private ByteString taken() {
    var all = frames;
    frames = ByteString.emptyByteString();
    return all;
  }

  private void on(RunEvent event) {
    switch (event.body()) {
      case RunEvent.Accepted _ -> emit("response.created", response(Standing.QUEUED));
      case RunEvent.Started _, RunEvent.Resumed _ -> begin();
      case RunEvent.Text(var of, var piece) -> {
        append(of, piece);
        delta(text.next(of, piece));
      }
      case RunEvent.TextReplaced(var of, var whole) -> {
        answer.setLength(0);
        append(of, whole);
        delta(text.replaced(of, whole));
      }
      case RunEvent.Completed end ->
          answered(Standing.answered(end, answer.toString(), event.at()));
      case RunEvent.Failed(var error) -> end("response.failed", Standing.failed(error, soFar()));
      case RunEvent.Aborted _ -> end("response.failed", Standing.cancelled(run.id(), soFar()));
      case RunEvent.Parked(var reason, _) when Answers.rests(run, event) ->
          error(Problems.runParked(run.id(), reason));
      case RunEvent.Parked _, RunEvent.StepStarted _, RunEvent.StepFinished _, RunEvent.ApprovalRequested _,
          RunEvent.ApprovalDecided _, RunEvent.Interrupted _ -> { }
    }
  }

  private void begin() {
    if (!begun) {
      begun = true;
      emit("response.in_progress", response(Standing.open("in_progress", List.of())));
    }
  }

  /** The answer is the newest attempt's that has any text, as everywhere. */
  private void append(int of, String more) {
    if (of != attempt) {
      answer.setLength(0);
      attempt = of;
    }
    answer.append(more);
  }

  private List<String> soFar() {
    return answer.isEmpty() ? List.of() : List.of(answer.toString());
  }

  private void open() {
    if (!opened) {
      opened = true;
      var item = ResponseCodec.message(head, Standing.open("in_progress", List.of()), "");
      item.putArray("content");
      emit("response.output_item.added", item(0, item));
      emit("response.content_part.added", part(ResponseCodec.outputText("")));
    }
  }

  private void delta(String more) {
    open();
    if (!more.isEmpty()) {
      var fields = inPart().put("delta", more);
      fields.putArray("logprobs");
      emit("response.output_text.delta", fields);
    }
  }

  private void answered(Standing standing) {
    // What was begun is ended, even where it turns out that nothing was said.
    var said = opened && standing.answer().isEmpty() ? List.of("") : standing.answer();
    said.forEach(text -> {
      open();
      var done = inPart().put("text", text);
      done.putArray("logprobs");
      emit("response.output_text.done", done);
      emit("response.content_part.done", part(ResponseCodec.outputText(text)));
      emit("response.output_item.done", item(0, ResponseCodec.message(head, standing, text)));
    });
    for (int i = 0; i < standing.calls().size(); i++) {
      called(opened ? i + 1 : i, i, standing.calls().get(i));
    }
    end("response." + standing.status(), standing);
  }

  /** @param index of the item, and {@code at} which call it is */
  private void called(int index, int at, FunctionCall call) {
    var item = ResponseCodec.call(head, at, call);
    var id = item.path("id").asText();
    emit("response.output_item.added",
        item(index, item.deepCopy().put("status", "in_progress").put("arguments", "")));
    emit("response.function_call_arguments.delta",
        Json.object().put("item_id", id).put("output_index", index).put("delta", call.arguments()));
    emit("response.function_call_arguments.done", Json.object().put("item_id", id).put("output_index", index)
        .put("name", call.name()).put("arguments", call.arguments()));
    emit("response.output_item.done", item(index, item));
  }

  private void end(String type, Standing standing) {
    ended = true;
    emit(type, response(standing));
  }

  private ObjectNode response(Standing standing) {
    var fields = Json.object();
    fields.set("response", ResponseCodec.response(head, standing));
    return fields;
  }

  private static ObjectNode item(int index, ObjectNode item) {
    var fields = Json.object().put("output_index", index);
    fields.set("item", item);
    return fields;
  }

  private ObjectNode part(ObjectNode part) {
    var fields = inPart();
    fields.set("part", part);
    return fields;
  }

  private ObjectNode inPart() {
    return Json.object().put("item_id", head.message()).put("output_index", 0).put("content_index", 0);
  }

  private void emit(String type, ObjectNode fields) {
    long number = next++;
    if (number > after) {
      frame(type, number, fields);
    }
  }

  private void frame(String type, long number, ObjectNode fields) {
    var json = Json.object().put("type", type).put("sequence_number", number);
    frames = frames.concat(Sse.event(type, json.setAll(fields)));
  }

  private void error(Problem problem) {
    ended = true;
    var fields = Json.object().put("code", problem.code()).put("message", problem.message());
    frame("error", Math.max(0, next - 1), fields.putNull("param"));
  }

  /** The source ended before the run did: the gateway is about to stop. */
  private Optional<ByteString> cut() {
    if (ended) {
      return Optional.empty();
    }
    error(Problems.streamCut(run.id()));
    return Optional.of(taken());
  }
}
