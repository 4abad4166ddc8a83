package dev.portcullis.ingress.ws.methods;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Operation;
import dev.portcullis.ingress.Problem;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.ws.Method;
import dev.portcullis.ingress.ws.MethodCall;
import dev.portcullis.session.DecisionReply;
import dev.portcullis.session.Quarantined;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What agents ask, and the answers, as {@code plugin.approval.*}. Who answers is who has shown the token. */
final class ApprovalMethods {
  private static final Logger LOG = LoggerFactory.getLogger(ApprovalMethods.class);
  private static final String DIGEST = "[0-9a-f]{64}";

  List<Method> methods() {
    return List.of(
        Params.method("plugin.approval.list", Operation.READ_APPROVALS, Set.of(), this::list),
        Params.method("plugin.approval.resolve", Operation.DECIDE_APPROVAL,
            Set.of("id", "decision", "digest"), this::resolve),
        // Kinds that clients ask for at their start and of which there is none here.
        Params.method("exec.approval.list", Operation.READ_APPROVALS, Set.of(), _ -> none()),
        Params.method("openclaw.approval.list", Operation.READ_APPROVALS, Set.of(), _ -> none()));
  }

  private static CompletionStage<JsonNode> none() {
    return CompletableFuture.completedFuture(Json.object().arrayNode());
  }

  private CompletionStage<JsonNode> list(MethodCall call) {
    return call.sessions().approvals().thenApply(all -> {
      var list = Json.object().arrayNode();
      all.forEach(asked -> list.add(ApprovalCodec.of(asked)));
      return list;
    });
  }

  private CompletionStage<JsonNode> resolve(MethodCall call) {
    var params = new Params(call.fields());
    var id = params.text("id", 256);
    boolean allow = switch (params.fields().text("decision")) {
      case ApprovalCodec.ALLOW -> true;
      case ApprovalCodec.DENY -> false;
      default -> throw Fields.fault("decision", "must be allow-once or deny");
    };
    var digest = params.optionalText("digest");
    digest.filter(text -> !text.matches(DIGEST)).ifPresent(_ -> {
      throw Fields.fault("digest", "must be the digest of the approval, 64 hexadecimal digits");
    });
    var by = call.peer().principal().name();
    return call.sessions().decide(id, digest.orElse(""), allow, by).thenCompose(reply -> switch (reply) {
      case DecisionReply.Taken(_, var kept) -> CompletableFuture.completedFuture(Json.object()
          .put("ok", true)
          .put("id", id)
          .put("decision", allow ? ApprovalCodec.ALLOW : ApprovalCodec.DENY)
          .put("kept", kept));
      case DecisionReply.Changed(var other) -> refused(id, by, Problems.approvalChanged(id, other));
      case DecisionReply.Decided(var allowed, var decider) -> refused(id, by, Problems.approvalDecided(
          id, allowed ? ApprovalCodec.ALLOW : ApprovalCodec.DENY, decider));
      case DecisionReply.Refused(var status) -> refused(id, by, Problems.approvalClosed(id, status));
      case DecisionReply.NotOpen _ -> refused(id, by, Problems.approvalNotFound(id));
      case Quarantined quarantined -> refused(id, by, Problems.of(quarantined));
    });
  }

  /** Whoever tries to answer what is not theirs to answer, or no longer, is on record. */
  private static CompletionStage<JsonNode> refused(String id, String by, Problem problem) {
    LOG.warn("ingress.approval_refused approvalId={} by={} cause={}", id, by, problem.code());
    return Runs.refused(problem);
  }
}
