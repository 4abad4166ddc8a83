package dev.portcullis.ingress.ws.methods;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Json;
import dev.portcullis.protocol.HistoryEntry;
import dev.portcullis.protocol.Usage;
import java.time.Instant;

/**
 * Messages as clients keep them. A message has the same id in an event and in a transcript, made of its run
 * and its role, so that a client that sees it twice shows it once.
 */
final class MessageCodec {
  private static final String USER = "user";

  private MessageCodec() {}

  static ObjectNode of(HistoryEntry entry) {
    var message = stored(entry.role(), entry.text(), entry.runId(), entry.at());
    var ours = (ObjectNode) message.get("__openclaw");
    ours.put("seq", entry.seq());
    ours.putObject("transcriptPosition").put("source", "journal").put("rawSeq", entry.seq());
    return message;
  }

  /** A message that is in the journal. */
  static ObjectNode stored(String role, String text, String runId, Instant at) {
    var message = text(role, text, at);
    var shown = RunNames.shown(runId);
    var ours = message.putObject("__openclaw")
        .put("id", id(role, runId))
        .put("runId", shown)
        .put("recordTimestampMs", at.toEpochMilli());
    if (role.equals(USER)) {
      message.put("idempotencyKey", shown + ":user");
      ours.put("idempotencyKey", shown + ":user");
    } else {
      message.put("stopReason", "stop");
    }
    return message;
  }

  /** A message on its way. */
  static ObjectNode text(String role, String text, Instant at) {
    var message = Json.object().put("role", role);
    message.putArray("content").addObject().put("type", "text").put("text", text);
    return message.put("timestamp", at.toEpochMilli());
  }

  static String id(String role, String runId) {
    return RunNames.shown(runId) + ":" + role;
  }

  static ObjectNode usage(Usage usage) {
    return Json.object()
        .put("input", usage.inputTokens())
        .put("output", usage.outputTokens())
        .put("cacheRead", usage.cachedTokens())
        .put("total", usage.totalTokens());
  }
}
