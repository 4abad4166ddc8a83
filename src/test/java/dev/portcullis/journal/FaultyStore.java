package dev.portcullis.journal;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/** A store whose calls go wrong as a schedule says, over a real one. */
final class FaultyStore extends ForwardingStore {
  /** What happens to a call; the last two look the same to the caller. */
  enum Fault { DELAY, FAIL, EXECUTE_THEN_FAIL }

  private static final long DELAY_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

  private final Map<Integer, Fault> schedule;
  private final AtomicInteger calls = new AtomicInteger();
  private volatile boolean begun;
  private final AtomicInteger writesAfterFault = new AtomicInteger();
  private final AtomicReference<Optional<Fault>> failed = new AtomicReference<>(Optional.empty());

  /** @param schedule the fault of the n-th call, for each that has one */
  FaultyStore(JournalStore real, Map<Integer, Fault> schedule) {
    super(real);
    this.schedule = new TreeMap<>(schedule);
  }

  /** The next call is number 1; what opening needs was done before. */
  void begin() {
    begun = true;
  }

  /** How the first call failed, if one has. */
  Optional<Fault> failed() {
    return failed.get();
  }

  /** Writes that came although a call had failed. */
  int writesAfterFault() {
    return writesAfterFault.get();
  }

  @Override
  public void write(List<Change> batch) {
    if (failed.get().isPresent()) {
      writesAfterFault.incrementAndGet();
    }
    call("writing", () -> {
      super.write(batch);
      return true;
    });
  }

  @Override
  public Optional<byte[]> get(StoreKey key) {
    return call("reading", () -> super.get(key));
  }

  @Override
  public void scan(Range range, Visitor visitor) {
    call("reading", () -> {
      super.scan(range, visitor);
      return true;
    });
  }

  private interface Work<T> {
    T run();
  }

  private <T> T call(String what, Work<T> work) {
    var fault = begun ? Optional.ofNullable(schedule.get(calls.incrementAndGet())) : Optional.<Fault>empty();
    if (fault.isEmpty()) {
      return work.run();
    }
    return switch (fault.get()) {
      case DELAY -> {
        LockSupport.parkNanos(DELAY_NANOS); // A slow disk; the next batch gathers meanwhile.
        yield work.run();
      }
      case FAIL -> throw broken(what, fault.get());
      case EXECUTE_THEN_FAIL -> {
        work.run();
        throw broken(what, fault.get());
      }
    };
  }

  private JournalFault broken(String what, Fault fault) {
    failed.compareAndSet(Optional.empty(), Optional.of(fault));
    return JournalFault.io(name(), what, new IOException("told to " + fault));
  }
}
