package dev.portcullis.alert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.portcullis.config.GatewayConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class WebhookSinkTest {
  private static final String SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
  private static final Clock CLOCK = Clock.fixed(NOW, ZoneOffset.UTC);
  private static final WebhookSink.Patience QUICK = new WebhookSink.Patience(
      List.of(Duration.ofMillis(1), Duration.ofMillis(1)), Duration.ofSeconds(10), Duration.ofSeconds(10));

  private final BlockingQueue<Integer> answers = new LinkedBlockingQueue<>();
  private final BlockingQueue<Post> posts = new LinkedBlockingQueue<>();
  private HttpServer server;
  private GatewayConfig.Webhook hook;

  @BeforeEach void listen() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/hook", this::answer);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.start();
    hook = new GatewayConfig.Webhook(
        "http://127.0.0.1:" + server.getAddress().getPort() + "/hook", "whsec_" + SECRET);
  }

  @AfterEach void stop() {
    server.stop(0);
  }

  @Test void aPostCarriesASignatureThatTheReceiverCanCheck() throws Exception {
    answers.add(204);
    try (var sink = new WebhookSink(hook, QUICK, CLOCK)) {
      sink.send(new Notice.Raised("alert-abcdefghij", "harness.claude", "gone", 2, NOW));
      var post = posts.take();

      var mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(Base64.getDecoder().decode(SECRET), "HmacSHA256"));
      var signed = post.id() + "." + post.timestamp() + "." + post.body();
      assertEquals("v1,"
          + Base64.getEncoder().encodeToString(mac.doFinal(signed.getBytes(StandardCharsets.UTF_8))),
          post.signature());
      assertEquals(Long.toString(NOW.getEpochSecond()), post.timestamp());
      assertEquals(
          json("""
              {"type": "alert.raised", "timestamp": "2026-01-02T03:04:05Z", "data": {
               "reference": "alert-abcdefghij", "topic": "harness.claude", "text": "gone", "times": 2}}"""),
          json(post.body()));
    }
  }

  @Test void aPostThatFailsIsTriedAgainWithTheSameId() throws Exception {
    answers.addAll(List.of(500, 429, 200));
    try (var sink = new WebhookSink(hook, QUICK, CLOCK)) {
      sink.send(new Notice.Resolved("alert-abcdefghij", "harness.claude", "back", NOW));

      var ids = List.of(posts.take().id(), posts.take().id(), posts.take().id());

      assertEquals(1, ids.stream().distinct().count());
      assertTrue(ids.getFirst().startsWith("msg_"));
    }
    assertTrue(posts.isEmpty());
  }

  @Test void triesAreBoundedAndTheNextNoticeGetsItsTurn() throws Exception {
    answers.addAll(List.of(500, 500, 500, 200));
    try (var sink = new WebhookSink(hook, QUICK, CLOCK)) {
      sink.send(new Notice.Suppressed(1, NOW));
      sink.send(new Notice.Suppressed(2, NOW));

      var counts = new ArrayList<Integer>();
      for (int i = 0; i < 4; i++) {
        counts.add(json(posts.take().body()).at("/data/count").asInt());
      }

      assertEquals(List.of(1, 1, 1, 2), counts);
    }
  }

  @Test void aReceiverThatNeverAnswersBlocksNeitherTheRaiserNorTheLog() throws Exception {
    var stuck = new CountDownLatch(1);
    server.removeContext("/hook");
    server.createContext("/hook", exchange -> {
      posts.add(Post.of(exchange));
      hold(stuck);
      exchange.close();
    });
    var impatient = new WebhookSink.Patience(List.of(), Duration.ofSeconds(20), Duration.ofMillis(1));
    var heard = new ArrayList<Notice>();
    var sink = new WebhookSink(hook, impatient, CLOCK);
    try (var alerts = new OperatorAlerts(
        List.of(sink, new ListSink(heard)), Duration.ofMinutes(5), 10_000, CLOCK, new Random(1))) {
      alerts.raise("first", "trouble");
      posts.take(); // The only sender waits for an answer now.

      for (int i = 0; i < 500; i++) {
        alerts.raise("topic." + i, "trouble");
      }

      assertEquals(501, heard.size());
    } finally {
      stuck.countDown();
    }
  }

  @Test void aReceiverThatIsNotThereDoesNoHarm() {
    server.stop(0);
    var sink = new WebhookSink(hook, QUICK, CLOCK);
    try (var log = new CapturedLog(WebhookSink.class.getName())) {
      sink.send(new Notice.Suppressed(1, NOW));
      sink.close();
      sink.send(new Notice.Suppressed(2, NOW));

      assertTrue(log.lines().getLast().startsWith("WARN alert.webhook_dropped"), log.lines().toString());
    }
  }

  private void answer(HttpExchange exchange) throws IOException {
    posts.add(Post.of(exchange));
    exchange.sendResponseHeaders(answers.isEmpty() ? 200 : answers.remove(), -1);
    exchange.close();
  }

  private static void hold(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static JsonNode json(String text) throws IOException {
    return new JsonMapper().readTree(text);
  }

  private record Post(String id, String timestamp, String signature, String body) {
    static Post of(HttpExchange exchange) throws IOException {
      var headers = exchange.getRequestHeaders();
      return new Post(
          headers.getFirst("webhook-id"), headers.getFirst("webhook-timestamp"),
          headers.getFirst("webhook-signature"),
          new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
    }
  }

  private record ListSink(List<Notice> heard) implements Sink {
    @Override
    public void send(Notice notice) {
      heard.add(notice);
    }

    @Override
    public void close() {
      // Nothing waits here.
    }
  }
}
