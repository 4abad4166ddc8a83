package dev.portcullis.harness;

import dev.portcullis.harness.Harness.Attempt;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorRef;

/** One attempt as handed out: the port's, and a word to the actor when it is over, however that came. */
final class Live implements Attempt {
  private final String conversation;
  private final ActorRef<HarnessActor.Command> owner;
  private final CompletableFuture<Attempt> attempt = new CompletableFuture<>();
  private final AtomicReference<CompletableFuture<Void>> stop = new AtomicReference<>();

  Live(String conversation, ActorRef<HarnessActor.Command> owner) {
    this.conversation = conversation;
    this.owner = owner;
  }

  String conversation() {
    return conversation;
  }

  /** Starts the attempt; the first update may come before this returns. */
  void start(Harness harness, AttemptSpec spec, Consumer<HarnessUpdate> updates) {
    attempt.complete(harness.start(spec, update -> {
      updates.accept(update);
      if (update instanceof HarnessUpdate.End && stop.get() == null) { // Else the stop says when it is over.
        owner.tell(new HarnessActor.AttemptOver(this));
      }
    }));
  }

  @Override
  public void abort(Duration grace) {
    attempt.thenAccept(started -> started.abort(grace));
  }

  @Override
  public void decide(String approvalId, boolean allow) {
    attempt.thenAccept(started -> started.decide(approvalId, allow));
  }

  @Override
  public CompletionStage<Void> stop(Duration grace) {
    var mine = new CompletableFuture<Void>();
    if (!stop.compareAndSet(null, mine)) {
      return stop.get();
    }
    attempt.thenCompose(started -> started.stop(grace)).whenComplete((_, failure) -> {
      owner.tell(new HarnessActor.AttemptOver(this));
      if (failure == null) {
        mine.complete(null);
      } else {
        mine.completeExceptionally(failure);
      }
    });
    return mine;
  }
}
