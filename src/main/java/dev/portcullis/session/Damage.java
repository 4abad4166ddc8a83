package dev.portcullis.session;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.portcullis.journal.IndexEntry;
import dev.portcullis.journal.JournalFault;
import java.time.Instant;

/**
 * Why a history cannot be proved.
 *
 * @param seq the first event that is in doubt, counted from 1; 0 when it is not about one event
 * @param cause a sentence for the operator
 */
record Damage(long seq, String cause) {
  /** Index space of sessions in quarantine: entity id to what was said of the damage, as JSON. */
  static final String SPACE = "quarantine";

  static Damage of(JournalFault fault) {
    return new Damage(fault.seq(), String.valueOf(fault.getMessage()));
  }

  /** The durable note. Only its key is read back: each boot looks at the history itself. */
  IndexEntry note(String entityId, Instant at) {
    var said = JsonNodeFactory.instance.objectNode()
        .put("at", at.toString())
        .put("seq", seq)
        .put("cause", cause);
    return new IndexEntry.Put(SPACE, entityId, said.toString());
  }
}
