package dev.portcullis.journal;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Events and journals for the tests of this package. */
final class Samples {

  static final Instant AT = Instant.parse("2026-11-20T10:00:00.123Z");

  private Samples() {}

  static JournalSettings settings(Path directory) {
    return new JournalSettings(directory, JournalSettings.Implementation.AUTO, 0);
  }

  static Journal open(Path directory) {
    return Journal.open(settings(directory), noFault());
  }

  static Consumer<JournalFault> noFault() {
    return fault -> {
      throw fault;
    };
  }

  static StoredEvent event(String persistenceId, long seq, String text) {
    return new StoredEvent(
        persistenceId, seq, 7, "test", text.getBytes(StandardCharsets.UTF_8), AT, "writer-1");
  }

  static StoredEvent event(String persistenceId, long seq) {
    return event(persistenceId, seq, "event " + seq);
  }

  static void append(Journal journal, String persistenceId, int count) {
    done(journal.claim(persistenceId)); // As a persistent actor does when it starts.
    long highest = journal.highest(persistenceId);
    for (long seq = highest + 1; seq <= highest + count; seq++) {
      done(journal.append(List.of(event(persistenceId, seq)), List.of()));
    }
  }

  static List<String> replay(Journal journal, String persistenceId) {
    return replay(journal, persistenceId, 1, Long.MAX_VALUE, Long.MAX_VALUE);
  }

  static List<String> replay(Journal journal, String persistenceId, long from, long to, long max) {
    var found = new ArrayList<String>();
    journal.replay(persistenceId, from, to, max, event -> found.add(
        event.seq() + " " + new String(event.payload(), StandardCharsets.UTF_8)));
    return found;
  }

  static <T> T done(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(10, TimeUnit.SECONDS).join();
  }
}
