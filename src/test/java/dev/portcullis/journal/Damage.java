package dev.portcullis.journal;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Changes a closed journal behind its back. */
final class Damage {

  private Damage() {}

  static void in(Path directory, Consumer<JournalStore> change) {
    try (var store =
        LevelDbRecovery.open(directory.resolve("journal"), JournalSettings.Implementation.AUTO)) {
      change.accept(store);
    }
  }

  static void removeEvent(Path directory, String persistenceId, long seq) {
    in(directory, store ->
        store.write(List.of(new JournalStore.Change.Remove(new StoreKey.Event(persistenceId, seq)))));
  }

  /** Takes out every event and the recorded end, as if the history had never been. */
  static void forget(Path directory, String persistenceId) {
    in(directory, store -> {
      var changes = new ArrayList<JournalStore.Change>();
      store.scan(new JournalStore.Range.Events(persistenceId, 1, Long.MAX_VALUE), (key, _) ->
          changes.add(new JournalStore.Change.Remove(key)));
      changes.add(new JournalStore.Change.Remove(new StoreKey.HeadOf(persistenceId)));
      store.write(changes);
    });
  }
}
