package dev.portcullis.journal;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * How much a journal holds.
 *
 * @param sessions histories
 * @param entries of all indexes
 * @param bytes on the disk, by kind of file: {@code tables}, {@code logs}, {@code manifests}
 * @param lastWrite the latest time that an event carries; {@link Instant#EPOCH} when there is none
 */
public record JournalFigures(
    long sessions, long events, long snapshots, long entries, Map<String, Long> bytes, Instant lastWrite) {

  /** Reads every key, and every event for its time. */
  static JournalFigures of(JournalStore store) {
    var last = new AtomicReference<>(Instant.EPOCH);
    long events = count(store, new JournalStore.Range.AllEvents(), (key, value) ->
        time(store, key, value).filter(last.get()::isBefore).ifPresent(last::set));
    return new JournalFigures(
        count(store, new JournalStore.Range.Heads(), (_, _) -> {}),
        events,
        count(store, new JournalStore.Range.AllSnapshots(), (_, _) -> {}),
        count(store, new JournalStore.Range.AllIndexes(), (_, _) -> {}),
        store.bytes(),
        last.get());
  }

  /** The same as an object with these names. */
  public ObjectNode json() {
    var json = JsonNodeFactory.instance.objectNode()
        .put("sessions", sessions)
        .put("events", events)
        .put("snapshots", snapshots)
        .put("entries", entries)
        .put("lastWrite", lastWrite.toString());
    var kinds = json.putObject("bytes");
    bytes.forEach(kinds::put);
    return json;
  }

  private static Optional<Instant> time(JournalStore store, StoreKey key, byte[] value) {
    return EventRecord.timestamp(store.name(), (StoreKey.Event) key, value);
  }

  private interface Each {
    void see(StoreKey key, byte[] value);
  }

  private static long count(JournalStore store, JournalStore.Range range, Each each) {
    var count = new long[1];
    store.scan(range, (key, value) -> {
      each.see(key, value);
      return ++count[0] > 0;
    });
    return count[0];
  }
}
