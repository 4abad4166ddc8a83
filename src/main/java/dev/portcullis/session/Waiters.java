package dev.portcullis.session;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * Viewers that wait for the journal to go on. Each is told once; those that gave up long ago are forgotten.
 */
final class Waiters {
  /** Longer than any asker waits, so that only the forgotten are dropped. */
  static final Duration LONGEST = Duration.ofSeconds(60);

  private record Waiter(ActorRef<Session.PositionReply> replyTo, Instant since) {}

  private final Newest newest;
  /** In the order in which they came, so that the forgotten stand first. */
  private final Deque<Waiter> waiting = new ArrayDeque<>();

  Waiters(Newest newest) {
    this.newest = newest;
  }

  /** Has {@code await} wait, unless {@code state} is beyond already. */
  void add(Session.AwaitBeyond await, SessionState state, Instant now) {
    if (state.seq() > await.seq()) {
      await.replyTo().tell(newest.position(state));
      return;
    }
    while (!waiting.isEmpty() && waiting.getFirst().since().plus(LONGEST).isBefore(now)) {
      waiting.removeFirst();
    }
    waiting.add(new Waiter(await.replyTo(), now));
  }

  /** {@code state} is what {@code events}, on the disk by now, have made. */
  void written(List<SessionEvent> events, SessionState state) {
    newest.add(events, state.seq());
  }

  /** Tells all of them, if the journal went on. */
  void release(SessionState before, SessionState after) {
    if (after.seq() != before.seq() && !waiting.isEmpty()) {
      var news = newest.position(after);
      waiting.forEach(waiter -> waiter.replyTo().tell(news));
      waiting.clear();
    }
  }
}
