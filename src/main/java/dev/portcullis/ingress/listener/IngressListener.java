package dev.portcullis.ingress.listener;

import dev.portcullis.config.GatewayConfig;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.http.ApprovalRoutes;
import dev.portcullis.ingress.http.Connections;
import dev.portcullis.ingress.http.CredentialRoutes;
import dev.portcullis.ingress.http.Endpoint;
import dev.portcullis.ingress.http.JournalRoutes;
import dev.portcullis.ingress.http.MalformedRequest;
import dev.portcullis.ingress.http.OpenApiRoutes;
import dev.portcullis.ingress.http.OperationsRoutes;
import dev.portcullis.ingress.http.Replies;
import dev.portcullis.ingress.http.Router;
import dev.portcullis.ingress.http.RunRoutes;
import dev.portcullis.ingress.http.SessionRoutes;
import dev.portcullis.ingress.http.Sse;
import dev.portcullis.ingress.openai.OpenAiApi;
import dev.portcullis.ingress.ws.Announcer;
import dev.portcullis.ingress.ws.Hub;
import dev.portcullis.ingress.ws.Method;
import dev.portcullis.ingress.ws.Repertoire;
import dev.portcullis.ingress.ws.Sockets;
import dev.portcullis.ingress.ws.methods.ProtocolMethods;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.Http;
import org.apache.pekko.http.javadsl.ServerBinding;
import org.apache.pekko.http.javadsl.settings.ServerSettings;
import org.apache.pekko.io.TcpSO;
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
  private final Sockets sockets;
  private final ProtocolMethods.Feeding feed;

  private IngressListener(
      ServerBinding binding, Router router, Sse sse, Sockets sockets, ProtocolMethods.Feeding feed) {
    this.feed = feed;
    this.binding = binding;
    this.router = router;
    this.sse = sse;
    this.sockets = sockets;
  }

  /** Opens the port; fails with a {@code BindFailedException} when it is taken. */
  public static CompletionStage<IngressListener> bind(ActorSystem<?> system, Edge edge) {
    return bind(system, edge, _ -> ProtocolMethods.of(edge));
  }

  /** As above, with what can be asked and heard over sockets given by whoever binds. */
  public static CompletionStage<IngressListener> bind(
      ActorSystem<?> system, Edge edge, Function<Announcer, Repertoire> repertoire) {
    var http = edge.config().http();
    var sse = new Sse(http.keepAlive());
    var problems = new Problems(edge.random());
    var hub = new Hub(edge);
    var sockets = new Sockets(edge, problems, hub, repertoire.apply(hub), system);
    var router = new Router(endpoints(edge, sse, problems, system), sockets, edge, problems, system);
    return Http.get(system)
        .newServerAt(http.host(), http.port())
        .adaptSettings(settings -> tuned(settings, edge.config()))
        .bindFlow(Connections.flow(router::handle))
        .thenApply(binding -> new IngressListener(
            binding, router, sse, sockets, ProtocolMethods.feed(system, edge, hub)));
  }

  /** Everything there is on the port. */
  public static List<Endpoint> endpoints(Edge edge, Sse sse, Problems problems, ActorSystem<?> system) {
    return new OpenApiRoutes(edge).with(Stream.of(
            new SessionRoutes(edge, sse).endpoints(),
            new RunRoutes(sse).endpoints(),
            new ApprovalRoutes(edge).endpoints(),
            new OperationsRoutes(edge).endpoints(),
            new JournalRoutes(edge).endpoints(),
            new CredentialRoutes(edge).endpoints(),
            OpenAiApi.endpoints(edge, sse, problems, system))
        .flatMap(List::stream)
        .toList());
  }

  private static ServerSettings tuned(ServerSettings settings, GatewayConfig config) {
    return settings
        .withServerHeader(Optional.empty())
        // Sockets have a limit of their own; what is left beside them is what Pekko HTTP allows by itself.
        .withMaxConnections(settings.getMaxConnections() + config.sockets().most())
        .withTransparentHeadRequests(false)
        .withRemoteAddressAttribute(true)
        .withTerminationDeadlineExceededResponse(Replies.problem(Problems.cutOff()))
        .withParsingErrorHandler(MalformedRequest.class.getName())
        // What the kernel keeps for one who does not read; nothing else is kept for a viewer.
        .withSocketOptions(List.of(TcpSO.sendBufferSize(config.http().viewerBytes())))
        .withParserSettings(settings.getParserSettings()
            .withMaxContentLength(config.http().bodyBytes())
            .withIllegalHeaderWarnings(false) // They quote the header, and that may be a token.
            .withMaxUriLength(URI_CHARS))
        .withTimeouts(settings.getTimeouts()
            // A whole answer takes as long as its run.
            .withRequestTimeout(scala.concurrent.duration.Duration.Inf())
            .withIdleTimeout(FiniteDuration.fromNanos(IDLE.toNanos())));
  }

  /** Everything that can be asked over a socket. */
  public List<Method> methods() {
    return sockets.methods();
  }

  /** Where the port really is. */
  public InetSocketAddress address() {
    return binding.localAddress();
  }

  /** Ends every open stream in its own orderly way; requests go on being answered. */
  public void closeStreams() {
    sse.close();
  }

  /** The gateway is about to stop: whoever is connected is told, and no further socket is taken. */
  public void draining() {
    sockets.draining();
  }

  /**
   * The journal has failed and the process is about to end: every request that waits and every later one is
   * answered so, and streams end in their own way.
   */
  public void fence() {
    router.fence();
    closeStreams();
    feed.stop();
    sockets.close();
  }

  /**
   * Ends the streams, takes no new connection, and gives requests under way {@code atMost} to be answered.
   */
  public CompletionStage<Done> close(Duration atMost) {
    closeStreams();
    feed.stop();
    return sockets.close()
        .thenCompose(_ -> binding.terminate(atMost))
        .thenApply(_ -> Done.getInstance());
  }
}
