package dev.portcullis.harness;

import dev.portcullis.harness.Harness.Attempt;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorRef;

/** Keeps one declared harness registered and hands out attempts. */
public final class HarnessActor {
  private HarnessActor() {}

  public sealed interface Command {}

  /**
   * Starts an attempt, or says at once that it cannot. {@code updates} is called from any thread.
   */
  public record Dispatch(AttemptSpec spec, Consumer<HarnessUpdate> updates, ActorRef<Dispatched> replyTo)
      implements Command {}

  /** Asks to be told once, when the harness is ready next; at once if it is. */
  public record AwaitReady(ActorRef<Ready> replyTo) implements Command {}

  public record Ready(String name) {}

  /** The answer to a dispatch. */
  public sealed interface Dispatched {}

  /** The attempt is under way; its updates go to the consumer given. */
  public record Started(Attempt attempt) implements Dispatched {}

  /** The harness is not registered now. */
  public record Unavailable(String cause) implements Dispatched {}
}
