package dev.portcullis.run;

import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.UpdateSink;
import java.util.List;
import java.util.function.Consumer;

/**
 * What a harness has reported and the journal does not have yet. Whoever reads from the peer waits while it
 * is too much, so that a peer that talks faster than we can write blocks on its own pipe. Thread-safe.
 */
final class Backlog implements UpdateSink {
  /** Characters of text, and {@link #UPDATE_WEIGHT} for each update, that may be on their way. */
  static final long WEIGHT_MAX = 1 << 20;
  private static final long UPDATE_WEIGHT = 256;

  private final Consumer<List<HarnessUpdate>> out;
  private long weight;
  private boolean open = true;

  Backlog(Consumer<List<HarnessUpdate>> out) {
    this.out = out;
  }

  static long weightOf(HarnessUpdate update) {
    return UPDATE_WEIGHT + switch (update) {
      case HarnessUpdate.Text(var text) -> text.length();
      case HarnessUpdate.TextReplaced(var text) -> text.length();
      case HarnessUpdate.ApprovalRequested ask -> ask.title().length() + ask.input().length();
      case HarnessUpdate.StepStarted step -> step.title().length();
      case HarnessUpdate.Attached _,
          HarnessUpdate.StepFinished _,
          HarnessUpdate.ApprovalWithdrawn _,
          HarnessUpdate.Usage _,
          HarnessUpdate.Unknown _,
          HarnessUpdate.End _ -> 0;
    };
  }

  @Override
  public void accept(HarnessUpdate update) {
    acceptAll(List.of(update));
  }

  @Override
  public void acceptAll(List<HarnessUpdate> updates) {
    synchronized (this) {
      for (var update : updates) {
        weight += weightOf(update);
      }
    }
    out.accept(updates);
  }

  @Override
  public synchronized void awaitRoom() {
    while (open && weight > WEIGHT_MAX) {
      try {
        wait();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /** So much of it is in the journal, or will never be. */
  synchronized void taken(long written) {
    weight -= written;
    notifyAll();
  }

  /** Nobody takes anything any more: nobody needs to wait. */
  synchronized void close() {
    open = false;
    notifyAll();
  }
}
