package dev.portcullis.harness;

import dev.portcullis.harness.Harness.Attempt;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
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
  void start(Harness harness, AttemptSpec spec, UpdateSink updates) {
    attempt.complete(harness.start(spec, new UpdateSink() {
      @Override
      public void accept(HarnessUpdate update) {
        acceptAll(List.of(update));
      }

      @Override
      public void acceptAll(List<HarnessUpdate> several) {
        updates.acceptAll(several);
        // Of one that is being stopped, the stop says when it is over.
        if (several.getLast() instanceof HarnessUpdate.End && stop.get() == null) {
          owner.tell(new HarnessActor.AttemptOver(Live.this));
        }
      }

      @Override
      public void awaitRoom() {
        updates.awaitRoom();
      }
    }));
  }

  @Override
  public void abort(Duration grace) {
    attempt.thenAccept(started -> started.abort(grace));
  }

  @Override
  public void decide(String approvalId, String digest, boolean allow) {
    attempt.thenAccept(started -> started.decide(approvalId, digest, allow));
  }

  @Override
  public CompletionStage<Boolean> steer(String message) {
    return attempt.thenCompose(started -> started.steer(message));
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
