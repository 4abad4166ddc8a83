package dev.portcullis.journal;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BinaryNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.HexFormat;
import java.util.function.Consumer;

/** A history as JSON, one object an event: {@code persistenceId, seq, at, type, digest, event}. */
final class JournalExport {

  private JournalExport() {}

  /** @throws JournalFault {@code CORRUPT} at the first event that cannot be proved, after those before it */
  static void of(
      JournalStore store, String persistenceId, long fromSeq, long max, Consumer<JsonNode> to) {
    new History(store, persistenceId).replayProved(fromSeq, Long.MAX_VALUE, max, (event, digest) -> {
      var line = JsonNodeFactory.instance.objectNode()
          .put("persistenceId", event.persistenceId())
          .put("seq", event.seq())
          .put("at", event.timestamp().toString())
          .put("type", event.manifest())
          .put("digest", HexFormat.of().formatHex(digest));
      line.set("event", payload(event));
      to.accept(line);
    });
  }

  /** What others have serialised is given as it is, in base64. */
  private static JsonNode payload(StoredEvent event) {
    return event.serializerId() == DurableSerializer.ID
        ? EventCodec.tree(event.payload())
        : BinaryNode.valueOf(event.payload());
  }
}
