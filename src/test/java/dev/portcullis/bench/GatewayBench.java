package dev.portcullis.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Questions: how soon is a gateway ready, with and without the start-up cache; how much memory does it hold idle; how many
 * runs a second does it take and what does it add to a run, with a harness that takes no time (echo), at 1 and 32 callers.
 * The gateway is the one that {@code bin/portcullis serve} runs; load and gateway share the machine.
 */
@Tag("bench")
final class GatewayBench {
  private static final int STARTS = 7;
  private static final Duration WARM_UP = Duration.ofSeconds(10);
  private static final Duration WINDOW = Duration.ofSeconds(10);
  private static final Path LAUNCHER = Path.of("bin", "portcullis").toAbsolutePath();

  @TempDir Path scratch;

  @BeforeAll
  static void build() throws IOException, InterruptedException {
    run(LAUNCHER.toString(), "version");
    run(LAUNCHER.toString(), "aot");
  }

  @Test
  void timeToReadyWithAndWithoutTheCache() throws IOException, InterruptedException {
    var with = new ArrayList<Long>();
    var without = new ArrayList<Long>();
    long idleKb = 0;
    for (int i = 0; i < STARTS; i++) {
      try (var gateway = Gateway.start(scratch.resolve("with-" + i), "")) {
        with.add(gateway.readyMillis);
        if (i == STARTS - 1) {
          LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(15)); // Idle is what is measured.
          idleKb = gateway.residentKb();
        }
      }
      try (var gateway = Gateway.start(scratch.resolve("without-" + i), "-XX:AOTMode=off")) {
        without.add(gateway.readyMillis);
      }
    }
    System.out.printf("%n| start | median ms to ready | fastest | slowest |%n|---|---|---|---|%n");
    row("with the cache", with);
    row("without", without);
    System.out.printf("%nidle RSS after 15 s: %d MB%n", idleKb / 1024);
  }

  @Test
  void runsPerSecondAndAddedLatency() throws IOException, InterruptedException {
    System.out.printf("%n| route | callers | runs/s | p50 ms | p99 ms | gateway CPU ms per run |%n|---|---|---|---|---|---|%n");
    try (var gateway = Gateway.start(scratch.resolve("load"), "")) {
      for (int callers : new int[] {1, 32}) {
        for (var route : List.of("chat whole", "chat streamed", "native, waiting for the end")) {
          load(gateway, route, callers, WARM_UP);
          long cpu = gateway.cpuMillis();
          var latencies = load(gateway, route, callers, WINDOW);
          double cpuPerRun = (gateway.cpuMillis() - cpu) / (double) latencies.length;
          System.out.printf("| %s | %d | %.0f | %.2f | %.2f | %.2f |%n",
              route, callers, latencies.length / (double) WINDOW.toSeconds(),
              percentile(latencies, 50), percentile(latencies, 99), cpuPerRun);
        }
      }
      System.out.printf("%nRSS after the load: %d MB%n", gateway.residentKb() / 1024);
    }
  }

  private static long[] load(Gateway gateway, String route, int callers, Duration window) throws InterruptedException {
    var took = new ConcurrentLinkedQueue<Long>();
    long until = System.nanoTime() + window.toNanos();
    var threads = new ArrayList<Thread>();
    for (int i = 0; i < callers; i++) {
      int caller = i;
      threads.add(Thread.ofVirtual().start(() -> {
        for (int n = 0; System.nanoTime() < until; n++) {
          long start = System.nanoTime();
          gateway.turn(route, caller + "-" + n);
          took.add(System.nanoTime() - start);
        }
      }));
    }
    for (var thread : threads) {
      thread.join();
    }
    return took.stream().mapToLong(Long::longValue).sorted().toArray();
  }

  private static double percentile(long[] sorted, int percent) {
    return sorted[Math.min(sorted.length - 1, sorted.length * percent / 100)] / 1e6;
  }

  private static void row(String what, List<Long> millis) {
    var sorted = millis.stream().mapToLong(Long::longValue).sorted().toArray();
    System.out.printf(
        "| %s | %d | %d | %d |%n", what, sorted[sorted.length / 2], sorted[0], sorted[sorted.length - 1]);
  }

  private static void run(String... command) throws IOException, InterruptedException {
    int code = new ProcessBuilder(command).inheritIO().start().waitFor();
    if (code != 0) {
      throw new IllegalStateException(Arrays.toString(command) + " ended with " + code);
    }
  }

  /** A gateway as a user starts it. */
  private static final class Gateway implements AutoCloseable {
    private final Process process;
    private final URI http;
    private final String token;
    private final long readyMillis;
    private final HttpClient client = HttpClient.newHttpClient();

    private Gateway(Process process, URI http, String token, long readyMillis) {
      this.process = process;
      this.http = http;
      this.token = token;
      this.readyMillis = readyMillis;
    }

    static Gateway start(Path data, String javaOptions) throws IOException {
      var builder = new ProcessBuilder(
          LAUNCHER.toString(), "serve", "--data", data.toString(), "--port", "0", "--management-port", "0")
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD);
      builder.environment().put("PORTCULLIS_JAVA_OPTS", javaOptions);
      long start = System.nanoTime();
      var process = builder.start();
      var addresses = data.resolve("run").resolve("addresses.json");
      while (!Files.exists(addresses)) {
        if (!process.isAlive()) {
          throw new IllegalStateException("the gateway ended with " + process.exitValue());
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
      }
      long ready = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
      var json = new JsonMapper().readTree(Files.readAllBytes(addresses));
      return new Gateway(
          process, URI.create(json.path("http").asText()), Files.readString(data.resolve("token")).strip(), ready);
    }

    void turn(String route, String text) {
      switch (route) {
        case "chat whole" -> post("/v1/chat/completions",
            "{\"model\":\"main\",\"messages\":[{\"role\":\"user\",\"content\":\"" + text + "\"}]}", "\"stop\"");
        case "chat streamed" -> post("/v1/chat/completions",
            "{\"model\":\"main\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"" + text + "\"}]}",
            "[DONE]");
        case String _ -> {
          var session = "bench-" + text.substring(0, text.indexOf('-'));
          var accepted = post("/api/v1/sessions/" + session + "/runs", "{\"message\":\"" + text + "\"}", "runId");
          var run = accepted.substring(accepted.indexOf("run_"), accepted.indexOf("\",\"sessionKey"));
          send(HttpRequest.newBuilder(http.resolve("/api/v1/runs/" + run + "?wait=30s")).GET(), "\"completed\"");
        }
      }
    }

    private String post(String path, String body, String expected) {
      return send(HttpRequest.newBuilder(http.resolve(path))
          .header("Content-Type", "application/json")
          .POST(HttpRequest.BodyPublishers.ofString(body)), expected);
    }

    private String send(HttpRequest.Builder request, String expected) {
      try {
        var answer = client.send(
            request.header("Authorization", "Bearer " + token).build(), HttpResponse.BodyHandlers.ofString());
        if (!answer.body().contains(expected)) {
          throw new IllegalStateException(answer.statusCode() + " " + answer.body());
        }
        return answer.body();
      } catch (IOException e) {
        throw new IllegalStateException(e);
      } catch (InterruptedException stop) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(stop);
      }
    }

    long residentKb() throws IOException {
      return Files.readAllLines(Path.of("/proc", Long.toString(process.pid()), "status")).stream()
          .filter(line -> line.startsWith("VmRSS"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
          .findFirst()
          .orElseThrow();
    }

    long cpuMillis() {
      return process.info().totalCpuDuration().orElseThrow().toMillis();
    }

    @Override
    public void close() {
      process.destroy();
      try {
        if (!process.waitFor(20, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      } catch (InterruptedException stop) {
        process.destroyForcibly();
        Thread.currentThread().interrupt();
      } finally {
        client.close();
      }
    }
  }
}
