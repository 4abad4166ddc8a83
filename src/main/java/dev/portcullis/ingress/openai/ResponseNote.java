package dev.portcullis.ingress.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Json;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * What of a request is shown with its response, as it lies beside the run in the journal, below {@code
 * response}: {@code instructions, metadata, previous_response_id, conversation, store, background,
 * max_output_tokens}. On disk: fields only grow, and each may be absent.
 */
record ResponseNote(ObjectNode fields) {
  private static final String KIND = "response";

  /** Of a run that was asked for as a response; empty for others. */
  static Optional<ResponseNote> read(String note) {
    return note.isEmpty() ? Optional.empty()
        : Optional.of(Json.read(note.getBytes(StandardCharsets.UTF_8)).path(KIND))
            .filter(ObjectNode.class::isInstance)
            .map(ObjectNode.class::cast)
            .map(ResponseNote::new);
  }

  String text() {
    var note = Json.object();
    note.set(KIND, fields);
    return Json.text(note);
  }

  /** Whether it can be looked up and continued. */
  boolean stored() {
    return fields.path("store").asBoolean(true);
  }

  boolean background() {
    return fields.path("background").asBoolean(false);
  }
}
