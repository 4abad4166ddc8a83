package dev.portcullis.alert;

import dev.portcullis.config.GatewayConfig;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/**
 * The alerts of one gateway: every sink hears of a topic when it is raised, at most once per repeat interval
 * while it stays raised, and once when it is resolved. Alerts past the limit per minute are counted, and the
 * count is told with the first notice of a later minute, or on close.
 */
public final class OperatorAlerts implements Alerts, AutoCloseable {
  private static final Duration WINDOW = Duration.ofMinutes(1);
  private static final String BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
  private static final int REFERENCE_LETTERS = 10;
  private static final int TOPICS = 10_000;

  private final List<Sink> sinks;
  private final Duration repeat;
  private final int perMinute;
  private final Clock clock;
  private final RandomGenerator random;
  private final Map<String, Topic> raised = new LinkedHashMap<>();
  private Instant windowStart = Instant.EPOCH;
  private int told;
  private int suppressed;

  OperatorAlerts(List<Sink> sinks, Duration repeat, int perMinute, Clock clock, RandomGenerator random) {
    this.sinks = List.copyOf(sinks);
    this.repeat = repeat;
    this.perMinute = perMinute;
    this.clock = clock;
    this.random = random;
  }

  /** Alerts to the log and to every configured webhook; to be closed when the gateway stops. */
  public static OperatorAlerts of(GatewayConfig.Alerts config, Clock clock, RandomGenerator random) {
    var webhooks = config.webhooks().stream()
        .map(hook -> new WebhookSink(hook, WebhookSink.Patience.STANDARD, clock));
    return new OperatorAlerts(
        Stream.concat(Stream.of(new LogSink()), webhooks).toList(),
        config.repeat(), config.perMinute(), clock, random);
  }

  @Override
  public synchronized String raise(String topic, String text) {
    var now = clock.instant();
    var before = raised.containsKey(topic) ? raised.get(topic)
        : new Topic(reference(), 0, Instant.EPOCH, false);
    var due = !now.isBefore(before.toldAt().plus(repeat));
    var admitted = due && admit(now);
    var times = before.times() + 1;
    raised.put(topic, new Topic(
        before.reference(), times, due ? now : before.toldAt(), before.told() || admitted));
    forgetOldest();
    if (admitted) {
      tell(new Notice.Raised(before.reference(), topic, text, times, now));
    }
    return before.reference();
  }

  @Override
  public synchronized void resolve(String topic, String text) {
    if (raised.containsKey(topic)) {
      var topicBefore = raised.remove(topic);
      // Whoever heard of the trouble must hear of its end, so that the limit does not count here.
      if (topicBefore.told()) {
        tell(new Notice.Resolved(topicBefore.reference(), topic, text, clock.instant()));
      }
    }
  }

  /** Tells what the limit held back, then gives the sinks a moment to send what waits. */
  @Override
  public void close() {
    synchronized (this) {
      tellSuppressed(clock.instant());
    }
    sinks.forEach(Sink::close);
  }

  /** Topics that nobody resolves, such as one per run, must not fill the memory. */
  private void forgetOldest() {
    if (raised.size() > TOPICS) {
      raised.remove(raised.keySet().iterator().next());
    }
  }

  private boolean admit(Instant now) {
    if (!now.isBefore(windowStart.plus(WINDOW))) {
      windowStart = now;
      told = 0;
      tellSuppressed(now);
    }
    if (told < perMinute) {
      told++;
      return true;
    }
    suppressed++;
    return false;
  }

  private void tellSuppressed(Instant now) {
    if (suppressed > 0) {
      tell(new Notice.Suppressed(suppressed, now));
      suppressed = 0;
    }
  }

  private void tell(Notice notice) {
    sinks.forEach(sink -> sink.send(notice));
  }

  private String reference() {
    var text = new StringBuilder("alert-");
    for (int i = 0; i < REFERENCE_LETTERS; i++) {
      text.append(BASE32.charAt(random.nextInt(BASE32.length())));
    }
    return text.toString();
  }

  /** @param toldAt when it was told last, or would have been but for the limit */
  private record Topic(String reference, int times, Instant toldAt, boolean told) {}
}
