package dev.portcullis.ingress.ws;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.IngressRig;
import dev.portcullis.ingress.Json;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;

/** A client of the socket protocol, as the JDK speaks WebSocket. */
public final class WsClient implements WebSocket.Listener, AutoCloseable {
  /** How a socket ended. */
  public record Closed(int code, String reason) {}

  private final BlockingQueue<JsonNode> frames = new LinkedBlockingQueue<>();
  private final CompletableFuture<Closed> closed = new CompletableFuture<>();
  private final StringBuilder text = new StringBuilder();
  private final HttpClient http = HttpClient.newHttpClient();
  private WebSocket socket;
  private int ids;

  private WsClient() {}

  /** Connected, and nothing more. */
  public static WsClient open(int port, String... headers) throws ExecutionException, InterruptedException {
    var client = new WsClient();
    var builder = client.http.newWebSocketBuilder();
    for (int i = 0; i < headers.length; i += 2) {
      builder.header(headers[i], headers[i + 1]);
    }
    try {
      client.socket = builder.buildAsync(URI.create("ws://127.0.0.1:" + port + "/"), client).get();
    } catch (ExecutionException refused) {
      client.http.close();
      throw refused;
    }
    return client;
  }

  /** Logged in with {@code token} as the command line does. */
  public static WsClient login(int port, String token, String... scopes) throws Exception {
    var client = open(port);
    client.event("connect.challenge");
    var hello = client.call("connect", connect(token, scopes));
    assertTrue(hello.path("ok").asBoolean(), hello.toString());
    return client;
  }

  /** Parameters of a {@code connect} as the command line sends them. */
  public static ObjectNode connect(String token, String... scopes) {
    var params = Json.object().put("minProtocol", 4).put("maxProtocol", 4).put("role", "operator");
    params.putObject("client").put("id", "cli").put("version", "1").put("platform", "linux").put("mode", "cli");
    var asked = params.putArray("scopes");
    List.of(scopes).forEach(asked::add);
    params.putObject("auth").put("token", token);
    return params;
  }

  public void send(String frame) {
    socket.sendText(frame, true).join();
  }

  /** The id of the request. */
  public String ask(String method, ObjectNode params) {
    var id = "r" + ++ids;
    var request = Json.object().put("type", "req").put("id", id).put("method", method);
    request.set("params", params);
    send(Json.text(request));
    return id;
  }

  /** Its first answer. */
  public JsonNode call(String method, ObjectNode params) throws InterruptedException {
    return answer(ask(method, params));
  }

  public JsonNode answer(String id) throws InterruptedException {
    return await(frame -> frame.path("type").asText().equals("res") && frame.path("id").asText().equals(id));
  }

  public JsonNode event(String name) throws InterruptedException {
    return await(frame -> frame.path("event").asText().equals(name));
  }

  /** The next frame of this kind; what came before it is gone. */
  public JsonNode await(Predicate<JsonNode> wanted) throws InterruptedException {
    while (true) {
      var frame = frames.poll(10, TimeUnit.SECONDS);
      assertNotNull(frame, () -> "no such frame came; closed: " + closed);
      if (wanted.test(frame)) {
        return frame;
      }
    }
  }

  public Closed closed() throws ExecutionException, InterruptedException, TimeoutException {
    return closed.get(10, TimeUnit.SECONDS);
  }

  public boolean isOpen() {
    return !closed.isDone();
  }

  public WebSocket socket() {
    return socket;
  }

  @Override
  public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
    text.append(part);
    if (last) {
      frames.add(IngressRig.json(text.toString()));
      text.setLength(0);
    }
    from.request(1);
    return null;
  }

  @Override
  public CompletionStage<?> onClose(WebSocket from, int code, String reason) {
    closed.complete(new Closed(code, reason));
    return null;
  }

  @Override
  public void onError(WebSocket from, Throwable failure) {
    closed.completeExceptionally(failure);
  }

  @Override
  public void close() {
    if (socket != null) {
      socket.abort();
    }
    http.close();
  }
}
