package dev.portcullis.session;

import java.util.ArrayDeque;
import java.util.Deque;
import org.apache.pekko.actor.typed.javadsl.ActorContext;

/**
 * Turns with keys that a session's state does not know, in order. Only the first is looked up in the index:
 * nothing that it may depend on can be accepted before it is decided.
 */
final class KeyLookups {
  private final String entityId;
  private final Transcripts transcripts;
  private final ActorContext<Session.Command> context;
  private final Deque<Session.Submit> waiting = new ArrayDeque<>();

  KeyLookups(String entityId, Transcripts transcripts, ActorContext<Session.Command> context) {
    this.entityId = entityId;
    this.transcripts = transcripts;
    this.context = context;
  }

  void add(Session.Submit submit) {
    waiting.add(submit);
    if (waiting.size() == 1) {
      next();
    }
  }

  /** Looks up the turn that waits first, if one does. */
  void next() {
    if (!waiting.isEmpty()) {
      var submit = waiting.getFirst();
      context.pipeToSelf(
          transcripts.keys(entityId, submit.keys()), (found, failure) -> failure == null
              ? new Session.KeysRead(submit, found)
              : new Session.KeysUnread(submit, failure.toString()));
    }
  }

  /** Not answered, so unknown to its asker: whether the key is bound cannot be said. */
  void failed(Session.KeysUnread unread) {
    context.getLog().warn("session.keys_unread cause={}", unread.cause());
    end(unread.submit());
  }

  /**
   * Whether the turn that was looked up still waits; it does so no more. One from before a restart does not:
   * its asker has to ask again.
   */
  boolean end(Session.Submit submit) {
    if (waiting.peek() != submit) {
      return false;
    }
    waiting.removeFirst();
    context.getSelf().tell(new Session.NextLookup()); // Once this turn, with its keys, is in the journal.
    return true;
  }
}
