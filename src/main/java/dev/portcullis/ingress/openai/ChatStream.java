package dev.portcullis.ingress.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Problem;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.http.Replies;
import dev.portcullis.ingress.http.Sse;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunView;
import dev.portcullis.session.Sessions;
import java.util.Optional;
import org.apache.pekko.NotUsed;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.japi.pf.PFBuilder;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;

/**
 * A run's events as chunks of one chat completion: the role, the text, the finish, the usage if asked for,
 * {@code [DONE]}. A run without an answer ends in an error and no {@code [DONE]}, so that no client takes it
 * for a whole one.
 */
final class ChatStream {
  /** What can happen to the stream. */
  private sealed interface Input {
    record Heard(RunEvent event) implements Input {}

    record Broken(Problem problem) implements Input {}
  }

  private final RunView run;
  private final ChatCodec.Head head;
  private final boolean includeUsage;
  private final ChatText text = new ChatText();
  private boolean ended;

  private ChatStream(RunView run, boolean includeUsage) {
    this.run = run;
    this.head = ChatCodec.Head.of(run);
    this.includeUsage = includeUsage;
  }

  /**
   * From the first chunk on, whether the run is new or long ended.
   *
   * @param run as it stood before: a park that it was resumed from since does not end the stream
   */
  static Source<ByteString, NotUsed> of(
      RunView run, boolean includeUsage, Sessions sessions, Sse sse, Problems problems) {
    Source<Input, NotUsed> inputs = sse.closable(sessions.events(run.id(), 0))
        .takeWhile(event -> !rests(run, event), true)
        .<Input>map(Input.Heard::new)
        .recover(new PFBuilder<Throwable, Input>()
            .matchAny(thrown -> new Input.Broken(problems.fault(thrown)))
            .build());
    var role = Sse.data(Json.text(ChatCodec.roleChunk(ChatCodec.Head.of(run), includeUsage)));
    return Source.single(role).concat(inputs.statefulMap(
            () -> new ChatStream(run, includeUsage),
            (stream, input) -> Pair.create(stream, stream.on(input)),
            ChatStream::cut)
        .filter(ByteString::nonEmpty));
  }

  /** Nothing follows until somebody does something. */
  static boolean rests(RunView before, RunEvent event) {
    return event.terminal() || event.body() instanceof RunEvent.Parked && event.seq() >= before.lastSeq();
  }

  private ByteString on(Input input) {
    return switch (input) {
      case Input.Heard(var event) -> on(event);
      case Input.Broken(var problem) -> error(problem);
    };
  }

  private ByteString on(RunEvent event) {
    return switch (event.body()) {
      case RunEvent.Text(var attempt, var piece) -> chunk(text.next(attempt, piece));
      case RunEvent.TextReplaced(var attempt, var whole) -> chunk(text.replaced(attempt, whole));
      case RunEvent.Completed(var stopReason, var usage, _) -> {
        ended = true;
        var finish = data(ChatCodec.finishChunk(head, ChatCodec.finishReason(stopReason), includeUsage));
        yield finish
            .concat(includeUsage ? data(ChatCodec.usageChunk(head, usage)) : ByteString.emptyByteString())
            .concat(Sse.data("[DONE]"));
      }
      case RunEvent.Failed(var error) -> error(Problems.runFailed(error));
      case RunEvent.Aborted _ -> error(Problems.runAborted(run.id()));
      case RunEvent.Parked(var reason, _) when rests(run, event) ->
          error(Problems.runParked(run.id(), reason));
      case RunEvent.Parked _, RunEvent.Accepted _, RunEvent.Started _, RunEvent.StepStarted _,
          RunEvent.StepFinished _, RunEvent.ApprovalRequested _, RunEvent.ApprovalDecided _,
          RunEvent.Interrupted _, RunEvent.Resumed _ -> ByteString.emptyByteString();
    };
  }

  /** The source ended before the run did: the gateway is about to stop. */
  private Optional<ByteString> cut() {
    return ended ? Optional.empty() : Optional.of(error(Problems.streamCut(run.id())));
  }

  private ByteString chunk(String more) {
    return more.isEmpty() ? ByteString.emptyByteString()
        : data(ChatCodec.textChunk(head, more, includeUsage));
  }

  private ByteString error(Problem problem) {
    ended = true;
    return data(Replies.problemBody(problem));
  }

  private static ByteString data(JsonNode json) {
    return Sse.data(Json.text(json));
  }
}
