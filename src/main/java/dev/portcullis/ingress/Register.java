package dev.portcullis.ingress;

import dev.portcullis.journal.IndexEntry;
import dev.portcullis.journal.Journal;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;

/** A few texts that survive, each under a name. What was put or removed is so once the stage completes. */
public interface Register {
  CompletionStage<Map<String, String>> all();

  CompletionStage<Void> put(String name, String text);

  CompletionStage<Void> remove(String name);

  /**
   * An index space of the journal: as durable as a turn, in files that nobody else may read, and the same on
   * every node.
   *
   * @param blocking runs what reads
   */
  static Register of(Journal journal, String space, Executor blocking) {
    return new Register() {
      @Override
      public CompletionStage<Map<String, String>> all() {
        return CompletableFuture.supplyAsync(() -> {
          var entries = new HashMap<String, String>();
          journal.scan(space, entries::put);
          return entries;
        }, blocking);
      }

      @Override
      public CompletionStage<Void> put(String name, String text) {
        return journal.index(List.of(new IndexEntry.Put(space, name, text)));
      }

      @Override
      public CompletionStage<Void> remove(String name) {
        return journal.index(List.of(new IndexEntry.Remove(space, name)));
      }
    };
  }
}
