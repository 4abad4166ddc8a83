package dev.portcullis.ingress.http;

import dev.portcullis.config.GatewayConfig;
import dev.portcullis.ingress.Budgets;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Operation;
import dev.portcullis.ingress.Principal;
import dev.portcullis.ingress.Problem;
import dev.portcullis.ingress.Problems;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
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

/**
 * What all requests have in common, in this order: request id, host and origin, path, method, token, budget,
 * scope, media type, body; then the endpoint. Whatever goes wrong on the way leaves as a {@link Problem}.
 */
public final class Router {
  /** Of all header lines together. */
  private static final int HEADER_BYTES = 16 << 10;

  /** Clients of the socket protocol use the first. */
  private static final Set<String> SOCKETS = Set.of("/", "/ws");

  private final List<Endpoint> endpoints;
  private final Upgrades upgrades;
  private final Edge edge;
  private final Problems problems;
  private final RandomGenerator random;
  private final Origins origins;
  private final Clients clients;
  private final GatewayConfig.Http http;
  private final ClassicActorSystemProvider system;
  private final Set<CompletableFuture<HttpResponse>> open = ConcurrentHashMap.newKeySet();
  private volatile boolean fenced;

  public Router(
      List<Endpoint> endpoints, Upgrades upgrades, Edge edge, Problems problems,
      ClassicActorSystemProvider system) {
    this.upgrades = upgrades;
    this.endpoints = endpoints.stream().sorted(Comparator.comparingLong(Endpoint::fixed).reversed()).toList();
    this.edge = edge;
    this.problems = problems;
    this.random = edge.random();
    this.http = edge.config().http();
    this.origins = Origins.of(http);
    this.clients = new Clients(http.proxies());
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
    Budgets.Left left;
    try {
      requireShortHead(request);
      origins.refuse(request).ifPresent(Router::refuse);
      if (SOCKETS.contains(request.getUri().getPathString()) && upgrades.wanted(request)) {
        return CompletableFuture.completedFuture(upgrades.upgrade(request));
      }
      endpoint = endpoint(request);
      principal = edge.admission().authenticate(clients.of(request), Bearer.shown(request));
      left = edge.admission().spend(principal);
      edge.admission().authorize(principal, endpoint.operation());
      if (endpoint.json()) {
        requireJson(request);
      }
    } catch (InputFault fault) {
      request.discardEntityBytes(system);
      return CompletableFuture.completedFuture(Replies.problem(fault.problem()));
    }
    return body(endpoint, request)
        .thenCompose(bytes -> endpoint
            .handler()
            .handle(new Call(
                request, principal, edge.sessionsOf(principal), variables(endpoint, segments(request)),
                bytes)))
        .exceptionally(thrown -> Replies.problem(problems.fault(thrown)))
        .thenApply(response -> counted(left, whileHeld(principal, endpoint.operation(), response)));
  }

  /** Whoever has lost its credential hears no more, be it the end of a stream or of a long wait (SEC-16). */
  private HttpResponse whileHeld(Principal principal, Operation operation, HttpResponse response) {
    if (operation != Operation.CHANGE_CREDENTIALS && !edge.credentials().holds(principal)) {
      response.discardEntityBytes(system);
      return Replies.problem(Problems.unauthorized());
    }
    return response.entity().isChunked()
        ? response.transformEntityDataBytes(edge.credentials().whileHeld(principal))
        : response;
  }

  private static HttpResponse counted(Budgets.Left left, HttpResponse response) {
    return response
        .addHeader(RawHeader.create("x-ratelimit-limit-requests", Integer.toString(left.limit())))
        .addHeader(RawHeader.create("x-ratelimit-remaining-requests", Integer.toString(left.remaining())))
        .addHeader(RawHeader.create("x-ratelimit-reset-requests", left.resetSeconds() + "s"));
  }

  private static void requireShortHead(HttpRequest request) {
    long bytes = 0;
    for (var header : request.getHeaders()) {
      bytes += header.name().length() + header.value().length();
    }
    if (bytes > HEADER_BYTES) {
      throw InputFault.of(Problems.headTooLarge(HEADER_BYTES));
    }
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
        var value = URLDecoder.decode(segments.get(i).replace("+", "%2B"), StandardCharsets.UTF_8);
        values.put(
            name.substring(1, name.length() - 1),
            Fields.harmless(name.substring(1, name.length() - 1), value));
      }
    }
    return values;
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
        // The limit of bytes is the server's max-content-length.
        .toStrict(http.bodyDeadline().toMillis(), Long.MAX_VALUE, system)
        .thenApply(strict -> strict.getData().toArray())
        .exceptionally(thrown -> {
          throw unread(thrown);
        });
  }

  /** A body that did not arrive is the client's affair, unlike a time-out of ours. */
  private RuntimeException unread(Throwable thrown) {
    return switch (thrown) {
      case CompletionException wrapped when wrapped.getCause() != null -> unread(wrapped.getCause());
      case EntityStreamSizeException _ -> InputFault.of(Problems.bodyTooLarge(http.bodyBytes()));
      case EntityStreamException _ ->
          InputFault.of(Problems.badRequest("", "The body broke off; send it again."));
      case TimeoutException _ -> InputFault.of(Problems.bodyTooSlow());
      case RuntimeException other -> other;
      case Throwable other -> new IllegalStateException(other);
    };
  }
}
