package dev.portcullis.journal;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/**
 * A journal that is read and not changed by a byte. Not thread-safe. Every method throws {@link JournalFault}
 * {@code IO} when the disk or the database fails.
 */
public abstract sealed class JournalReader implements AutoCloseable permits StoppedJournal, DatabaseJournal {

  /** Something to read. */
  interface Read<S extends JournalStore, T> {
    T from(S store) throws IOException;
  }

  abstract <T> T reading(Read<JournalStore, T> read);

  /**
   * Reads everything there is.
   *
   * @param progress is told now and then how many histories have been read
   */
  public abstract JournalVerdict verify(LongConsumer progress);

  /** Every id that has something in the journal, in order. */
  public final List<String> persistenceIds() {
    return reading(store -> List.copyOf(Proof.owners(store).keySet()));
  }

  /**
   * One history as JSON, an object for each event: {@code persistenceId, seq, at, type, digest, event}.
   *
   * @throws JournalFault {@code CORRUPT} at the first event that cannot be proved; those before it are out
   */
  public final void export(String persistenceId, Consumer<JsonNode> to) {
    reading(store -> {
      JournalExport.of(store, persistenceId, 1, Long.MAX_VALUE, to);
      return true;
    });
  }

  /** All entries of an index space, ordered by key. */
  public final void scan(String space, BiConsumer<String, String> entry) {
    reading(store -> {
      store.scan(new JournalStore.Range.Index(space, ""), (key, value) -> {
        entry.accept(((StoreKey.Index) key).key(), StoreText.decode(value, 0, value.length));
        return true;
      });
      return true;
    });
  }

  public final JournalFigures figures() {
    return reading(JournalFigures::of);
  }

  @Override
  public abstract void close();
}
