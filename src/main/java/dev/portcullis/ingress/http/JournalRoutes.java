package dev.portcullis.ingress.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.Addressing;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Operation;
import dev.portcullis.ingress.Problems;
import dev.portcullis.session.SessionKey;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.NotUsed;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;

/** The journal as it is, for operators: what it holds of a session, and how much it holds. */
public final class JournalRoutes {
  private static final ContentType LINES =
      ContentTypes.create(MediaTypes.applicationBinary("x-ndjson", true));
  private static final int PAGE = 200;

  private final Addressing addressing;

  public JournalRoutes(Edge edge) {
    this.addressing = new Addressing(edge.config());
  }

  public List<Endpoint> endpoints() {
    return List.of(
        Endpoint.get("/api/v1/sessions/{key}/export", Operation.READ_JOURNAL, this::export),
        Endpoint.get("/api/v1/journal", Operation.READ_JOURNAL, this::figures));
  }

  private CompletionStage<HttpResponse> export(Call call) {
    var key = addressing.existing(call.path("key"));
    return call.sessions().recorded(key, 0, PAGE).thenApply(first -> first.isEmpty()
        ? Replies.problem(Problems.sessionNotFound(key.text()))
        : HttpResponse.create()
            .addHeader(RawHeader.create("Cache-Control", "no-store"))
            .withEntity(HttpEntities.createChunked(LINES, lines(call, key, first))));
  }

  /** A history that cannot be proved breaks the stream off where it stops being sound. */
  private Source<ByteString, NotUsed> lines(Call call, SessionKey key, List<JsonNode> first) {
    var rest = Source.unfoldAsync(last(first), after -> call.sessions().recorded(key, after, PAGE)
        .thenApply(page -> page.isEmpty()
            ? Optional.<Pair<Long, List<JsonNode>>>empty()
            : Optional.of(Pair.create(last(page), page))));
    return Source.single(first)
        .concatLazy(rest)
        .mapConcat(page -> page)
        .map(line -> ByteString.fromString(Json.text(line) + "\n"));
  }

  private static long last(List<JsonNode> page) {
    return page.getLast().path("seq").asLong();
  }

  private CompletionStage<HttpResponse> figures(Call call) {
    return call.sessions().figures().thenApply(figures -> Replies.json(200, figures.json()));
  }
}
