package dev.portcullis.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.config.GatewayConfig;
import dev.portcullis.protocol.Unmet;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ManagementServerTest {
  private static final ActorTestKit KIT = ActorTestKit.create();

  private final HttpClient client = HttpClient.newHttpClient();
  private volatile List<Unmet> unmet = List.of(new Unmet("harness", "harness \"claude\" is not registered"));
  private volatile CompletionStage<Measured> measured = CompletableFuture.completedFuture(Measured.NOTHING);
  private ManagementServer.Bound server;

  @BeforeEach
  void open() {
    var readiness = new Readiness() {
      @Override
      public List<Unmet> unmet() {
        return unmet;
      }

      @Override
      public boolean started() {
        return unmet.isEmpty();
      }
    };
    server = ManagementServer.bind(
            KIT.system(), new GatewayConfig.Management("127.0.0.1", 0), readiness, new Metrics(),
                () -> measured)
        .toCompletableFuture()
        .join();
  }

  @AfterEach
  void close() {
    server.close(Duration.ofSeconds(1)).toCompletableFuture().join();
    client.close();
  }

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    var uri = URI.create("http://127.0.0.1:" + server.address().getPort() + path);
    return client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void readinessNamesWhatIsMissingUntilNothingIs() throws Exception {
    var before = get("/readyz");
    assertEquals(503, before.statusCode());
    assertEquals(
        "{\"ready\":false,\"unmet\":[{\"condition\":\"harness\",\"detail\":\"harness \\\"claude\\\" is not registered\"}]}",
        before.body());
    assertEquals(503, get("/startupz").statusCode());
    assertEquals(200, get("/livez").statusCode());
    unmet = List.of();
    assertEquals("{\"ready\":true}", get("/readyz").body());
    assertEquals(200, get("/startupz").statusCode());
    assertEquals(404, get("/").statusCode());
  }

  @Test
  void metricsShowTheLatestNumbersAndSurviveAJournalThatDoesNotAnswer() throws Exception {
    measured = CompletableFuture.completedFuture(new Measured(
        true, Map.of("active", 2L, "queued", 1L), 10, 7, Map.of("echo", true, "claude", false), 30, 5, 2, 3));
    var text = get("/metrics").body();
    for (var line : List.of(
        "portcullis_ready 1.0", "portcullis_runs{state=\"active\"} 2.0",
            "portcullis_runs{state=\"queued\"} 1.0",
        "portcullis_accepted_total 10.0", "portcullis_terminal_total 7.0",
            "portcullis_harness_up{harness=\"echo\"} 1.0",
        "portcullis_harness_up{harness=\"claude\"} 0.0", "portcullis_journal_events_total 30.0",
        "portcullis_journal_batches_total 5.0", "portcullis_sessions_quarantined 2.0", "portcullis_approvals_pending 3.0", "jvm_memory_used_bytes{")) {
      assertTrue(text.contains(line), line + " in\n" + text);
    }
    measured = new CompletableFuture<>();
    assertTrue(get("/metrics").body().contains("portcullis_accepted_total 10.0"));
    measured = CompletableFuture.failedFuture(new IllegalStateException("gone"));
    assertEquals(200, get("/metrics").statusCode());
  }
}
