package dev.portcullis.ingress.http;

import dev.portcullis.ingress.Addressing;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Operation;
import dev.portcullis.ingress.Problem;
import dev.portcullis.ingress.Problems;
import dev.portcullis.protocol.Approval;
import dev.portcullis.session.DecisionReply;
import dev.portcullis.session.Quarantined;
import dev.portcullis.session.SessionKey;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code /api/v1/approvals}: what agents ask, and the answers. Who answers is who has shown the token, never
 * what the request says (SEC-24).
 */
public final class ApprovalRoutes {
  private static final Logger LOG = LoggerFactory.getLogger(ApprovalRoutes.class);
  private static final String ID = "[A-Za-z0-9][A-Za-z0-9_.:-]{0,255}";
  private static final String DIGEST = "[0-9a-f]{64}";

  private final Addressing addressing;

  public ApprovalRoutes(Edge edge) {
    this.addressing = new Addressing(edge.config());
  }

  public List<Endpoint> endpoints() {
    return List.of(
        Endpoint.get("/api/v1/approvals", Operation.READ_APPROVALS, this::list),
        Endpoint.get("/api/v1/approvals/{id}", Operation.READ_APPROVALS, this::one),
        Endpoint.postJson("/api/v1/approvals/{id}", Operation.DECIDE_APPROVAL, this::decide),
        Endpoint.postJson(
            "/api/v1/runs/{id}/approvals/{approvalId}", Operation.DECIDE_APPROVAL, this::decideOfRun));
  }

  private CompletionStage<HttpResponse> list(Call call) {
    var session = call.query("session").map(addressing::existing).map(SessionKey::text);
    var agent = call.query("agent");
    agent.ifPresent(addressing::requireAgent);
    return call.sessions().approvals().thenApply(all -> {
      var shown = all.stream()
          .filter(asked -> session.isEmpty() || session.get().equals(asked.sessionKey()))
          .filter(asked -> agent.isEmpty() || agent.get().equals(asked.agent()))
          .toList();
      var body = Json.object();
      body.set("data", ApiCodec.array(shown, (asked, json) -> json.setAll(ApiCodec.approval(asked))));
      return Replies.json(200, body);
    });
  }

  private CompletionStage<HttpResponse> one(Call call) {
    var id = id(call, "id");
    return call.sessions().approval(id).thenApply(found -> found
        .map(asked -> Replies.json(200, ApiCodec.approval(asked)))
        .orElseGet(() -> Replies.problem(Problems.approvalNotFound(id))));
  }

  private CompletionStage<HttpResponse> decide(Call call) {
    return decide(call, id(call, "id"));
  }

  /** The same for one who knows the run: an approval of another run is none of this one. */
  private CompletionStage<HttpResponse> decideOfRun(Call call) {
    var run = RunRoutes.id(call);
    var id = id(call, "approvalId");
    decision(call); // A body that says nothing is refused before anything is looked up.
    return call.sessions().approval(id).thenCompose(found ->
        found.map(Approval::runId).filter(run::equals).isPresent()
            ? decide(call, id)
            : call.sessions().run(run).thenApply(there -> Replies.problem(
                there.isEmpty() ? Problems.runNotFound(run) : Problems.approvalNotFound(id))));
  }

  private CompletionStage<HttpResponse> decide(Call call, String id) {
    boolean allow = decision(call);
    var by = call.principal().name();
    return call.sessions().decide(id, digest(call), allow, by).thenApply(reply -> switch (reply) {
      case DecisionReply.Taken(var status, var kept) -> Replies.json(202, Json.object()
          .put("id", id)
          .put("decision", word(allow))
          .put("by", by)
          .put("status", kept ? "kept for the resumed attempt" : "decided")
          .put("runStatus", status.word()));
      case DecisionReply.Changed(var digest) -> refused(id, by, Problems.approvalChanged(id, digest));
      case DecisionReply.Decided(var allowed, var decider) ->
          refused(id, by, Problems.approvalDecided(id, word(allowed), decider));
      case DecisionReply.Refused(var status) -> refused(id, by, Problems.approvalClosed(id, status));
      case DecisionReply.NotOpen _ -> refused(id, by, Problems.approvalNotFound(id));
      case Quarantined quarantined -> refused(id, by, Problems.of(quarantined));
    });
  }

  /** Whoever tries to answer what is not theirs to answer, or no longer, is on record. */
  private static HttpResponse refused(String id, String by, Problem problem) {
    LOG.warn("ingress.approval_refused approvalId={} by={} cause={}", id, by, problem.code());
    return Replies.problem(problem);
  }

  private static boolean decision(Call call) {
    return switch (call.fields().text("decision")) {
      case "allow" -> true;
      case "deny" -> false;
      default -> throw Fields.fault("decision", "must be allow or deny");
    };
  }

  private static String digest(Call call) {
    Optional<String> digest = call.fields().optionalText("digest");
    digest.filter(text -> !text.matches(DIGEST)).ifPresent(_ -> {
      throw Fields.fault("digest", "must be the digest of the approval, 64 hexadecimal digits");
    });
    return digest.orElse("");
  }

  private static String word(boolean allow) {
    return allow ? "allow" : "deny";
  }

  private static String id(Call call, String variable) {
    var id = call.path(variable);
    if (!id.matches(ID)) {
      throw InputFault.of(Problems.approvalNotFound(id));
    }
    return id;
  }
}
