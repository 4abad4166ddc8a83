package dev.portcullis.cli;

import dev.portcullis.config.HarnessConfig;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** Asks a model server for its list of models, as the gateway's own probe does; no call of a model. */
final class ModelCheck {
  private static final Duration ANSWER = Duration.ofSeconds(15);

  private ModelCheck() {}

  static Finding of(String check, HarnessConfig.OfModel model) {
    var server = model.server();
    var key = "portcullis.harnesses." + server.name() + ".";
    try (var http = HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1).connectTimeout(server.limits().connectDeadline()).build()) {
      int status = http.send(request(model), HttpResponse.BodyHandlers.discarding()).statusCode();
      if (status == 401 || status == 403) {
        return Finding.broken(
            check, server.baseUrl() + " refuses the key (" + status + "); look at " + key + "api-key");
      }
      if (status / 100 == 3) {
        return Finding.broken(check, server.baseUrl() + " is elsewhere (" + status
            + "), and the key must not follow; look at " + key + "base-url");
      }
      return status >= 500
          ? Finding.broken(check, server.baseUrl() + " answers with " + status + "; try again later")
          : Finding.sound(check, server.baseUrl() + " answers; model " + server.model());
    } catch (IOException e) {
      return Finding.broken(check, server.baseUrl() + " cannot be reached (" + e.getClass().getSimpleName()
          + "); look at " + key + "base-url");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Finding.broken(check, "interrupted before " + server.baseUrl() + " answered");
    }
  }

  private static HttpRequest request(HarnessConfig.OfModel model) {
    var server = model.server();
    return (switch (model) {
      case HarnessConfig.OpenAi _ -> HttpRequest.newBuilder(URI.create(server.baseUrl() + "/models"))
          .header("authorization", "Bearer " + server.apiKey());
      case HarnessConfig.Anthropic _ -> HttpRequest.newBuilder(URI.create(server.baseUrl() + "/v1/models"))
          .header("x-api-key", server.apiKey())
          .header("anthropic-version", "2023-06-01");
    }).timeout(ANSWER).GET().build();
  }
}
