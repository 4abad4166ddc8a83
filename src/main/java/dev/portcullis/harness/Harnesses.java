package dev.portcullis.harness;

import dev.portcullis.protocol.Need;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * The one registry: an immutable map that is swapped whole, read by readiness, health line and dispatch
 * alike. What is declared never leaves it; only the state of an entry changes.
 */
public final class Harnesses {
  /** One declared harness. */
  public record Entry(
      String name, String kind, State state, ActorRef<HarnessActor.Command> actor) {}

  public sealed interface State {
    /**
     * Not proven yet in this incarnation, or being proven again. {@code cause} is empty before the first
     * failure.
     */
    record Registering(String cause) implements State {}

    record Ready(Harness.Registration registration) implements State {}

    /**
     * Probing goes on, but somebody was told.
     *
     * @param code if it is not retryable, waiting can't help: a gateway that boots gives up at once
     */
    record Unavailable(String cause, HarnessFault.Code code) implements State {}
  }

  /** Ends a subscription; repeatable. */
  public interface Subscription extends AutoCloseable {
    @Override
    void close();
  }

  private final AtomicReference<Map<String, Entry>> entries = new AtomicReference<>(Map.of());
  private final Map<String, Live> live = new ConcurrentHashMap<>();
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

  /** Live attempts of all harnesses by conversation: it may move from one harness to another. */
  Map<String, Live> live() {
    return live;
  }

  /** What is known now: name to entry, every declared harness, sorted by name. */
  public Map<String, Entry> snapshot() {
    return entries.get();
  }

  /**
   * Adds an entry as being proven, unless its actor was quicker. Whoever spawns a {@link HarnessActor} calls
   * this at once: an actor begins some time after it was spawned, and until then nothing would be missing.
   */
  public void declare(String name, String kind, ActorRef<HarnessActor.Command> actor) {
    change(next -> next.putIfAbsent(name, new Entry(name, kind, new State.Registering(""), actor)));
  }

  /** Adds or replaces one entry. */
  public void put(Entry entry) {
    change(next -> next.put(entry.name(), entry));
  }

  private void change(Consumer<Map<String, Entry>> change) {
    entries.updateAndGet(old -> {
      var next = new TreeMap<>(old);
      change.accept(next);
      return Collections.unmodifiableMap(next);
    });
    listeners.forEach(Runnable::run);
  }

  /**
   * Calls {@code listener} after each change, on the thread that made it, so it must be quick: look at {@link
   * #snapshot} and tell an actor. Look once yourself after subscribing; what happened before is not told.
   */
  public Subscription subscribe(Runnable listener) {
    Runnable own = () -> listener.run(); // The same listener may subscribe twice and must end one by one.
    listeners.add(own);
    return () -> listeners.remove(own);
  }

  /** Whether {@code name} goes on with a run that was cut off; one that has not told yet is taken to. */
  public boolean canResume(String name) {
    var entry = snapshot().get(name);
    return entry == null
        || !(entry.state() instanceof State.Ready(var registration))
        || registration.recovery() != Harness.Recovery.NONE;
  }

  /** Whether {@code name} takes turns with these; one that has not told yet is taken to. */
  public boolean takes(String name, Set<Need> needs) {
    var entry = snapshot().get(name);
    return entry == null
        || !(entry.state() instanceof State.Ready(var registration))
        || registration.takes().containsAll(needs);
  }

  /** Whether a running turn of {@code name} takes further messages now. */
  public boolean steers(String name) {
    var entry = snapshot().get(name);
    return entry != null
        && entry.state() instanceof State.Ready(var registration)
        && registration.steers();
  }

  /** Names of the harnesses that can take a turn now. */
  public List<String> ready() {
    return names(true);
  }

  /** Names of the declared harnesses that cannot. */
  public List<String> missing() {
    return names(false);
  }

  private List<String> names(boolean ready) {
    return snapshot().values().stream()
        .filter(entry -> entry.state() instanceof State.Ready == ready)
        .map(Entry::name)
        .toList();
  }
}
