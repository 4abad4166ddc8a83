package dev.portcullis.journal;

import java.io.IOException;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * The journal of a database, read beside the gateways that may be writing to it: without an epoch of its own,
 * so that it fences nobody. What is written or trimmed meanwhile is no damage, for {@link History} looks at
 * the recorded end again before it says so; counts are of slightly different instants.
 */
public final class DatabaseJournal extends JournalReader {

  private final JournalStore store;

  private DatabaseJournal(JournalStore store) {
    this.store = store;
  }

  /** @throws JournalFault {@code UNREACHABLE}, {@code REFUSED}, {@code FORMAT} or {@code IO} */
  public static DatabaseJournal open(JournalSettings.Postgres settings) {
    var store = PostgresStore.look(settings);
    try {
      Journal.isNew(store);
      return new DatabaseJournal(store);
    } catch (RuntimeException e) {
      store.close();
      throw e;
    }
  }

  @Override
  public JournalVerdict verify(LongConsumer progress) {
    var proof = Proof.of(store, progress);
    return new JournalVerdict(
        proof.histories(), proof.events(), proof.damaged(), proof.findings(), List.of());
  }

  @Override
  <T> T reading(Read<JournalStore, T> read) {
    try {
      return read.from(store);
    } catch (IOException e) {
      throw JournalFault.io(store.name(), "reading", e);
    }
  }

  @Override
  public void close() {
    store.close();
  }
}
