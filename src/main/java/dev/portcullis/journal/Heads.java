package dev.portcullis.journal;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The heads of the histories written to lately; a live actor's next write needs no read. Only the writer uses
 * it.
 */
final class Heads {

  /** More than the actors that can be in one batch, so that a head in use is never dropped. */
  private static final int MAX = 1 << 16;

  private final JournalStore store;
  private final Map<String, Head> newest = new LinkedHashMap<>(1024, 0.75f, true) {
    @Override
    protected boolean removeEldestEntry(Map.Entry<String, Head> eldest) {
      return size() > MAX;
    }
  };

  Heads(JournalStore store) {
    this.store = store;
  }

  Head of(String persistenceId) {
    return newest.computeIfAbsent(persistenceId, pid -> new History(store, pid).head());
  }

  /** What was known may have been changed by others. */
  void forget(String persistenceId) {
    newest.remove(persistenceId);
  }

  void put(String persistenceId, Head head) {
    newest.put(persistenceId, head);
  }
}
