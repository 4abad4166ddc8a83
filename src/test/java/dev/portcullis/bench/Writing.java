package dev.portcullis.bench;

import dev.portcullis.journal.Durable;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.persistence.typed.PersistenceId;
import org.apache.pekko.persistence.typed.RecoveryCompleted;
import org.apache.pekko.persistence.typed.javadsl.CommandHandler;
import org.apache.pekko.persistence.typed.javadsl.EventHandler;
import org.apache.pekko.persistence.typed.javadsl.EventSourcedBehavior;
import org.apache.pekko.persistence.typed.javadsl.SignalHandler;

/** A persistent actor that writes one event after the other as fast as they are confirmed. */
final class Writing extends EventSourcedBehavior<Writing.Write, Writing.Written, Long> {

  record Write() {}

  record Written(String text) implements Durable {}

  /**
   * What the answers are counted into, swapped when the measuring begins, and who hears that it has
   * recovered.
   *
   * @param bytes of one event, about
   */
  record Counted(AtomicReference<Latencies> into, ActorRef<String> ready, int bytes) {}

  /** What CBOR puts around the text. */
  private static final int AROUND = 10;

  private final ActorContext<Write> context;
  private final Counted counted;
  private final Written event;

  private Writing(String id, ActorContext<Write> context, Counted counted) {
    super(PersistenceId.ofUniqueId(id));
    this.context = context;
    this.counted = counted;
    this.event = new Written("x".repeat(counted.bytes() - AROUND));
  }

  static Behavior<Write> create(String id, Counted counted) {
    return Behaviors.setup(context -> new Writing(id, context, counted));
  }

  @Override
  public Long emptyState() {
    return 0L;
  }

  @Override
  public CommandHandler<Write, Written, Long> commandHandler() {
    return (_, write) -> {
      long start = System.nanoTime();
      return Effect().persist(event).thenRun(() -> {
        counted.into().get().add(System.nanoTime() - start);
        context.getSelf().tell(write);
      });
    };
  }

  @Override
  public SignalHandler<Long> signalHandler() {
    return newSignalHandlerBuilder()
        .onSignal(RecoveryCompleted.instance(), _ -> counted.ready().tell(persistenceId().id()))
        .build();
  }

  @Override
  public EventHandler<Long, Written> eventHandler() {
    return (count, _) -> count + 1;
  }
}
