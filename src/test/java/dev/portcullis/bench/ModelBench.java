package dev.portcullis.bench;

import dev.portcullis.harness.http.ScriptedServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Question: what does the whole gateway add to a turn on a model server, and to its first token, when 200 of them run at a
 * time? The stand-in streams at a steady pace; the same client calls it directly, then through the gateway, in one run.
 * Model, client and gateway share the machine.
 */
@Tag("bench")
final class ModelBench {
  private static final int CALLERS = Integer.getInteger("bench.callers", 200);
  private static final int PIECES = 40;
  private static final Duration PACE = Duration.ofMillis(50);
  private static final Duration WARM_UP = Duration.ofSeconds(20);
  private static final Duration WINDOW = Duration.ofSeconds(30);

  @TempDir Path scratch;

  /** Where turns are asked of. */
  private record Target(String name, URI url, String token) {}

  /** What turns took: until the first word, and until all was there. */
  private record Took(Queue<Long> first, Queue<Long> all) {
    Took() {
      this(new ConcurrentLinkedQueue<>(), new ConcurrentLinkedQueue<>());
    }
  }

  @BeforeAll
  static void build() throws IOException, InterruptedException {
    Gateway.build();
  }

  @Test
  void whatTheGatewayAddsToATurnOnAModelServer() throws IOException, InterruptedException {
    try (var model = ScriptedServer.start().then(ModelBench::answer);
        var gateway = Gateway.start(scratch.resolve("data"), "", "--set", "portcullis.agents.main.harness=model", "--set",
            "portcullis.harnesses.model={ kind = openai, api-key = none, model = m, base-url = \"" + model.url()
                + "/v1\", calls = " + CALLERS + " }");
        var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
      var direct = new Target("directly", URI.create(model.url() + "/v1/chat/completions"), "none");
      var through = new Target("through the gateway", gateway.http().resolve("/v1/chat/completions"), gateway.token());
      load(client, direct, WARM_UP);
      load(client, through, WARM_UP);
      var without = load(client, direct, WINDOW);
      long cpu = gateway.cpuMillis();
      var with = load(client, through, WINDOW);
      double cpuPerTurn = (gateway.cpuMillis() - cpu) / (double) with.all().size();
      System.out.printf("%n| %d at a time, %d pieces, one each %d ms | turns | first p50 ms | p99 | whole p50 ms | p99 |%n",
          CALLERS, PIECES, PACE.toMillis());
      System.out.printf("|---|---|---|---|---|---|%n");
      row(direct.name(), without);
      row(through.name(), with);
      System.out.printf("| added | | %.1f | %.1f | %.1f | %.1f |%n",
          added(with.first(), without.first(), 0.5), added(with.first(), without.first(), 0.99),
          added(with.all(), without.all(), 0.5), added(with.all(), without.all(), 0.99));
      System.out.printf("%ngateway: %.1f ms of CPU per turn, RSS %d MB%n", cpuPerTurn, gateway.residentKb() / 1024);
    }
  }

  private static void answer(ScriptedServer.Request request, ScriptedServer.Wire wire)
      throws IOException, InterruptedException {
    if (request.method().equals("GET")) {
      ScriptedServer.status(200, "{\"data\":[]}").to(request, wire);
      return;
    }
    wire.stream();
    long next = System.nanoTime();
    for (int i = 0; i < PIECES; i++) {
      wire.send("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"w" + i + " \"},\"finish_reason\":null}]}\n\n");
      next += PACE.toNanos(); // Late once is not late for ever: the pace is that of the clock.
      LockSupport.parkNanos(next - System.nanoTime());
    }
    wire.send("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n").end();
  }

  private static Took load(HttpClient client, Target target, Duration window) throws InterruptedException {
    var took = new Took();
    long begin = System.nanoTime();
    long until = begin + window.toNanos();
    var threads = new ArrayList<Thread>();
    for (int i = 0; i < CALLERS; i++) {
      long delay = PACE.toNanos() * PIECES * i / CALLERS; // Spread over one turn, so that they do not march in step.
      threads.add(Thread.ofVirtual().start(() -> {
        LockSupport.parkNanos(delay);
        while (System.nanoTime() < until) {
          turn(client, target, took);
        }
      }));
    }
    for (var thread : threads) {
      thread.join();
    }
    return took;
  }

  private static void turn(HttpClient client, Target target, Took took) {
    var request = HttpRequest.newBuilder(target.url())
        .header("Content-Type", "application/json")
        .header("Authorization", "Bearer " + target.token())
        .POST(HttpRequest.BodyPublishers.ofString(
            "{\"model\":\"main\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"go\"}]}"))
        .build();
    long start = System.nanoTime();
    try (var lines = client.send(request, HttpResponse.BodyHandlers.ofLines()).body()) {
      var seen = new ArrayList<String>();
      lines.filter(line -> line.startsWith("data: ")).forEach(line -> {
        if (line.contains("\"content\":\"w0")) {
          took.first().add(System.nanoTime() - start);
        }
        seen.add(line);
      });
      if (!seen.equals(List.of()) && seen.getLast().equals("data: [DONE]")) {
        took.all().add(System.nanoTime() - start);
      } else {
        throw new IllegalStateException("a turn " + target.name() + " gave " + seen);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
    }
  }

  private static void row(String what, Took took) {
    System.out.printf("| %s | %d | %.1f | %.1f | %.1f | %.1f |%n", what, took.all().size(),
        millis(took.first(), 0.5), millis(took.first(), 0.99), millis(took.all(), 0.5), millis(took.all(), 0.99));
  }

  private static double added(Queue<Long> with, Queue<Long> without, double part) {
    return millis(with, part) - millis(without, part);
  }

  /** Exact: what is added is small beside what a turn takes. */
  private static double millis(Queue<Long> nanos, double part) {
    var sorted = nanos.stream().mapToLong(Long::longValue).sorted().toArray();
    return sorted[(int) Math.ceil(sorted.length * part) - 1] / 1e6;
  }
}
