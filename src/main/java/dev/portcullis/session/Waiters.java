package dev.portcullis.session;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * Viewers that wait for the journal to go on. Each is told once; those that gave up long ago are forgotten.
 */
final class Waiters {
  /** Longer than any asker waits, so that only the forgotten are dropped. */
  static final Duration LONGEST = Duration.ofSeconds(60);

  private record Waiter(ActorRef<Session.PositionReply> replyTo, Instant since) {}

  private final List<Waiter> waiting = new ArrayList<>();

  void add(ActorRef<Session.PositionReply> replyTo, Instant now) {
    waiting.removeIf(waiter -> waiter.since().plus(LONGEST).isBefore(now));
    waiting.add(new Waiter(replyTo, now));
  }

  void release(Session.Position position) {
    waiting.forEach(waiter -> waiter.replyTo().tell(position));
    waiting.clear();
  }
}
