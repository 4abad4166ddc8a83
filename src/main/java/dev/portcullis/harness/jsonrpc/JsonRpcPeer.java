package dev.portcullis.harness.jsonrpc;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One end of a JSON-RPC 2.0 conversation, one value per line. Both ends may ask; each numbers its own
 * requests, so the same id may be open in both directions. Thread-safe.
 */
public final class JsonRpcPeer {
  public static final int METHOD_NOT_FOUND = -32601;

  /** What is kept of an error's text: it goes to logs and to whoever waits for the answer. */
  private static final int ERROR_CHARS_MAX = 2_000;

  /** What the other end may say unasked. Called by the thread that brings the line. */
  public interface Handler {
    void notified(String method, JsonNode params);

    /**
     * Takes a request, to be answered by {@link #answer} with the same id.
     *
     * @return false for a method that is not known; it is refused then, for an agent may wait for ever
     */
    boolean asked(JsonNode id, String method, JsonNode params);
  }

  private static final Logger log = LoggerFactory.getLogger(JsonRpcPeer.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final String name;
  private final boolean versioned;
  private final Consumer<String> out;
  private final Handler handler;
  private final ScheduledExecutorService timer;
  private final Map<String, CompletableFuture<Reply>> open = new ConcurrentHashMap<>();
  private final AtomicLong requests = new AtomicLong();
  private final AtomicLong garbage = new AtomicLong();
  private final AtomicReference<HarnessFault> closed = new AtomicReference<>();

  /** @param name of the harness, for logs */
  public JsonRpcPeer(String name, Consumer<String> out, Handler handler, ScheduledExecutorService timer) {
    this(name, true, out, handler, timer);
  }

  /** @param versioned whether what we say has the member {@code jsonrpc}; what is said to us need not */
  public JsonRpcPeer(String name, boolean versioned, Consumer<String> out, Handler handler,
      ScheduledExecutorService timer) {
    this.name = name;
    this.versioned = versioned;
    this.out = out;
    this.handler = handler;
    this.timer = timer;
  }

  /**
   * Asks; the answer may take for ever. Fails only with a {@link HarnessFault}, when the other end is gone.
   */
  public CompletionStage<Reply> request(String method, ObjectNode params) {
    var id = requests.getAndIncrement();
    var reply = new CompletableFuture<Reply>();
    open.put(Long.toString(id), reply);
    // Looked at after the entry is made: whoever closes sees the entry, or we see the fault.
    var fault = closed.get();
    if (fault != null) {
      open.remove(Long.toString(id));
      reply.completeExceptionally(fault);
    } else {
      write(message().put("id", id).put("method", method).set("params", params));
    }
    return reply;
  }

  /** Asks, and fails with {@code TIMEOUT} when no answer comes in time. */
  public CompletionStage<Reply> request(String method, ObjectNode params, Duration limit) {
    var reply = request(method, params).toCompletableFuture();
    var alarm = timer.schedule(() -> reply.completeExceptionally(
        HarnessFault.of(Code.TIMEOUT, "no answer to " + method + " within " + limit.toMillis() + " ms")),
        limit.toMillis(), TimeUnit.MILLISECONDS);
    return reply.whenComplete((_, _) -> alarm.cancel(false));
  }

  /** Tells; there is no answer. */
  public void notify(String method, ObjectNode params) {
    write(message().put("method", method).set("params", params));
  }

  /** Answers a request of the other end. */
  public void answer(JsonNode id, JsonNode result) {
    write(message().<ObjectNode>set("id", id).set("result", result));
  }

  /** Refuses a request of the other end. */
  public void refuse(JsonNode id, int code, String text) {
    var error = JsonNodeFactory.instance.objectNode().put("code", code).put("message", text);
    write(message().<ObjectNode>set("id", id).set("error", error));
  }

  /**
   * Takes one line from the other end. What is no message is logged and ignored: banners and warnings do
   * occur.
   */
  public void receive(String line) {
    if (line.isBlank()) {
      return;
    }
    if (!line.stripTrailing().endsWith("}")) {
      ignore(line); // Not worth the exception that the parser makes: there may be millions of them.
      return;
    }
    try {
      var value = JSON.readTree(line);
      if (value.isObject()) {
        receive(value);
      } else {
        ignore(line);
      }
    } catch (JsonProcessingException e) {
      ignore(line);
    }
  }

  /** The other end is gone: fails everything open, at once, and whatever is asked from now on. */
  public void close(HarnessFault fault) {
    closed.compareAndSet(null, fault);
    open.keySet().forEach(id -> {
      var reply = open.remove(id);
      if (reply != null) {
        reply.completeExceptionally(fault);
      }
    });
  }

  private void receive(JsonNode value) {
    var id = value.path("id");
    if (value.path("method").isTextual()) {
      var method = value.get("method").textValue();
      if (!value.has("id")) {
        handler.notified(method, value.path("params"));
      } else if (!handler.asked(id, method, value.path("params"))) {
        refuse(id, METHOD_NOT_FOUND, "method not found: " + method);
      }
      return;
    }
    var reply = open.remove(id.asText());
    if (reply == null) {
      log.debug("jsonrpc.answer_to_nothing name={} id={}", name, id);
    } else if (value.hasNonNull("error")) {
      var error = value.get("error");
      var text = error.path("message").asText();
      reply.complete(new Reply.Error(error.path("code").asInt(),
          text.substring(0, Math.min(text.length(), ERROR_CHARS_MAX)), error.path("data")));
    } else {
      reply.complete(new Reply.Result(value.path("result")));
    }
  }

  /** Only the length is logged: the line may hold what a user said. */
  private void ignore(String line) {
    if (garbage.getAndIncrement() == 0) {
      log.warn("jsonrpc.line_ignored name={} chars={} consequence=\"further ones are logged at DEBUG\"",
          name, line.length());
    } else {
      log.debug("jsonrpc.line_ignored name={} chars={}", name, line.length());
    }
  }

  private ObjectNode message() {
    var message = JsonNodeFactory.instance.objectNode();
    return versioned ? message.put("jsonrpc", "2.0") : message;
  }

  private void write(JsonNode value) {
    out.accept(value.toString());
  }
}
