package dev.portcullis.harness.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.config.HarnessConfig.ModelServer;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.UpdateSink;
import dev.portcullis.protocol.Need;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.stream.StreamSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model behind an HTTP API. It keeps nothing of a conversation, so an attempt is given the transcript, and
 * one that was cut off is made again. A probe asks for the list of models; no call of a model.
 */
public final class ModelHarness implements Harness {
  private static final Logger log = LoggerFactory.getLogger(ModelHarness.class);
  private static final Duration PROBE = Duration.ofSeconds(15);
  private static final int MODELS_BYTES_MAX = 4 << 20;

  private final ModelApi api;
  private final Contact contact = new Contact();
  private final ModelAttempt.Parts parts;
  private final ScheduledThreadPoolExecutor timer;
  private final ExecutorService threads;
  private final Set<ModelAttempt> live = ConcurrentHashMap.newKeySet();

  /** @param random thread-safe */
  public static ModelHarness create(
      ModelServer server, Dialect dialect, Clock clock, RandomGenerator random) {
    return new ModelHarness(server, dialect, new Backoff(clock, random, Backoff.Pause.REAL));
  }

  ModelHarness(ModelServer server, Dialect dialect, Backoff backoff) {
    this.threads = Executors.newThreadPerTaskExecutor(
        Thread.ofVirtual().name("http-" + server.name()).factory());
    this.timer = new ScheduledThreadPoolExecutor(
        1, Thread.ofPlatform().daemon().name("model-" + server.name()).factory());
    timer.setRemoveOnCancelPolicy(true);
    timer.setRejectedExecutionHandler((_, _) -> { }); // Closed: what was to happen later no longer matters.
    var http = HttpClient.newBuilder()
        // One connection per call: to cut it is to abort. And servers trip over a request to upgrade.
        .version(HttpClient.Version.HTTP_1_1)
        .followRedirects(HttpClient.Redirect.NEVER) // The key must not travel.
        .connectTimeout(server.limits().connectDeadline())
        .executor(threads)
        .build();
    this.api = new ModelApi(server, dialect, http);
    this.parts = new ModelAttempt.Parts(
        api, new Semaphore(server.limits().calls(), true), timer, backoff, contact);
  }

  // ---- proving
  @Override
  public CompletionStage<Registration> probe() {
    return CompletableFuture.supplyAsync(this::prove, threads);
  }

  private Registration prove() {
    var exchange = api.models();
    try (var watchdog = Watchdog.start(timer, PROBE, PROBE, exchange::cut)) {
      try {
        var answer = exchange.await();
        look(answer, watchdog.over(answer.body()));
        contact.proven();
        return new Registration("", Recovery.REPLAY, false, EnumSet.allOf(Need.class));
      } catch (IOException failure) {
        throw watchdog.fault().orElseGet(() -> api.unreachable(failure));
      } catch (InterruptedException closed) {
        throw HarnessFault.of(Code.LOST, "the probe was interrupted");
      }
    } finally {
      exchange.cut();
    }
  }

  /**
   * Any answer shows that a server stands; only those that no turn would fare better with are faults. Many
   * compatible servers have no list of models, or one that lacks what they take.
   */
  private void look(HttpResponse<?> answer, InputStream body) throws IOException {
    int status = answer.statusCode();
    if (status == 200) {
      var text = new String(body.readNBytes(MODELS_BYTES_MAX), StandardCharsets.UTF_8);
      ModelJson.read(text).ifPresent(this::compare);
    } else if (status == 401 || status == 403 || status >= 500 || status / 100 == 3) {
      throw api.refusal(answer, body);
    }
  }

  private void compare(JsonNode models) {
    var wanted = api.server().model();
    var listed = models.path("data");
    if (!listed.isEmpty() && StreamSupport.stream(listed.spliterator(), false)
        .noneMatch(model -> model.path("id").asText().equals(wanted))) {
      log.warn("harness.model_unlisted name={} model={} listed={}",
          api.server().name(), wanted, listed.size());
    }
  }

  @Override
  public void onLost(Consumer<HarnessFault> lost) {
    contact.onLost(lost);
  }

  // ---- turns
  @Override
  public Attempt start(AttemptSpec spec, UpdateSink updates) {
    var attempt = new ModelAttempt(parts, spec, updates);
    live.add(attempt);
    attempt.gone().thenRun(() -> live.remove(attempt));
    attempt.begin();
    return attempt;
  }

  /** Whether no attempt is left. */
  boolean idle() {
    return live.isEmpty();
  }

  /** Attempts that wait for their turn to call. */
  int waiting() {
    return parts.places().getQueueLength();
  }

  @Override
  public CompletionStage<Void> close(Duration grace) {
    var ends = live.stream().map(attempt -> attempt.stop(grace).toCompletableFuture())
        .toArray(CompletableFuture[]::new);
    return CompletableFuture.allOf(ends).thenRun(() -> {
      api.http().shutdownNow();
      timer.shutdownNow();
      threads.shutdown();
    });
  }
}
