package dev.portcullis.session;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Supplier;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * Viewers that wait for the journal to go on. Each is told once; those that gave up long ago are forgotten.
 */
final class Waiters {
  /** Longer than any asker waits, so that only the forgotten are dropped. */
  static final Duration LONGEST = Duration.ofSeconds(60);

  private record Waiter(ActorRef<Session.PositionReply> replyTo, Instant since) {}

  /** In the order in which they came, so that the forgotten stand first. */
  private final Deque<Waiter> waiting = new ArrayDeque<>();

  void add(ActorRef<Session.PositionReply> replyTo, Instant now) {
    while (!waiting.isEmpty() && waiting.getFirst().since().plus(LONGEST).isBefore(now)) {
      waiting.removeFirst();
    }
    waiting.add(new Waiter(replyTo, now));
  }

  void release(Supplier<Session.Position> position) {
    if (!waiting.isEmpty()) {
      var news = position.get();
      waiting.forEach(waiter -> waiter.replyTo().tell(news));
      waiting.clear();
    }
  }
}
