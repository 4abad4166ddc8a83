package dev.portcullis.ingress.http;

import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Operation;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/** {@code /api/v1/openapi.json}: what there is on this port, itself included. */
public final class OpenApiRoutes {
  private final Edge edge;

  public OpenApiRoutes(Edge edge) {
    this.edge = edge;
  }

  /** {@code others} and the route that describes them all. */
  public List<Endpoint> with(List<Endpoint> others) {
    var answer = new CompletableFuture<HttpResponse>();
    var all = Stream.concat(others.stream(), Stream.of(Endpoint.get(
            "/api/v1/openapi.json", Operation.READ_API, _ -> answer)))
        .toList();
    // The same for everybody, and as long as the process lives.
    answer.complete(Replies.json(200, new OpenApi().document(all, edge.operations().status().version())));
    return all;
  }
}
