package dev.portcullis.ingress.ws.methods;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Json;
import dev.portcullis.protocol.Approval;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunView;
import java.time.Instant;

/**
 * Questions of agents. Clients know several kinds; the one that takes any tool is the plugin's, so all of
 * ours are of that kind. What is shown is exactly what the tool will be given, with the digest of all of it.
 */
final class ApprovalCodec {
  static final String ALLOW = "allow-once";
  static final String DENY = "deny";

  private ApprovalCodec() {}

  static ObjectNode of(Approval asked) {
    return request(
        new RunEvent.ApprovalRequested(
            asked.id(), asked.kind(), asked.title(), asked.input(), asked.directory(), asked.digest(),
            asked.expiresAt()),
        asked.runId(), asked.sessionKey(), asked.agent(), asked.requestedAt());
  }

  static ObjectNode request(RunEvent.ApprovalRequested asked, RunView run, Instant at) {
    return request(asked, run.id(), run.sessionKey(), run.agent(), at);
  }

  private static ObjectNode request(
      RunEvent.ApprovalRequested asked, String runId, String sessionKey, String agent, Instant at) {
    var json = Json.object()
        .put("id", asked.approvalId())
        .put("createdAtMs", at.toEpochMilli())
        .put("expiresAtMs", asked.expiresAt().toEpochMilli());
    var request = json.putObject("request")
        .put("title", asked.title())
        .put("description", asked.input())
        .put("severity", "warning")
        .put("toolName", asked.kind())
        .put("agentId", agent)
        .put("sessionKey", sessionKey)
        .put("runId", RunNames.shown(runId))
        .put("cwd", asked.directory())
        .put("digest", asked.digest());
    request.putArray("allowedDecisions").add(ALLOW).add(DENY);
    return json;
  }

  static ObjectNode resolved(RunEvent.ApprovalDecided done, Instant at) {
    return Json.object()
        .put("id", done.approvalId())
        .put("decision", done.allowed() ? ALLOW : DENY)
        .put("resolvedBy", done.by())
        .put("ts", at.toEpochMilli());
  }
}
