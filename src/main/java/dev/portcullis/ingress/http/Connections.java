package dev.portcullis.ingress.http;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.apache.pekko.Done;
import org.apache.pekko.NotUsed;
import org.apache.pekko.http.javadsl.model.AttributeKey;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.stream.javadsl.Flow;

/** A connection: one request after the other, each of which hears if its client leaves before the answer. */
public final class Connections {
  private static final AttributeKey<Gone> GONE = AttributeKey.create("gone", Gone.class);

  private record Gone(CompletableFuture<Done> stage) {}

  private Connections() {}

  /** One such flow serves every connection; each has a state of its own. */
  public static Flow<HttpRequest, HttpResponse, NotUsed> flow(
      Function<HttpRequest, CompletionStage<HttpResponse>> handler) {
    return Flow.<HttpRequest, HttpResponse, NotUsed>fromMaterializer((_, _) -> {
          var newest = new AtomicReference<>(new CompletableFuture<Done>());
          var over = new CompletableFuture<Done>();
          over.thenAccept(done -> newest.get().complete(done));
          return Flow.<HttpRequest>create()
              .watchTermination((_, ended) -> {
                ended.whenComplete((_, _) -> over.complete(Done.getInstance()));
                return NotUsed.getInstance();
              })
              .mapAsync(1, request -> {
                var gone = new CompletableFuture<Done>();
                newest.set(gone);
                if (over.isDone()) { // It was looked at before this request was there.
                  gone.complete(Done.getInstance());
                }
                return handler.apply(request.addAttribute(GONE, new Gone(gone)));
              });
        })
        .mapMaterializedValue(_ -> NotUsed.getInstance());
  }

  static CompletionStage<Done> gone(HttpRequest request) {
    return request.getAttribute(GONE).map(Gone::stage).orElseGet(CompletableFuture::new);
  }
}
