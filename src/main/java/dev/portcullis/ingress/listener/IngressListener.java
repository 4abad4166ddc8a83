package dev.portcullis.ingress.listener;

import dev.portcullis.config.GatewayConfig;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.http.ApprovalRoutes;
import dev.portcullis.ingress.http.CredentialRoutes;
import dev.portcullis.ingress.http.Endpoint;
import dev.portcullis.ingress.http.JournalRoutes;
import dev.portcullis.ingress.http.MalformedRequest;
import dev.portcullis.ingress.http.OperationsRoutes;
import dev.portcullis.ingress.http.Replies;
import dev.portcullis.ingress.http.Router;
import dev.portcullis.ingress.http.RunRoutes;
import dev.portcullis.ingress.http.SessionRoutes;
import dev.portcullis.ingress.http.Sse;
import dev.portcullis.ingress.openai.ChatRoutes;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.stream.Stream;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.Http;
import org.apache.pekko.http.javadsl.ServerBinding;
import org.apache.pekko.http.javadsl.settings.ServerSettings;
import scala.concurrent.duration.FiniteDuration;

/** The ingress port. Bound by whoever knows that everything behind it stands. */
public final class IngressListener {
  /**
   * Longest silence on a connection. Streams are kept alive; a whole reply may take its time, though not for
   * ever, so that connections whose client has vanished do not add up.
   */
  private static final Duration IDLE = Duration.ofHours(1);

  private static final int URI_CHARS = 8_192;

  private final ServerBinding binding;
  private final Router router;
  private final Sse sse;

  private IngressListener(ServerBinding binding, Router router, Sse sse) {
    this.binding = binding;
    this.router = router;
    this.sse = sse;
  }

  /** Opens the port; fails with a {@code BindFailedException} when it is taken. */
  public static CompletionStage<IngressListener> bind(ActorSystem<?> system, Edge edge) {
    var http = edge.config().http();
    var sse = new Sse(http.keepAlive());
    var problems = new Problems(edge.random());
    var router = new Router(endpoints(edge, sse, problems, system), edge, problems, system);
    return Http.get(system)
        .newServerAt(http.host(), http.port())
        .adaptSettings(settings -> tuned(settings, http))
        .bind(router::handle)
        .thenApply(binding -> new IngressListener(binding, router, sse));
  }

  /** Everything there is on the port. */
  public static List<Endpoint> endpoints(Edge edge, Sse sse, Problems problems, ActorSystem<?> system) {
    return Stream.of(
            new SessionRoutes(edge, sse).endpoints(),
            new RunRoutes(sse).endpoints(),
            new ApprovalRoutes(edge).endpoints(),
            new OperationsRoutes(edge).endpoints(),
            new JournalRoutes(edge).endpoints(),
            new CredentialRoutes(edge).endpoints(),
            new ChatRoutes(edge, sse, problems, system).endpoints())
        .flatMap(List::stream)
        .toList();
  }

  private static ServerSettings tuned(ServerSettings settings, GatewayConfig.Http http) {
    return settings
        .withServerHeader(Optional.empty())
        .withTransparentHeadRequests(false)
        .withRemoteAddressAttribute(true)
        .withTerminationDeadlineExceededResponse(Replies.problem(Problems.cutOff()))
        .withParsingErrorHandler(MalformedRequest.class.getName())
        .withParserSettings(settings.getParserSettings()
            .withMaxContentLength(http.bodyBytes())
            .withIllegalHeaderWarnings(false) // They quote the header, and that may be a token.
            .withMaxUriLength(URI_CHARS))
        .withTimeouts(settings.getTimeouts()
            // A whole answer takes as long as its run.
            .withRequestTimeout(scala.concurrent.duration.Duration.Inf())
            .withIdleTimeout(FiniteDuration.fromNanos(IDLE.toNanos())));
  }

  /** Where the port really is. */
  public InetSocketAddress address() {
    return binding.localAddress();
  }

  /** Ends every open stream in its own orderly way; requests go on being answered. */
  public void closeStreams() {
    sse.close();
  }

  /**
   * The journal has failed and the process is about to end: every request that waits and every later one is
   * answered so, and streams end in their own way.
   */
  public void fence() {
    router.fence();
    closeStreams();
  }

  /**
   * Ends the streams, takes no new connection, and gives requests under way {@code atMost} to be answered.
   */
  public CompletionStage<Done> close(Duration atMost) {
    closeStreams();
    return binding.terminate(atMost).thenApply(_ -> Done.getInstance());
  }
}
