package dev.portcullis.session;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.BehaviorInterceptor;
import org.apache.pekko.actor.typed.TypedActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * Lies around a session while its history is read. Pekko ends the actor of a history that cannot be read, and
 * drops what has come for it; this one remembers it, and goes on as a {@link QuarantinedSession} instead.
 */
final class Recovering extends BehaviorInterceptor<Object, Object> {
  /** As many commands as Pekko keeps for a session that recovers. */
  private static final int MAX = 4_096;

  private final List<Session.Command> waiting = new ArrayList<>();
  private Optional<Quarantined> damaged = Optional.empty();
  private boolean reading = true;

  private Recovering() {
    super(Object.class); // The journal's answers are no commands, and one of them says that it is damaged.
  }

  static Behavior<Session.Command> around(Function<Recovering, Behavior<Session.Command>> session) {
    var recovering = new Recovering();
    return Behaviors.intercept(() -> recovering, erased(session.apply(recovering))).narrow();
  }

  /** The history is sound. */
  void completed() {
    reading = false;
    waiting.clear();
  }

  /** The history is damaged: said from within the message that ends the session. */
  void failed(Quarantined answer) {
    damaged = Optional.of(answer);
  }

  @Override
  public Behavior<Object> aroundReceive(
      TypedActorContext<Object> context, Object message, ReceiveTarget<Object> session) {
    if (damaged.isPresent() && !(message instanceof Session.Command)) {
      return Behaviors.same(); // The journal's, to a reader that is gone.
    }
    if (reading && waiting.size() < MAX && message instanceof Session.Command command) {
      waiting.add(command);
    }
    var next = session.apply(context, message);
    return reading && damaged.isPresent() ? refusing(damaged.get()) : next;
  }

  private Behavior<Object> refusing(Quarantined answer) {
    waiting.forEach(command -> QuarantinedSession.answer(command, answer));
    boolean leaving = waiting.stream().anyMatch(Session.Leave.class::isInstance);
    completed();
    return leaving ? Behaviors.stopped() : erased(QuarantinedSession.create(answer));
  }

  /** An interceptor of every message cannot name what it intercepts. */
  @SuppressWarnings("unchecked")
  private static Behavior<Object> erased(Behavior<Session.Command> session) {
    return (Behavior<Object>) (Behavior<?>) session;
  }
}
