package dev.portcullis.journal;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BinaryNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.HexFormat;
import java.util.function.Consumer;

/** A history as JSON, one object an event: {@code persistenceId, seq, at, type, digest, event}. */
final class JournalExport {

  private JournalExport() {}

  /** @throws JournalFault {@code CORRUPT} at the first event that cannot be proved; those before it are out */
  static void of(JournalStore store, String persistenceId, Consumer<JsonNode> to) {
    new History(store, persistenceId).replayProved(1, Long.MAX_VALUE, Long.MAX_VALUE, (event, digest) -> {
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
