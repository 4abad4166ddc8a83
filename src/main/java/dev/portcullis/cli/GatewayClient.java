package dev.portcullis.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** Requests to a gateway's API. Every method throws {@link CliFault} when the answer is not a success. */
final class GatewayClient {
  private static final Duration CONNECT = Duration.ofSeconds(5);
  private static final Duration ANSWER = Duration.ofSeconds(60);
  private static final JsonMapper JSON = new JsonMapper();

  private final Supplier<URI> address;
  private final String token;
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(CONNECT).build();

  /** @param address asked before every request */
  GatewayClient(Supplier<URI> address, String token) {
    this.address = address;
    this.token = token;
  }

  /** One segment of a path: a session key may hold anything. */
  static String segment(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  JsonNode get(String path) {
    return json(path, request(path).timeout(ANSWER).GET());
  }

  JsonNode post(String path, JsonNode body) {
    return json(path, request(path)
        .timeout(ANSWER)
        .header("content-type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(body.toString())));
  }

  JsonNode delete(String path) {
    return json(path, request(path).timeout(ANSWER).DELETE());
  }

  /**
   * Lines of a stream that stays open; to be closed. A line may throw {@link java.io.UncheckedIOException}.
   */
  Stream<String> lines(String path) {
    var response =
        send(request(path).header("accept", "text/event-stream").GET(), HttpResponse.BodyHandlers.ofLines());
    if (response.statusCode() / 100 != 2) {
      throw refusal(response, String.join("\n", response.body().toList()));
    }
    return response.body();
  }

  /** Lines of an answer that ends. One that breaks off is a fault, for what came may be half. */
  void forEachLine(String path, Consumer<String> line) {
    try (var lines = lines(path)) {
      lines.forEach(line);
    } catch (UncheckedIOException e) {
      throw CliFault.of(CliFault.Code.UNAVAILABLE,
          "The answer broke off; the gateway's log says why: a history may be damaged.", e);
    }
  }

  static JsonNode parse(String text) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw CliFault.of(
          CliFault.Code.UNINTELLIGIBLE, "The answer is not JSON; does --url name a gateway?", e);
    }
  }

  private HttpRequest.Builder request(String path) {
    var base = address.get();
    try {
      return HttpRequest.newBuilder(URI.create(base + path)).header("authorization", "Bearer " + token);
    } catch (IllegalArgumentException e) {
      throw CliFault.of(
          CliFault.Code.REFUSED, "The address " + base
              + " or the token cannot be used; check --url and --token.", e);
    }
  }

  private JsonNode json(String path, HttpRequest.Builder request) {
    var response = send(request, HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() / 100 != 2) {
      throw refusal(response, response.body());
    }
    return parse(response.body().isEmpty() ? "{}" : response.body());
  }

  private <T> HttpResponse<T> send(HttpRequest.Builder request, HttpResponse.BodyHandler<T> handler) {
    try {
      return http.send(request.build(), handler);
    } catch (ConnectException | HttpConnectTimeoutException e) {
      throw CliFault.of(CliFault.Code.ABSENT, "No gateway answers at " + address.get()
          + "; start one with `portcullis serve`, or name it with --url.", e);
    } catch (IOException e) {
      throw CliFault.of(CliFault.Code.UNAVAILABLE, "The connection to the gateway at " + address.get()
          + " broke; try again.", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw CliFault.of(CliFault.Code.UNAVAILABLE, "Interrupted before the gateway answered; try again.", e);
    }
  }

  private static CliFault refusal(HttpResponse<?> response, String body) {
    var error = errorOf(body);
    var code = error.path("code").asText("").isEmpty() ? "HTTP " + response.statusCode()
        : error.path("code").asText();
    var message =
        Table.printable(error.path("message").asText("The gateway refused")).replaceAll("[.\\s]+$", "");
    var sentence = message + " (" + code + ")";
    var wait =
        response.headers().firstValue("retry-after").filter(text -> text.matches("\\d{1,6}")).orElse("0");
    return switch (response.statusCode()) {
      case 401, 403 ->
          CliFault.of(CliFault.Code.FORBIDDEN, sentence + "; check --token or PORTCULLIS_TOKEN.");
      case 429 -> CliFault.of(CliFault.Code.BUSY, sentence + "; try again in " + wait + " seconds.");
      case 503 -> isFinal(response)
          ? CliFault.of(CliFault.Code.REFUSED, sentence + ".")
          : CliFault.retryable(
              sentence + "; try again in " + wait + " seconds.", Duration.ofSeconds(Long.parseLong(wait)));
      default -> CliFault.of(CliFault.Code.REFUSED, sentence + ".");
    };
  }

  /** A session in quarantine waits for its operator, and names no time at which to come back. */
  private static boolean isFinal(HttpResponse<?> response) {
    return response.headers().firstValue("x-should-retry").filter("false"::equals).isPresent()
        && response.headers().firstValue("retry-after").isEmpty();
  }

  private static JsonNode errorOf(String body) {
    try {
      return JSON.readTree(body).path("error");
    } catch (JsonProcessingException notOurs) {
      return JSON.createObjectNode();
    }
  }
}
