package dev.portcullis.journal;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/** A journal on a real disk that counts the events it reads back. */
public final class CountedJournal implements AutoCloseable {
  private final Path directory;
  private final AtomicLong read = new AtomicLong();
  private Journal journal;

  public CountedJournal(Path directory) {
    this.directory = directory;
    this.journal = open();
  }

  private Journal open() {
    return Journal.open(Samples.settings(directory), Samples.noFault(), real -> new StoreBetween(real) {
      @Override
      public void scan(Range range, Visitor visitor) {
        super.scan(range, (key, value) -> {
          read.addAndGet(key instanceof StoreKey.Event ? 1 : 0);
          return visitor.visit(key, value);
        });
      }
    });
  }

  public Journal journal() {
    return journal;
  }

  public long eventsRead() {
    return read.get();
  }

  /** As a new process would find it. */
  public void reopen() {
    journal.close();
    journal = open();
  }

  @Override
  public void close() {
    journal.close();
  }
}
