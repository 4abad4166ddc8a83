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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A gateway as {@code bin/portcullis serve} runs it, in a process of its own. */
final class Gateway implements AutoCloseable {
  private static final Path LAUNCHER = Path.of("bin", "portcullis").toAbsolutePath();

  private final Process process;
  private final URI http;
  private final URI management;
  private final String token;
  final long readyMillis;
  private final HttpClient client = HttpClient.newHttpClient();

  /**
   * What it has used so far.
   *
   * @param compiler the part of {@code cpu} that the JIT compiler took, which ends some day
   * @param written bytes that went to the disk, as the kernel counts them
   * @param events of the journal
   */
  record Used(Duration cpu, Duration compiler, long written, long events, long syncs) {}

  private Gateway(Process process, URI http, URI management, String token, long readyMillis) {
    this.process = process;
    this.http = http;
    this.management = management;
    this.token = token;
    this.readyMillis = readyMillis;
  }

  long pid() {
    return process.pid();
  }

  /** Builds what is not built. */
  static void build() throws IOException, InterruptedException {
    run(LAUNCHER.toString(), "version");
    run(LAUNCHER.toString(), "aot");
  }

  private static void run(String... command) throws IOException, InterruptedException {
    int code = new ProcessBuilder(command).inheritIO().start().waitFor();
    if (code != 0) {
      throw new IllegalStateException(Arrays.toString(command) + " ended with " + code);
    }
  }

  /** @param more further arguments of {@code serve} */
  static Gateway start(Path data, String javaOptions, String... more) throws IOException {
    var command = new ArrayList<>(List.of(
        LAUNCHER.toString(), "serve", "--data", data.toString(), "--port", "0", "--management-port", "0"));
    command.addAll(List.of(more));
    var builder = new ProcessBuilder(command)
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
        process, URI.create(json.path("http").asText()), URI.create(json.path("management").asText()), Files.readString(data.resolve("token")).strip(), ready);
  }

  URI http() {
    return http;
  }

  String token() {
    return token;
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

  Used used() throws IOException {
    var proc = Path.of("/proc", Long.toString(process.pid()));
    var compiler = Duration.ZERO;
    for (var thread : threads(proc)) {
      if (Files.readString(thread.resolve("comm")).matches("C[12] Compiler.*\n")) {
        compiler = compiler.plus(cpu(thread));
      }
    }
    var metrics = send(HttpRequest.newBuilder(management.resolve("/metrics")).GET(), "portcullis_ready");
    return new Used(cpu(proc), compiler, number(Files.readString(proc.resolve("io")), "\nwrite_bytes: "),
        number(metrics, "\nportcullis_journal_events_total "), number(metrics, "\nportcullis_journal_batches_total "));
  }

  private static List<Path> threads(Path proc) throws IOException {
    try (var tasks = Files.list(proc.resolve("task"))) {
      return tasks.toList();
    }
  }

  private static Duration cpu(Path proc) throws IOException {
    var stat = Files.readString(proc.resolve("stat"));
    var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return Duration.ofMillis(10 * (Long.parseLong(fields[11]) + Long.parseLong(fields[12]))); // A tick of Linux is 10 ms.
  }

  private static long number(String text, String name) {
    int at = text.indexOf(name);
    return at < 0 ? 0 : (long) Double.parseDouble(text.substring(at + name.length()).split("\n", 2)[0]);
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
