package dev.portcullis.ingress.openai;

import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.http.Endpoint;
import dev.portcullis.ingress.http.Sse;
import java.util.List;
import java.util.stream.Stream;
import org.apache.pekko.actor.ClassicActorSystemProvider;

/** Everything below {@code /v1}. */
public final class OpenAiApi {
  private OpenAiApi() {}

  public static List<Endpoint> endpoints(
      Edge edge, Sse sse, Problems problems, ClassicActorSystemProvider system) {
    var answers = new Answers(edge, sse, problems, system);
    var attendance = new Attendance(edge.config().http().abandonAfter(), system);
    return Stream.of(
            new ChatRoutes(edge, answers, attendance).endpoints(),
            new ResponseRoutes(edge, answers, attendance).endpoints())
        .flatMap(List::stream)
        .toList();
  }
}
