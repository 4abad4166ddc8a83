package dev.portcullis.journal;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A store over another one: everything goes through, but for what a subclass adds. */
abstract class ForwardingStore implements JournalStore {

  private final JournalStore real;

  ForwardingStore(JournalStore real) {
    this.real = real;
  }

  JournalStore real() {
    return real;
  }

  @Override
  public String name() {
    return real.name();
  }

  @Override
  public boolean shared() {
    return real.shared();
  }

  @Override
  public long epoch() {
    return real.epoch();
  }

  @Override
  public void retire(String node) {
    real.retire(node);
  }

  @Override
  public Map<String, Long> bytes() {
    return real.bytes();
  }

  @Override
  public boolean isEmpty() {
    return real.isEmpty();
  }

  @Override
  public void write(List<Change> batch) {
    real.write(batch);
  }

  @Override
  public Optional<byte[]> get(StoreKey key) {
    return real.get(key);
  }

  @Override
  public void scan(Range range, Visitor visitor) {
    real.scan(range, visitor);
  }

  @Override
  public void check() {
    real.check();
  }

  @Override
  public void compact() {
    real.compact();
  }

  @Override
  public void close() {
    real.close();
  }
}
