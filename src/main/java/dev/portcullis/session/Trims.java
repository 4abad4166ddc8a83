package dev.portcullis.session;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.javadsl.ActorContext;

/** Who waits for a trim of one session; one goes on at a time, for the first of them. */
final class Trims {
  private final String entityId;
  private final SessionNode node;
  private final ActorContext<Session.Command> context;
  private final Deque<ActorRef<TrimReply>> waiting = new ArrayDeque<>();

  Trims(String entityId, SessionNode node, ActorContext<Session.Command> context) {
    this.entityId = entityId;
    this.node = node;
    this.context = context;
  }

  void add(ActorRef<TrimReply> asker, SessionState state, Instant now) {
    waiting.add(asker);
    if (waiting.size() == 1) {
      begin(state, now);
    }
  }

  private void begin(SessionState state, Instant now) {
    var kept = node.config().retention();
    long to = state.open().values().stream().mapToLong(run -> run.firstSeq() - 1).min().orElse(state.seq());
    var limits = new Trimming.Limits(
        to, state.erasedTo(), now.minus(kept.transcripts()), now.minus(kept.runs()));
    var asker = waiting.getFirst();
    context.pipeToSelf(node.transcripts().trim(entityId, limits), (events, failure) -> failure == null
        ? new Session.TrimEnded(asker, events, "")
        : new Session.TrimEnded(asker, 0, failure.toString()));
  }

  void ended(Session.TrimEnded ended, SessionState state, Instant now) {
    var asker = ended.asker();
    if (!asker.equals(waiting.peek())) {
      return; // Begun before a restart.
    }
    waiting.removeFirst();
    if (ended.fault().isEmpty()) {
      if (ended.events() > 0) {
        context.getLog().info("session.trimmed session={} events={}", state.key(), ended.events());
      }
      asker.tell(new TrimReply.Trimmed(ended.events()));
    } else {
      context.getLog().warn("session.trim_failed session={} cause={}", state.key(), ended.fault());
      asker.tell(new TrimReply.NotTrimmed());
    }
    if (!waiting.isEmpty()) {
      begin(state, now);
    }
  }
}
