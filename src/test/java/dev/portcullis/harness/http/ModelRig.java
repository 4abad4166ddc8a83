package dev.portcullis.harness.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import dev.portcullis.config.HarnessConfig.ModelLimits;
import dev.portcullis.config.HarnessConfig.ModelServer;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.AttemptSpec.Interruption;
import dev.portcullis.harness.Harness.Attempt;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.Updates;
import dev.portcullis.harness.anthropic.AnthropicDialects;
import dev.portcullis.harness.openai.OpenAiDialects;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/** A scripted server and harnesses that speak with it, whose waits are noted and take no time. */
final class ModelRig implements AutoCloseable {
  static final String KEY = "sk-canary-1234567890";
  static final ModelLimits LIMITS =
      new ModelLimits(8, Duration.ofSeconds(5), Duration.ofSeconds(20), Duration.ofMinutes(5), 3);

  /** An API, with what its recordings are called. */
  enum Api {
    CHAT("openai-chat", OpenAiDialects.chat()),
    RESPONSES("openai-responses", OpenAiDialects.responses()),
    MESSAGES("anthropic", AnthropicDialects.messages());

    final String recordings;
    final Dialect dialect;

    Api(String recordings, Dialect dialect) {
      this.recordings = recordings;
      this.dialect = dialect;
    }
  }

  final ScriptedServer server = ScriptedServer.start();
  final List<Duration> waits = new CopyOnWriteArrayList<>();
  final List<HarnessFault> losses = new CopyOnWriteArrayList<>();
  private final List<ModelHarness> harnesses = new ArrayList<>();

  ModelHarness harness(Api api) {
    return harness(api, LIMITS);
  }

  ModelHarness harness(Api api, ModelLimits limits) {
    return harness(api, limits, server.url());
  }

  ModelHarness harness(Api api, ModelLimits limits, String url) {
    var settings = settings(limits, url);
    var clock = Clock.fixed(Instant.parse("2026-11-20T10:00:00Z"), ZoneOffset.UTC);
    var harness = new ModelHarness(settings, api.dialect, new Backoff(clock, new Random(1), (over, wait) -> {
      waits.add(wait);
      return over.getCount() == 0;
    }));
    harness.onLost(losses::add);
    harnesses.add(harness);
    return harness;
  }

  ModelServer settings() {
    return settings(LIMITS, server.url());
  }

  private static ModelServer settings(ModelLimits limits, String url) {
    return new ModelServer("model", URI.create(url), KEY, "mock-1", "Be brief.", 256, 1_000, limits);
  }

  static AttemptSpec spec(String message) {
    return new AttemptSpec("c", "run", 1, Path.of("/"), message, List.of(), "", new Interruption.None());
  }

  static Updates run(ModelHarness harness) {
    var updates = new Updates();
    start(harness, updates);
    updates.awaitEnd();
    return updates;
  }

  static Attempt start(ModelHarness harness, Updates updates) {
    return harness.start(spec("hello"), updates);
  }

  static HarnessFault fault(Updates updates) {
    return assertInstanceOf(HarnessUpdate.Failed.class, updates.awaitEnd()).fault();
  }

  /** Text that came and was told to be the whole answer. */
  static void assertAnswer(String text, String stopReason, Updates updates) {
    assertEquals(new HarnessUpdate.Completed(stopReason), updates.awaitEnd(), () -> updates.all().toString());
    assertEquals(text, updates.text());
    assertEquals(new HarnessUpdate.Attached("", List.of()), updates.all().getFirst());
  }

  /** A frame of Chat Completions with a piece of text. */
  static String chunk(String text) {
    return "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + text + "\"},\"finish_reason\":null}]}\n\n";
  }

  static String stop(String reason) {
    return "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" + reason + "\"}]}\n\n";
  }

  @Override
  public void close() {
    try {
      for (var harness : harnesses) {
        harness.close(Duration.ofSeconds(2)).toCompletableFuture().get(20, TimeUnit.SECONDS);
      }
    } catch (Exception e) {
      throw new AssertionError("a harness did not close", e);
    } finally {
      server.close();
    }
  }
}
