package dev.portcullis.alert;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.config.GatewayConfig;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Posts notices to one address, signed as Standard Webhooks has it: {@code webhook-id}, {@code
 * webhook-timestamp}, {@code webhook-signature: v1,<base64 HMAC-SHA256 of id.timestamp.body>}. One virtual
 * thread sends in order; the queue is bounded, and what does not fit or cannot be sent is counted in the log.
 */
final class WebhookSink implements Sink {
  /**
   * How long a sink tries.
   *
   * @param waits between the tries of one notice
   * @param answer longest time for one answer
   * @param closing longest time that closing waits for what is queued
   */
  record Patience(List<Duration> waits, Duration answer, Duration closing) {
    static final Patience STANDARD = new Patience(
        List.of(Duration.ofSeconds(1), Duration.ofSeconds(5), Duration.ofSeconds(30)), Duration.ofSeconds(10),
        Duration.ofSeconds(2));
  }

  private static final Logger LOG = LoggerFactory.getLogger(WebhookSink.class);
  private static final int QUEUE = 100;
  private static final JsonMapper JSON = new JsonMapper();

  private final URI address;
  private final SecretKeySpec key;
  private final Patience patience;
  private final Clock clock;
  private final HttpClient http;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final ThreadPoolExecutor sender = new ThreadPoolExecutor(
      1, 1, 0, TimeUnit.SECONDS, new ArrayBlockingQueue<>(QUEUE),
      Thread.ofVirtual().name("alert-webhook").factory());

  WebhookSink(GatewayConfig.Webhook hook, Patience patience, Clock clock) {
    this.address = URI.create(hook.url());
    this.key = new SecretKeySpec(
        Base64.getDecoder().decode(hook.secret().substring("whsec_".length())), "HmacSHA256");
    this.patience = patience;
    this.clock = clock;
    this.http = HttpClient.newBuilder().connectTimeout(patience.answer()).build();
  }

  @Override
  public void send(Notice notice) {
    try {
      sender.execute(() -> deliver(notice));
    } catch (RejectedExecutionException full) {
      LOG.warn("alert.webhook_dropped host={} queued={}", address.getHost(), sender.getQueue().size());
    }
  }

  @Override
  public void close() {
    closing.countDown();
    sender.shutdown();
    try {
      if (!sender.awaitTermination(patience.closing().toMillis(), TimeUnit.MILLISECONDS)) {
        LOG.warn("alert.webhook_closed host={} unsent={}", address.getHost(), sender.shutdownNow().size());
      }
    } catch (InterruptedException e) {
      sender.shutdownNow();
      Thread.currentThread().interrupt();
    }
    http.shutdownNow();
  }

  /** The id is the same on every try, so that the receiver can tell a repeat. */
  private void deliver(Notice notice) {
    var body = body(notice);
    var id = "msg_" + HexFormat.of().formatHex(hmac(body), 0, 12);
    try {
      var delivered = isDelivered(id, body);
      for (var wait : patience.waits()) {
        // Closing ends the waits and the tries: the log has the alert anyway.
        delivered = delivered || !closing.await(wait.toMillis(), TimeUnit.MILLISECONDS)
            && isDelivered(id, body);
      }
      if (!delivered) {
        LOG.warn("alert.webhook_failed host={} id={}", address.getHost(), id);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isDelivered(String id, String body) throws InterruptedException {
    var timestamp = Long.toString(clock.instant().getEpochSecond());
    var request = HttpRequest.newBuilder(address)
        .timeout(patience.answer())
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature",
            "v1," + Base64.getEncoder().encodeToString(hmac(id + "." + timestamp + "." + body)))
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
    try {
      return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() / 100 == 2;
    } catch (IOException unreachable) {
      return false;
    }
  }

  private static String body(Notice notice) {
    var data = JSON.createObjectNode();
    var type = switch (notice) {
      case Notice.Raised raised -> {
        about(data, raised.reference(), raised.topic(), raised.text()).put("times", raised.times());
        yield "alert.raised";
      }
      case Notice.Resolved resolved -> {
        about(data, resolved.reference(), resolved.topic(), resolved.text());
        yield "alert.resolved";
      }
      case Notice.Suppressed(var count, _) -> {
        data.put("count", count);
        yield "alert.suppressed";
      }
    };
    return JSON.createObjectNode().put("type", type).put("timestamp", notice.at().toString())
        .set("data", data).toString();
  }

  private static ObjectNode about(ObjectNode data, String reference, String topic, String text) {
    return data.put("reference", reference).put("topic", topic).put("text", text);
  }

  private byte[] hmac(String text) {
    try {
      var mac = Mac.getInstance("HmacSHA256");
      mac.init(key);
      return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has HmacSHA256", e);
    }
  }
}
