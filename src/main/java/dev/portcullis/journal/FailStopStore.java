package dev.portcullis.journal;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stands between the journal and its store: the first I/O error, of a read or a write, is the last (INV-J3).
 * Every write after it is refused, and one that was under way is unknown even if it seemed to succeed: a disk
 * that failed once is not believed again by this process.
 */
final class FailStopStore extends ForwardingStore {

  private static final Logger LOG = LoggerFactory.getLogger(FailStopStore.class);

  /** What a store may say of itself; everything else is a disk that failed, whatever it was called. */
  private static final Set<JournalFault.Code> ENDS =
      Set.of(JournalFault.Code.IO, JournalFault.Code.RETIRED);

  private final Runnable requireRoom;
  private final Consumer<JournalFault> onFault;
  private final AtomicReference<Optional<JournalFault>> first = new AtomicReference<>(Optional.empty());

  /**
   * @param requireRoom throws {@link JournalFault} {@code IO} when the disk is too full to write
   * @param onFault hears of the first fault, once, on a thread of its own
   */
  FailStopStore(JournalStore real, Runnable requireRoom, Consumer<JournalFault> onFault) {
    super(real);
    this.requireRoom = requireRoom;
    this.onFault = onFault;
  }

  boolean failed() {
    return first.get().isPresent();
  }

  /** Nothing is written any more; what {@code cause} is a sign of is for the operator. */
  JournalFault fail(Throwable cause) {
    var fault = cause instanceof JournalFault known && ENDS.contains(known.code())
        ? known
        : JournalFault.io(name(), "writing", cause);
    if (first.compareAndSet(Optional.empty(), Optional.of(fault))) {
      LOG.error("journal.failed: nothing is acknowledged any more", fault);
      Thread.ofVirtual().name("journal-fault").start(() -> onFault.accept(fault));
    }
    return fault;
  }

  @Override
  public void write(List<Change> batch) {
    refuseIfFailed();
    try {
      requireRoom.run();
      super.write(batch);
    } catch (Lost others) { // Nothing is wrong with the store.
      throw others;
    } catch (RuntimeException | Error e) { // Whatever it was, nobody can know what reached the disk.
      throw fail(e);
    }
    refuseIfFailed();
  }

  @Override
  public Optional<byte[]> get(StoreKey key) {
    return reading(() -> super.get(key));
  }

  @Override
  public void scan(Range range, Visitor visitor) {
    reading(() -> {
      super.scan(range, visitor);
      return true;
    });
  }

  @Override
  public boolean isEmpty() {
    return reading(super::isEmpty);
  }

  @Override
  public void check() {
    reading(() -> {
      super.check();
      return true;
    });
  }

  @Override
  public void retire(String node) {
    reading(() -> {
      super.retire(node);
      return true;
    });
  }

  @Override
  public void compact() {
    reading(() -> {
      super.compact();
      return true;
    });
  }

  /** Damage is not a failing disk: it quarantines what it concerns, and the rest goes on. */
  private <T> T reading(Supplier<T> read) {
    try {
      return read.get();
    } catch (JournalFault fault) {
      if (fault.code() == JournalFault.Code.IO) {
        fail(fault);
      }
      throw fault;
    }
  }

  private void refuseIfFailed() {
    if (failed()) {
      throw JournalFault.io(name(), "writing", new IllegalStateException("the journal failed before"));
    }
  }
}
