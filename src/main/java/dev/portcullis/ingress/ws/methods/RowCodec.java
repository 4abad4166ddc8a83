package dev.portcullis.ingress.ws.methods;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Json;
import dev.portcullis.protocol.SessionRow;
import java.util.Optional;

/** The one function from our row of a session to the protocol's, for lists and events alike. */
final class RowCodec {
  /** What the directory calls a session that is no more. */

  private RowCodec() {}

  /**
   * {@code hasActiveRun}, {@code activeRunIds} and {@code abortable} are the row's own. {@code state} is our
   * word for where it stands; {@code status} is the protocol's, and absent where it has none that would be
   * true: what became of the last run is not in a row.
   */
  static ObjectNode row(SessionRow row, Agents agents) {
    var json = Json.object()
        .put("key", row.key())
        .put("kind", "direct")
        .put("sessionId", row.sessionId())
        .put("agentId", row.agent())
        .put("isMain", row.key().equals("agent:" + row.agent() + ":main"))
        .put("displayName", row.title().isEmpty() ? row.key() : row.title())
        .put("createdAt", row.createdAt().toEpochMilli())
        .put("updatedAt", row.updatedAt().toEpochMilli())
        .put("state", row.status())
        .put("hasActiveRun", row.hasActiveRun())
        .put("abortable", row.abortable());
    if (!row.title().isEmpty()) {
      json.put("derivedTitle", row.title());
    }
    status(row).ifPresent(word -> json.put("status", word));
    var active = json.putArray("activeRunIds");
    row.activeRunIds().forEach(id -> active.add(RunNames.shown(id)));
    if (!row.lastRunId().isEmpty()) {
      json.put("lastRunId", RunNames.shown(row.lastRunId()));
    }
    json.put("queued", row.queued())
        .put("interrupted", row.interrupted())
        .put("parked", row.parked())
        .put("inputTokens", row.usage().inputTokens())
        .put("outputTokens", row.usage().outputTokens())
        .put("totalTokens", row.usage().totalTokens())
        .put("totalTokensFresh", true)
        .put("rev", row.rev());
    agents.model(row.agent()).ifPresent(model ->
        json.put("modelProvider", model.provider()).put("model", model.id()));
    return json;
  }

  private static Optional<String> status(SessionRow row) {
    return switch (row.status()) {
      case "queued", "interrupted" -> Optional.of("queued");
      case "starting", "running", "aborting" -> Optional.of("running");
      default -> Optional.empty(); // The words are open: idle, parked, quarantined.
    };
  }
}
