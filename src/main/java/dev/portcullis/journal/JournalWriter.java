package dev.portcullis.journal;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that writes. It takes whatever is queued, commits it as one batch with one sync, and then
 * completes every future of the batch; the next batch gathers meanwhile. Each actor has at most one write in
 * flight, which bounds the queue. After the first failed write nothing is ever acknowledged again: whether a
 * failed sync reached the disk is unknown, and a second try may succeed without the first one's data.
 */
final class JournalWriter implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(JournalWriter.class);
  private static final int BATCH_MAX_REQUESTS = 4096;
  private static final long BATCH_MAX_BYTES = 8L << 20;

  private final FailStopStore store;
  private final Heads heads;
  private final LinkedBlockingQueue<Request> queue = new LinkedBlockingQueue<>();
  /** Histories with requests that are not done yet, and how many. */
  private final ConcurrentHashMap<String, Integer> pending = new ConcurrentHashMap<>();
  private final CompletableFuture<Void> stopped = new CompletableFuture<>();
  private volatile boolean closing;
  private volatile Journal.Stats stats = new Journal.Stats(0, 0, 0, 0);

  JournalWriter(FailStopStore store) {
    this.store = store;
    this.heads = new Heads(store);
    Thread.ofPlatform().name("journal-writer").daemon().start(this::run);
  }

  /**
   * Queues what is made for a fresh future; the answer comes on the writer's thread, so do not block in it.
   */
  CompletionStage<Void> submit(Function<CompletableFuture<Void>, Request> request) {
    var done = new CompletableFuture<Void>();
    var made = request.apply(done);
    if (closing) {
      done.completeExceptionally(JournalFault.closed(store.name()));
    } else {
      for (var history : Batch.histories(made)) {
        pending.merge(history, 1, Integer::sum);
        done.whenComplete((_, _) ->
            pending.merge(history, -1, (count, one) -> count > 1 ? count + one : null));
      }
      queue.add(made);
      if (stopped.isDone() && queue.remove(made)) { // It came after the last look into the queue.
        done.completeExceptionally(JournalFault.closed(store.name()));
      }
    }
    return done;
  }

  /**
   * Where no other process writes there is nothing to claim: who finds nothing of the history under way need
   * not wait for the writes of others.
   */
  CompletionStage<Void> claim(String persistenceId) {
    return store.shared() || store.failed() || closing || pending.containsKey(persistenceId)
        ? submit(done -> new Request.Claim(persistenceId, done))
        : CompletableFuture.completedFuture(null);
  }

  Journal.Stats stats() {
    return stats;
  }

  /** Writes what is queued, then ends the thread. */
  @Override
  public void close() {
    closing = true;
    queue.add(new Request.Stop(new CompletableFuture<>()));
    stopped.join();
  }

  private void run() {
    try {
      var next = take();
      while (!(next instanceof Request.Stop)) {
        next = turn(next).orElseGet(this::take);
      }
    } catch (RuntimeException | Error e) { // A writer that ended in silence would leave everybody waiting.
      store.fail(e);
    } finally {
      stopped.complete(null);
      for (var late = queue.poll(); late != null; late = queue.poll()) {
        late.done().completeExceptionally(JournalFault.closed(store.name()));
      }
    }
  }

  private Request take() {
    while (true) {
      try {
        return queue.take();
      } catch (InterruptedException e) {
        LOG.warn("journal.interrupted: ignored, only close ends the writer");
      }
    }
  }

  /**
   * One batch, beginning with {@code first}. Gives back what was taken from the queue and must wait for the
   * next.
   */
  private Optional<Request> turn(Request first) {
    if (store.failed()) {
      var fenced = new IllegalStateException("the journal failed before");
      first.done().completeExceptionally(JournalFault.io(store.name(), "writing", fenced));
      return Optional.empty();
    }
    var batch = new Batch(store, heads);
    batch.add(first);
    while (!full(batch)) {
      var request = queue.poll();
      if (request == null || !batch.admits(request)) {
        commit(batch);
        return Optional.ofNullable(request);
      }
      batch.add(request);
    }
    commit(batch);
    return Optional.empty();
  }

  private static boolean full(Batch batch) {
    return batch.size() >= BATCH_MAX_REQUESTS || batch.bytes() >= BATCH_MAX_BYTES;
  }

  private void commit(Batch batch) {
    // After a failed read not even a barrier may be told that all is well.
    if (!batch.changesNothing() || store.failed()) {
      try {
        hit(batch, ".before");
        store.write(batch.changes());
        hit(batch, ".after");
      } catch (JournalStore.Lost lost) {
        lost.persistenceIds().forEach(heads::forget);
        commit(batch.without(lost.persistenceIds()));
        return;
      } catch (RuntimeException | Error e) { // Whatever it was, nobody can know what reached the disk.
        var fault = store.fail(e);
        batch.waiting().forEach(done -> done.completeExceptionally(fault));
        return;
      }
      batch.written();
      count(batch);
    }
    batch.waiting().forEach(done -> done.complete(null));
  }

  private void count(Batch batch) {
    var before = stats;
    stats = new Journal.Stats(
        before.events() + batch.events().size(),
        before.batches() + 1,
        before.bytes() + batch.bytes(),
        batch.events().size());
  }

  private static void hit(Batch batch, String when) {
    if (FailPoints.armed()) {
      batch.events().forEach(event -> FailPoints.hit("persist." + event.manifest() + when));
    }
  }
}
