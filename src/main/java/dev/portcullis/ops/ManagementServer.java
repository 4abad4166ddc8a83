package dev.portcullis.ops;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.config.GatewayConfig;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.Http;
import org.apache.pekko.http.javadsl.ServerBinding;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpCharsets;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;

/**
 * {@code /livez}, {@code /readyz}, {@code /startupz}, {@code /metrics}: up before anything else and down
 * after it. No token, no secrets, no session names.
 */
public final class ManagementServer {
  /** Longest time a scrape waits for fresh numbers before it shows the last ones. */
  private static final Duration FRESH = Duration.ofSeconds(2);

  private static final ContentType.WithCharset PROMETHEUS = ContentTypes.create(
      MediaTypes.customWithOpenCharset("text", "plain", Map.of("version", "0.0.4"), true),
          HttpCharsets.UTF_8);

  private final ActorSystem<?> system;
  private final Readiness readiness;
  private final Metrics metrics;
  private final Supplier<CompletionStage<Measured>> measure;
  private final AtomicReference<Measured> last = new AtomicReference<>(Measured.NOTHING);

  private ManagementServer(
      ActorSystem<?> system, Readiness readiness, Metrics metrics,
          Supplier<CompletionStage<Measured>> measure) {
    this.system = system;
    this.readiness = readiness;
    this.metrics = metrics;
    this.measure = measure;
  }

  /** An open management port. */
  public record Bound(ServerBinding binding) {
    public InetSocketAddress address() {
      return binding.localAddress();
    }

    public CompletionStage<Done> close(Duration atMost) {
      return binding.terminate(atMost).thenApply(_ -> Done.getInstance());
    }
  }

  /**
   * Opens the port.
   *
   * @param measure asked at each scrape; one that fails or takes long leaves the last numbers standing
   */
  public static CompletionStage<Bound> bind(
      ActorSystem<?> system,
      GatewayConfig.Management management,
      Readiness readiness,
      Metrics metrics,
      Supplier<CompletionStage<Measured>> measure) {
    var server = new ManagementServer(system, readiness, metrics, measure);
    return Http.get(system)
        .newServerAt(management.host(), management.port())
        .adaptSettings(settings -> settings.withServerHeader(Optional.empty()))
        .bind(server::answer)
        .thenApply(Bound::new);
  }

  private CompletionStage<HttpResponse> answer(HttpRequest request) {
    request.discardEntityBytes(system);
    if (!request.method().name().equals("GET")) {
      return done(json(405, object().put("message", "This port only takes GET."))
          .addHeader(RawHeader.create("Allow", "GET")));
    }
    return switch (request.getUri().getPathString()) {
      case "/livez" -> done(json(200, object().put("live", true)));
      case "/readyz" -> done(ready());
      case "/startupz" ->
          done(json(readiness.started() ? 200 : 503, object().put("started", readiness.started())));
      case "/metrics" -> scrape();
      default -> done(json(404,
          object().put("message", "There are /livez, /readyz, /startupz and /metrics.")));
    };
  }

  private HttpResponse ready() {
    var unmet = readiness.unmet();
    var body = object().put("ready", unmet.isEmpty());
    if (unmet.isEmpty()) {
      return json(200, body);
    }
    var list = body.putArray("unmet");
    unmet.forEach(one -> list.addObject().put("condition", one.condition()).put("detail", one.detail()));
    return json(503, body);
  }

  private CompletionStage<HttpResponse> scrape() {
    return measure.get()
        .toCompletableFuture()
        .copy()
        .orTimeout(FRESH.toMillis(), TimeUnit.MILLISECONDS)
        .thenApply(fresh -> {
          last.set(fresh);
          return fresh;
        })
        .exceptionally(_ -> last.get())
        .thenApply(now -> HttpResponse.create()
            .withEntity(HttpEntities.create(PROMETHEUS, metrics.scrape(now))));
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  private static HttpResponse json(int status, JsonNode body) {
    return HttpResponse.create()
        .withStatus(StatusCodes.get(status))
        .addHeader(RawHeader.create("Cache-Control", "no-store"))
        .withEntity(HttpEntities.create(ContentTypes.APPLICATION_JSON, body.toString()));
  }

  private static CompletionStage<HttpResponse> done(HttpResponse response) {
    return CompletableFuture.completedFuture(response);
  }
}
