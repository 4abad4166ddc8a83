package dev.portcullis.harness.http;

import dev.portcullis.config.HarnessConfig.ModelServer;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** One configured server, addressed in its dialect. Thread-safe. */
record ModelApi(ModelServer server, Dialect dialect, HttpClient http) {
  /** So much of an error is read; whoever says more has said it by then. */
  private static final int ERROR_BYTES_MAX = 64 << 10;

  Exchange models() {
    return new Exchange(http, request(dialect.models()).GET().build());
  }

  Exchange turn(byte[] body) {
    return new Exchange(http, request(dialect.turns())
        .header("content-type", "application/json")
        .header("accept", "text/event-stream")
        .POST(HttpRequest.BodyPublishers.ofByteArray(body))
        .build());
  }

  byte[] body(Prompt prompt) {
    return dialect.body(server, prompt).toString().getBytes(StandardCharsets.UTF_8);
  }

  private HttpRequest.Builder request(String path) {
    var address = URI.create(server.baseUrl() + path);
    var request = HttpRequest.newBuilder(address).header("user-agent", "portcullis");
    dialect.headers(server.apiKey()).forEach(request::header);
    return request;
  }

  /** What an answer other than a good one says; reads it. */
  HarnessFault refusal(HttpResponse<?> answer, InputStream body) throws IOException {
    return error(body).ofStatus(answer.statusCode(), requestId(answer), server.apiKey());
  }

  /** What a good answer says that is no stream. */
  HarnessFault noStream(HttpResponse<?> answer, InputStream body) throws IOException {
    var error = error(body);
    return error.words().isEmpty() && error.message().isEmpty()
        ? HarnessFault.malformed("content-type", "text/event-stream")
        : broken(error, answer);
  }

  HarnessFault broken(ModelError error, HttpResponse<?> answer) {
    return error.inStream(requestId(answer), server.apiKey());
  }

  private static ModelError error(InputStream body) throws IOException {
    var text = new String(body.readNBytes(ERROR_BYTES_MAX), StandardCharsets.UTF_8);
    return ModelError.of(ModelJson.read(text).orElseGet(ModelJson::object));
  }

  private static String requestId(HttpResponse<?> answer) {
    return answer.headers().firstValue("x-request-id").or(() -> answer.headers().firstValue("request-id"))
        .orElse("");
  }

  /** No answer at all. */
  HarnessFault unreachable(IOException failure) {
    return HarnessFault.of(Code.LOST, "the model server at " + server.baseUrl().getAuthority()
        + " gives no answer: " + cause(failure, server.limits().connectDeadline()));
  }

  private static String cause(IOException failure, Duration connectDeadline) {
    return switch (failure) {
      case HttpConnectTimeoutException _ -> "no connection within " + connectDeadline.toMillis() + " ms";
      case ConnectException no when no.getCause() instanceof UnresolvedAddressException
          || no.getCause() instanceof ConnectException inner
              && inner.getCause() instanceof UnresolvedAddressException -> "no such host";
      case ConnectException _ -> "the connection is refused";
      case IOException other -> String.valueOf(other.getMessage());
    };
  }
}
