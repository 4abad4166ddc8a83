package dev.portcullis.ingress.http;

import dev.portcullis.ingress.Credentials;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Principal;
import dev.portcullis.ingress.Problem;
import dev.portcullis.ingress.Problems;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.apache.pekko.actor.ClassicActorSystemProvider;
import org.apache.pekko.http.javadsl.model.HttpEntity;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.http.scaladsl.model.EntityStreamException;
import org.apache.pekko.http.scaladsl.model.EntityStreamSizeException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What all requests have in common, in this order: request id, host and origin, path, method, token, scope,
 * media type, body; then the endpoint. Whatever goes wrong on the way leaves as a {@link Problem}.
 */
public final class Router {
  /** Longest time a body may take to arrive. */
  private static final long BODY_MS = 30_000;

  private static final Logger LOG = LoggerFactory.getLogger(Router.class);

  /** Clients of the socket protocol use the first. */
  private static final Set<String> SOCKETS = Set.of("/", "/ws");

  private final List<Endpoint> endpoints;
  private final Upgrades upgrades;
  private final Edge edge;
  private final Credentials credentials;
  private final Problems problems;
  private final RandomGenerator random;
  private final Origins origins;
  private final long bodyBytes;
  private final ClassicActorSystemProvider system;
  private final Set<CompletableFuture<HttpResponse>> open = ConcurrentHashMap.newKeySet();
  private volatile boolean fenced;

  public Router(
      List<Endpoint> endpoints, Upgrades upgrades, Edge edge, Problems problems,
      ClassicActorSystemProvider system) {
    this.upgrades = upgrades;
    this.endpoints = endpoints.stream().sorted(Comparator.comparingLong(Endpoint::fixed).reversed()).toList();
    this.edge = edge;
    this.credentials = edge.credentials();
    this.problems = problems;
    this.random = edge.random();
    this.origins = Origins.of(edge.config().http().host());
    this.bodyBytes = edge.config().http().bodyBytes();
    this.system = system;
  }

  /** Never fails. */
  public CompletionStage<HttpResponse> handle(HttpRequest request) {
    var answer = CompletableFuture.completedFuture(request)
        .thenCompose(this::answer)
        .exceptionally(thrown -> Replies.problem(problems.fault(thrown)))
        .toCompletableFuture();
    open.add(answer);
    if (fenced) { // Nobody else may look at this one any more.
      cut(answer);
    }
    return answer.whenComplete((_, _) -> open.remove(answer)).thenApply(response -> response
        .addHeader(RawHeader.create("x-request-id", requestId(random)))
        .addHeader(RawHeader.create("X-Content-Type-Options", "nosniff")));
  }

  /**
   * The journal has failed. Whoever waits for an answer gets this one: the session that would give another
   * waits for a write whose outcome nobody will learn before the restart.
   */
  public void fence() {
    fenced = true;
    open.forEach(Router::cut);
  }

  private static void cut(CompletableFuture<HttpResponse> answer) {
    answer.complete(Replies.problem(Problems.unknownOutcome()));
  }

  static String requestId(RandomGenerator random) {
    var bytes = new byte[12];
    random.nextBytes(bytes);
    return "req_" + HexFormat.of().formatHex(bytes);
  }

  private CompletionStage<HttpResponse> answer(HttpRequest request) {
    Endpoint endpoint;
    Principal principal;
    try {
      origins.refuse(request).ifPresent(Router::refuse);
      if (SOCKETS.contains(request.getUri().getPathString()) && upgrades.wanted(request)) {
        return CompletableFuture.completedFuture(upgrades.upgrade(request));
      }
      endpoint = endpoint(request);
      principal = principal(request);
      if (!principal.authorize(endpoint.operation())) {
        LOG.warn("ingress.forbidden principal={} operation={}", principal.name(), endpoint.operation());
        throw InputFault.of(Problems.insufficientScope(endpoint.operation()));
      }
      if (endpoint.json()) {
        requireJson(request);
      }
    } catch (InputFault fault) {
      request.discardEntityBytes(system);
      return CompletableFuture.completedFuture(Replies.problem(fault.problem()));
    }
    return body(endpoint, request).thenCompose(bytes -> endpoint
        .handler()
        .handle(new Call(
            request, principal, edge.sessionsOf(principal), variables(endpoint, segments(request)), bytes)));
  }

  private static void refuse(Problem problem) {
    throw InputFault.of(problem);
  }

  private Endpoint endpoint(HttpRequest request) {
    var segments = segments(request);
    var there = endpoints.stream().filter(endpoint -> endpoint.matches(segments)).toList();
    if (there.isEmpty()) {
      throw InputFault.of(Problems.noSuchPath());
    }
    var method = request.method().name();
    return there.stream()
        .filter(endpoint -> endpoint.method().equals(method))
        .findFirst()
        .orElseThrow(() -> InputFault.of(Problems.methodNotAllowed(
            there.stream().map(Endpoint::method).distinct().sorted().collect(Collectors.joining(", ")))));
  }

  private static List<String> segments(HttpRequest request) {
    return Endpoint.segments(request.getUri().getPathString());
  }

  private static Map<String, String> variables(Endpoint endpoint, List<String> segments) {
    var values = new HashMap<String, String>();
    for (int i = 0; i < segments.size(); i++) {
      var name = endpoint.template().get(i);
      if (Endpoint.variable(name)) {
        // A plus sign is itself in a path.
        values.put(
            name.substring(1, name.length() - 1),
            URLDecoder.decode(segments.get(i).replace("+", "%2B"), StandardCharsets.UTF_8));
      }
    }
    return values;
  }

  private Principal principal(HttpRequest request) {
    return request.getHeader("authorization")
        .map(header -> header.value().strip())
        .filter(value -> value.toLowerCase(Locale.ROOT).startsWith("bearer "))
        .flatMap(value -> credentials.find(value.substring("bearer ".length()).strip()))
        .orElseThrow(() -> InputFault.of(Problems.unauthorized()));
  }

  private static void requireJson(HttpRequest request) {
    var type = request.entity().getContentType().mediaType();
    boolean json = type.mainType().equals("application") && type.subType().equals("json");
    if (!json) {
      throw InputFault.of(Problems.unsupportedMedia(
          "The body must be JSON; send Content-Type: application/json."));
    }
    Optional.of(request.getHeader("content-encoding").map(header -> header.value().strip())
        .orElse("identity"))
        .filter(encoding -> !encoding.equalsIgnoreCase("identity"))
        .ifPresent(_ -> refuse(
            Problems.unsupportedMedia("Compressed bodies are not taken; send it as it is.")));
  }

  private CompletionStage<byte[]> body(Endpoint endpoint, HttpRequest request) {
    if (!endpoint.json()) {
      request.discardEntityBytes(system);
      return CompletableFuture.completedFuture(new byte[0]);
    }
    if (request.entity() instanceof HttpEntity.Strict whole) { // It came with the head: no stream.
      return CompletableFuture.completedFuture(whole.getData().toArray());
    }
    return request.entity()
        .toStrict(BODY_MS, Long.MAX_VALUE, system) // The limit is the server's max-content-length.
        .thenApply(strict -> strict.getData().toArray())
        .exceptionally(thrown -> {
          throw unread(thrown);
        });
  }

  /** A body that did not arrive is the client's affair, unlike a time-out of ours. */
  private RuntimeException unread(Throwable thrown) {
    return switch (thrown) {
      case CompletionException wrapped when wrapped.getCause() != null -> unread(wrapped.getCause());
      case EntityStreamSizeException _ -> InputFault.of(Problems.bodyTooLarge(bodyBytes));
      case EntityStreamException _ ->
          InputFault.of(Problems.badRequest("", "The body broke off; send it again."));
      case TimeoutException _ -> InputFault.of(Problems.bodyTooSlow());
      case RuntimeException other -> other;
      case Throwable other -> new IllegalStateException(other);
    };
  }
}
