package dev.portcullis.journal;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** A store that can be told to hold back or to fail a write, over a real one. */
class StoreBetween extends ForwardingStore {

  private final AtomicInteger writes = new AtomicInteger();
  private volatile int failing = Integer.MAX_VALUE;
  private volatile Runnable afterHead = () -> {};
  private volatile CountDownLatch held = new CountDownLatch(0);
  private volatile CountDownLatch entered = new CountDownLatch(0);

  StoreBetween(JournalStore real) {
    super(real);
  }

  /** The n-th write from now fails, and no other does: a disk that recovers must not be trusted either. */
  void failWrite(int n) {
    failing = writes.get() + n;
  }

  /** Holds the next write back until {@link #letGo}. */
  void hold() {
    entered = new CountDownLatch(1);
    held = new CountDownLatch(1);
  }

  /** What happens once between the next look at a head and what is read for it. */
  void afterNextHead(Runnable happens) {
    afterHead = () -> {
      afterHead = () -> {};
      happens.run();
    };
  }

  void awaitHeld() throws InterruptedException {
    entered.await();
  }

  void letGo() {
    held.countDown();
  }

  int writes() {
    return writes.get();
  }

  @Override
  public void write(List<Change> batch) {
    entered.countDown();
    try {
      held.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    if (writes.incrementAndGet() == failing) {
      throw JournalFault.io(name(), "writing", new java.io.IOException("no such disk"));
    }
    super.write(batch);
  }

  @Override
  public Optional<byte[]> get(StoreKey key) {
    var found = super.get(key);
    if (key instanceof StoreKey.HeadOf) {
      afterHead.run();
    }
    return found;
  }

}
