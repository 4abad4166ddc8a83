package dev.portcullis.crash;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What a user's program does, each request with a deadline. */
final class Client implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration DEADLINE = Duration.ofSeconds(30);

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(DEADLINE).build();
  private final URI base;
  private final Optional<String> token;

  /** @param headers those of the answer */
  record Answer(int status, JsonNode json, HttpHeaders headers) {
    String text(String field) {
      return json.path(field).asText();
    }

    String code() {
      return json.path("error").path("code").asText();
    }
  }

  private Client(URI base, Optional<String> token) {
    this.base = base;
    this.token = token;
  }

  static Client of(URI base, String token) {
    return new Client(base, Optional.of(token));
  }

  static Client bare(URI base) {
    return new Client(base, Optional.empty());
  }

  /** @throws UncheckedIOException when no answer comes: whether it was done is unknown */
  Answer get(String path) {
    return send(request(path).GET().build());
  }

  Answer post(String path) {
    return send(request(path).POST(HttpRequest.BodyPublishers.noBody()).build());
  }

  Answer delete(String path) {
    return send(request(path).DELETE().build());
  }

  Answer submit(String session, String message) {
    return submit(session, message, Optional.empty());
  }

  Answer submit(String session, String message, String key) {
    return submit(session, message, Optional.of(key));
  }

  Answer submit(String session, String message, Optional<String> key) {
    var body = JsonNodeFactory.instance.objectNode().put("message", message);
    var request = request("/api/v1/sessions/" + session + "/runs");
    key.ifPresent(text -> request.header("Idempotency-Key", text));
    return send(post(request, body));
  }

  Answer decide(String run, String approval, String decision) {
    var body = JsonNodeFactory.instance.objectNode().put("decision", decision);
    return send(post(request("/api/v1/runs/" + run + "/approvals/" + approval), body));
  }

  /** As an SDK sends it for the {@code count}th time again. */
  Answer openAi(String path, String body, int count) {
    return send(request(path)
        .header("Content-Type", "application/json")
        .header("X-Stainless-Retry-Count", Integer.toString(count))
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build());
  }

  private static HttpRequest post(HttpRequest.Builder request, JsonNode body) {
    return request
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
        .build();
  }

  JsonNode run(String id) {
    return get("/api/v1/runs/" + id).json();
  }

  /** The run once it has ended. */
  JsonNode awaitEnd(String id) {
    return Await.value("the end of " + id, GatewayProcess.PATIENCE, () ->
        Optional.of(get("/api/v1/runs/" + id + "?wait=10s").json()).filter(run -> run.hasNonNull("endedAt")));
  }

  JsonNode awaitStatus(String id, String status) {
    return Await.value(id + " " + status, GatewayProcess.PATIENCE, () ->
        Optional.of(run(id)).filter(run -> run.path("status").asText().equals(status)));
  }

  JsonNode row(String session) {
    return get("/api/v1/sessions/" + session).json();
  }

  /** Every row, page by page. */
  List<JsonNode> rows() {
    var rows = new ArrayList<JsonNode>();
    var cursor = "";
    do {
      var page = get("/api/v1/sessions?limit=200" + (cursor.isEmpty() ? "" : "&cursor=" + cursor)).json();
      page.path("data").forEach(rows::add);
      cursor = page.path("nextCursor").asText("");
    } while (!cursor.isEmpty() && !cursor.equals("null"));
    return rows;
  }

  /** What the journal holds of a session, oldest first. */
  List<JsonNode> journal(String session) {
    try (var lines = lines("/api/v1/sessions/" + session + "/export")) {
      return lines.map(Client::json).toList();
    }
  }

  JsonNode counts() {
    return get("/api/v1/status").json().path("counts");
  }

  /** The events of a run after {@code seq}, until the stream ends by itself. */
  List<JsonNode> events(String run, long seq) {
    try (var frames = stream(run, seq)) {
      return frames.toList();
    }
  }

  List<JsonNode> events(String run) {
    return events(run, 0);
  }

  /** The events of a run up to the first of {@code type}, whether or not it has ended. */
  List<JsonNode> eventsUntil(String run, String type) {
    var events = new ArrayList<JsonNode>();
    try (var frames = stream(run, 0)) {
      var each = frames.iterator();
      do {
        events.add(each.next());
      } while (!events.getLast().path("type").asText().equals(type));
      return events;
    }
  }

  /** As they come. To be closed. */
  Stream<JsonNode> stream(String run, long seq) {
    return lines("/api/v1/runs/" + run + "/events?after=" + seq)
        .filter(line -> line.startsWith("data: ")).map(line -> json(line.substring(6)));
  }

  /** As they come. To be closed. */
  Stream<String> lines(String path) {
    try {
      var answer = http.send(request(path).GET().build(), BodyHandlers.ofLines());
      if (answer.statusCode() != 200) {
        throw new AssertionError(answer.statusCode() + " for " + path);
      }
      return answer.body();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", stop);
    }
  }

  private HttpRequest.Builder request(String path) {
    var request = HttpRequest.newBuilder(base.resolve(path)).timeout(DEADLINE);
    token.ifPresent(text -> request.header("Authorization", "Bearer " + text));
    return request;
  }

  private Answer send(HttpRequest request) {
    try {
      HttpResponse<String> answer = http.send(request, BodyHandlers.ofString());
      return new Answer(answer.statusCode(), json(answer.body()), answer.headers());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", stop);
    }
  }

  private static JsonNode json(String text) {
    try {
      return text.startsWith("{") ? JSON.readTree(text) : MissingNode.getInstance();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
