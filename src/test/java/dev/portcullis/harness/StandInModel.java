package dev.portcullis.harness;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.portcullis.harness.ModelDialect.Asked;
import dev.portcullis.harness.ModelDialect.Frame;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A model server on loopback that needs no model: speaks Chat Completions, Responses, Anthropic Messages and
 * Gemini, streamed or not, and obeys the directives of the last user message.
 *
 * <pre>
 * [[say WORDS]]           answers them word by word; without any directive it says "ok"
 * [[slow N MS]]           answers "part1 part2 …", N of them, MS milliseconds apart
 * [[long N]]              answers N kilobytes
 * [[length WORDS]]        answers them and stops for length
 * [[shell COMMAND]]       calls the shell tool that was offered, then repeats what it said
 * [[tool NAME {…}]]       calls that tool with these arguments, then repeats what it said
 * [[history]]             tells how many messages it was given: "users=N assistants=M"
 * [[error STATUS TIMES]]  refuses; after TIMES (without it: always) answers "recovered"
 * [[cut N]]               with one of the others: drops the connection after N pieces
 * [[stream-error N]]      with one of the others: sends the vendor's error after N (1) pieces of a stream
 * </pre>
 *
 * A call of the model {@link #SMALL} is one of the agent for itself (a title, say) and is answered "ok". A key that
 * begins with {@code wrong} is refused with 401.
 */
public final class StandInModel implements AutoCloseable {
  public static final String MODEL = "standin-1";
  public static final String SMALL = "standin-small";
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> KEYS = List.of("authorization", "x-api-key", "x-goog-api-key");

  public enum End { ANSWERED, REFUSED, CUT, CLOSED_BY_CLIENT }

  /**
   * @param turn a call of the agent for a turn, not for a title
   * @param headers by name in lower case
   * @param end how the call ended; completes then
   */
  public record Call(boolean turn, String path, Map<String, String> headers, JsonNode body,
      List<String> userMessages, CompletableFuture<End> end) {
    public End awaitEnd() {
      try {
        return end.get(20, TimeUnit.SECONDS);
      } catch (Exception e) {
        throw new AssertionError("the call of " + path + " does not end", e);
      }
    }
  }

  private final HttpServer server;
  private final List<Call> calls = new CopyOnWriteArrayList<>();
  private final AtomicLong ids = new AtomicLong();

  /** Serves on a free port until closed. */
  public static StandInModel start() throws IOException {
    return new StandInModel();
  }

  private StandInModel() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/", this::serve);
    server.start();
  }

  /** What Anthropic's and Gemini's clients want as their base URL. */
  public String rootUrl() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** What OpenAI's clients and those compatible want as their base URL. */
  public String baseUrl() {
    return rootUrl() + "/v1";
  }

  /** What it was asked to answer, oldest first. */
  public List<Call> calls() {
    return List.copyOf(calls);
  }

  @Override
  public void close() {
    server.stop(0);
  }

  private void serve(HttpExchange exchange) throws IOException {
    var path = exchange.getRequestURI().getPath();
    var body = exchange.getRequestBody().readAllBytes();
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.sendResponseHeaders(200, -1);
      exchange.close();
    } else if (path.equals("/v1/models")) {
      if (!wrongKey(exchange)) {
        json(exchange, 200, models());
      } else {
        json(exchange, 401, exchange.getRequestHeaders().containsKey("anthropic-version")
            ? MessagesDialect.error("authentication_error", ModelDialect.FAILURE)
            : ChatDialect.openAiError(401));
      }
    } else if (path.endsWith(":countTokens")) {
      json(exchange, 200, ModelDialect.object().put("totalTokens", ModelDialect.INPUT));
    } else if (path.equals("/v1/messages/count_tokens")) {
      json(exchange, 200, ModelDialect.object().put("input_tokens", ModelDialect.INPUT));
    } else {
      call(exchange, path, body.length == 0 ? JSON.nullNode() : JSON.readTree(body));
    }
  }

  private static boolean wrongKey(HttpExchange exchange) {
    return KEYS.stream().flatMap(name -> exchange.getRequestHeaders().getOrDefault(name, List.of()).stream())
        .anyMatch(key -> key.startsWith("wrong") || key.startsWith("Bearer wrong"));
  }

  /** One list that OpenAI's clients understand and Anthropic's too. */
  private static JsonNode models() {
    var list = ModelDialect.object().put("object", "list").put("has_more", false)
        .put("first_id", MODEL).put("last_id", SMALL);
    var data = list.putArray("data");
    for (var id : List.of(MODEL, SMALL)) {
      data.addObject().put("id", id).put("object", "model").put("created", 1_700_000_000L)
          .put("owned_by", "standin").put("type", "model").put("display_name", id)
          .put("created_at", "2026-01-01T00:00:00Z");
    }
    return list;
  }

  private void call(HttpExchange exchange, String path, JsonNode body) throws IOException {
    var number = ids.incrementAndGet();
    Asked asked;
    ModelDialect dialect;
    if (path.equals("/v1/chat/completions")) {
      asked = ChatDialect.read(body);
      dialect = new ChatDialect(number, asked);
    } else if (path.equals("/v1/responses")) {
      asked = ResponsesDialect.read(body);
      dialect = new ResponsesDialect(number, asked);
    } else if (path.equals("/v1/messages")) {
      asked = MessagesDialect.read(body);
      dialect = new MessagesDialect(number, asked);
    } else if (path.matches("/v1beta/models/[^/]+:(streamGenerateContent|generateContent)")) {
      asked = GeminiDialect.read(path.substring(path.lastIndexOf('/') + 1), body);
      dialect = new GeminiDialect(number, asked);
    } else {
      json(exchange, 404, ChatDialect.openAiError(404));
      return;
    }
    var headers = new TreeMap<String, String>();
    exchange.getRequestHeaders().forEach((name, values) -> headers.put(name.toLowerCase(), values.getFirst()));
    var turn = !asked.model().equals(SMALL);
    var before = (int) calls.stream()
        .filter(call -> call.turn() && call.userMessages().equals(asked.userMessages())).count();
    var call = new Call(turn, path, headers, body, asked.userMessages(), new CompletableFuture<>());
    calls.add(call);
    dialect.headers().forEach(exchange.getResponseHeaders()::set);
    var obeyed = turn ? asked : new Asked(SMALL, asked.stream(), List.of(), 0, asked.toolSaid(), Map.of());
    var script = wrongKey(exchange) ? new StandInScript.Refusal(401) : StandInScript.of(obeyed, before);
    switch (script) {
      case StandInScript.Refusal(var status) -> {
        if (status == 429 || status == 529) {
          exchange.getResponseHeaders().set("retry-after", "1");
        }
        json(exchange, status, dialect.error(status));
        call.end().complete(End.REFUSED);
      }
      case StandInScript.Answer answer -> answer(exchange, dialect, asked.stream(), answer, call.end());
    }
  }

  private static void answer(HttpExchange exchange, ModelDialect dialect, boolean stream,
      StandInScript.Answer answer, CompletableFuture<End> end) throws IOException {
    try {
      if (stream) {
        exchange.getResponseHeaders().set("Content-Type", "text/event-stream; charset=utf-8");
        exchange.sendResponseHeaders(200, 0);
        stream(exchange.getResponseBody(), dialect, answer);
      } else if (answer.ending() instanceof StandInScript.Ending.Cut) {
        throw new Cut();
      } else {
        TimeUnit.MILLISECONDS.sleep(answer.pauseMillis() * answer.pieces().size());
        json(exchange, 200, dialect.whole(answer.text(), answer.call(), answer.finish()));
      }
      exchange.close();
      end.complete(End.ANSWERED);
    } catch (Cut cut) {
      end.complete(End.CUT);
      throw cut; // The server drops a connection whose handler fails.
    } catch (IOException e) {
      end.complete(End.CLOSED_BY_CLIENT);
      throw e;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void stream(OutputStream out, ModelDialect dialect, StandInScript.Answer answer)
      throws IOException, InterruptedException {
    send(out, dialect.begin());
    for (int sent = 0; sent < answer.pieces().size() && answer.ending().after() != sent; sent++) {
      TimeUnit.MILLISECONDS.sleep(answer.pauseMillis());
      send(out, dialect.text(answer.pieces().get(sent)));
    }
    switch (answer.ending()) {
      case StandInScript.Ending.Cut _ -> throw new Cut();
      case StandInScript.Ending.Error _ -> {
        send(out, dialect.fail());
        return;
      }
      case StandInScript.Ending.Whole _ -> { }
    }
    if (answer.call().isPresent()) {
      send(out, dialect.call(answer.call().get()));
    }
    send(out, dialect.end(answer.finish()));
  }

  /** The connection goes in the middle of an answer. */
  private static final class Cut extends IOException {
    private static final long serialVersionUID = 1;
  }

  private static void send(OutputStream out, List<Frame> frames) throws IOException {
    for (var frame : frames) {
      var event = frame.event().map(name -> "event: " + name + "\n").orElse("");
      out.write((event + "data: " + frame.data() + "\n\n").getBytes(StandardCharsets.UTF_8));
    }
    out.flush();
  }

  private static void json(HttpExchange exchange, int status, JsonNode body) throws IOException {
    try (exchange) {
      var bytes = body.toString().getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(status, bytes.length);
      exchange.getResponseBody().write(bytes);
    }
  }
}
