package dev.portcullis.journal;

import java.util.List;
import java.util.Set;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.persistence.typed.PersistenceId;
import org.apache.pekko.persistence.typed.javadsl.CommandHandler;
import org.apache.pekko.persistence.typed.javadsl.Effect;
import org.apache.pekko.persistence.typed.javadsl.EventHandler;
import org.apache.pekko.persistence.typed.javadsl.EventSourcedBehavior;
import org.apache.pekko.persistence.typed.javadsl.RetentionCriteria;

/** A persistent actor that adds up numbers: what the plugin tests write and read. */
final class Counter extends EventSourcedBehavior<Counter.Command, Counter.Event, Counter.State> {

  sealed interface Command {}

  record Add(List<Integer> numbers, ActorRef<State> replyTo) implements Command {}

  record Look(ActorRef<State> replyTo) implements Command {}

  record Spoil() implements Command {}

  sealed interface Event extends Durable {}

  record Counted(int number) implements Event {}

  /** Has no line in any table. */
  record Unserialisable() implements Event {}

  record State(int sum) implements Durable {}

  private final int snapshotEvery;

  private Counter(String id, int snapshotEvery) {
    super(PersistenceId.ofUniqueId(id));
    this.snapshotEvery = snapshotEvery;
  }

  static Behavior<Command> create(String id, int snapshotEvery) {
    return new Counter(id, snapshotEvery);
  }

  @Override
  public State emptyState() {
    return new State(0);
  }

  @Override
  public CommandHandler<Command, Event, State> commandHandler() {
    return (_, command) -> switch (command) {
      case Add(var numbers, var replyTo) -> Effect()
          .persist(numbers.stream().<Event>map(Counted::new).toList())
          .thenRun(state -> replyTo.tell(state));
      case Look(var replyTo) -> Effect().none().thenRun((State state) -> replyTo.tell(state));
      case Spoil() -> Effect().persist(new Unserialisable());
    };
  }

  @Override
  public EventHandler<State, Event> eventHandler() {
    return (state, event) -> switch (event) {
      case Counted(var number) -> new State(state.sum() + number);
      case Unserialisable() -> state;
    };
  }

  @Override
  public Set<String> tagsFor(Event event) {
    return switch (event) {
      case Counted(var number) when number == 0 ->
          Set.of(new IndexEntry.Remove("counters", persistenceId().id()).tag(), "foreign");
      case Counted(var number) ->
          Set.of(new IndexEntry.Put("counters", persistenceId().id(), Integer.toString(number)).tag());
      case Unserialisable() -> Set.of();
    };
  }

  @Override
  public RetentionCriteria retentionCriteria() {
    return RetentionCriteria.snapshotEvery(snapshotEvery, 2);
  }
}
