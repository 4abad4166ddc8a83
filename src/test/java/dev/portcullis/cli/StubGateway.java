package dev.portcullis.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;

/** Answers of the recorded shapes. Each route has a row of answers; the last one repeats. */
final class StubGateway implements AutoCloseable {
  static final String TOKEN = "t0ken";

  /** One answer. {@code hold}: opened before the rest of a stream is sent. */
  record Answer(int status, Map<String, String> headers, String body, List<CountDownLatch> hold) {
    static Answer json(int status, String body) {
      return new Answer(status, Map.of("content-type", "application/json"), body, List.of());
    }

    static Answer events(String... frames) {
      return new Answer(200, Map.of("content-type", "text/event-stream"), String.join("", frames), List.of());
    }

    /** Ends the connection without an answer. */
    static Answer broken() {
      return new Answer(0, Map.of(), "", List.of());
    }

    Answer with(String header, String value) {
      return new Answer(status, Map.of(header, value), body, hold);
    }

    Answer openUntil(CountDownLatch latch) {
      return new Answer(status, headers, body, List.of(latch));
    }
  }

  /** What came in: method, raw path with query, body. */
  record Request(String line, String body) {}

  private final HttpServer server;
  private final Map<String, Deque<Answer>> answers = new ConcurrentHashMap<>();
  private final List<Request> requests = new CopyOnWriteArrayList<>();

  StubGateway() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.start();
  }

  String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  StubGateway on(String line, Answer... row) {
    answers.put(line, new ArrayDeque<>(List.of(row)));
    return this;
  }

  StubGateway on(String line, int status, String body) {
    return on(line, Answer.json(status, body));
  }

  List<Request> requests() {
    return List.copyOf(requests);
  }

  static String frame(long id, String event, String data) {
    return "id: " + id + "\nevent: " + event + "\ndata: " + data + "\n\n";
  }

  private synchronized Answer next(String line) {
    var row = answers.getOrDefault(line, new ArrayDeque<>(List.of(Answer.json(404,
        "{\"error\":{\"message\":\"Nothing is here.\",\"type\":\"invalid_request_error\",\"param\":null,"
            + "\"code\":\"not_found\"}}"))));
    return row.size() > 1 ? row.removeFirst() : row.getFirst();
  }

  private void answer(HttpExchange exchange) throws IOException {
    var line = exchange.getRequestMethod() + " " + exchange.getRequestURI();
    requests.add(
        new Request(line, new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8)));
    var answer = ("Bearer " + TOKEN).equals(exchange.getRequestHeaders().getFirst("authorization"))
        ? next(line)
        : Answer.json(401,
            "{\"error\":{\"message\":\"The token is not valid.\",\"code\":\"invalid_api_key\"}}");
    if (answer.status() == 0) {
      throw new UncheckedIOException(new IOException("as asked"));
    }
    answer.headers().forEach(exchange.getResponseHeaders()::add);
    exchange.sendResponseHeaders(answer.status(), 0);
    try (var out = exchange.getResponseBody()) {
      out.write(answer.body().getBytes(StandardCharsets.UTF_8));
      out.flush();
      for (var latch : answer.hold()) {
        latch.await();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
