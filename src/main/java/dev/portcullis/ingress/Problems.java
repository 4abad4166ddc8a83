package dev.portcullis.ingress;

import dev.portcullis.journal.JournalFault;
import dev.portcullis.protocol.Need;
import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.session.ControlReply;
import dev.portcullis.session.Gate;
import dev.portcullis.session.Quarantined;
import dev.portcullis.session.Receipt;
import dev.portcullis.session.Sessions;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The only place that turns refusals, faults and bugs into statuses, types, codes and headers, so that a bug
 * never looks like bad input. Messages say what to do.
 */
public final class Problems {
  private static final Logger LOG = LoggerFactory.getLogger(Problems.class);
  private static final String INVALID = "invalid_request_error";
  private static final String CONFLICT = "conflict_error";
  private static final String UPSTREAM = "upstream_error";
  private static final String UNAVAILABLE = "service_unavailable";
  private static final String FORBIDDEN = "permission_error";
  private static final Set<String> TIMEOUTS =
      Set.of("harness_timeout", "deadline_exceeded", "idle_deadline_exceeded", "timeout");

  private final RandomGenerator random;

  /** @param random for the ids of bugs */
  public Problems(RandomGenerator random) {
    this.random = random;
  }

  // ---- requests that cannot be understood

  /** A field or parameter is wrong; {@code param} names it, empty when it is the whole body. */
  public static Problem badRequest(String param, String message) {
    return Problem.of(400, INVALID, "", message).param(param);
  }

  /** An image that is none, or that is not in the request itself. */
  public static Problem badImage(String param, String code, String message) {
    return Problem.of(400, INVALID, code, message).param(param);
  }

  public static Problem imageTooLarge(String param, String limit) {
    return Problem.of(413, INVALID, "image_too_large", limit + "; \"" + param + "\" is beyond that.")
        .param(param);
  }

  /** No harness of the agent can take what the turn carries. */
  public static Problem notTaken(String agent, Need need) {
    return switch (need) {
      case IMAGES -> Problem.of(400, INVALID, "images_not_supported",
          "Images are not supported by agent \"" + agent + "\": its harness takes text only.");
      case TOOLS -> Problem.of(400, INVALID, "tools_not_supported",
              "\"tools\" are not supported by agent \"" + agent + "\": its harness uses its own.")
          .param("tools");
    };
  }

  /** What the HTTP layer itself refuses. */
  public static Problem rejected(int status) {
    return Problem.of(status, INVALID, "malformed_request",
        "The request is malformed; the gateway speaks HTTP/1.1 as RFC 9112 has it.");
  }

  public static Problem bodyTooLarge(long limit) {
    return Problem.of(413, INVALID, "body_too_large",
        "The body is longer than " + limit + " bytes; send less, or raise portcullis.http.body-bytes.");
  }

  public static Problem headTooLarge(long limit) {
    return Problem.of(431, INVALID, "headers_too_large",
        "The header lines are longer than " + limit + " bytes together; send less.");
  }

  public static Problem bodyTooSlow() {
    return Problem.of(408, INVALID, "body_too_slow", "The body did not arrive in time; send it again.");
  }

  public static Problem unsupportedMedia(String what) {
    return Problem.of(415, INVALID, "unsupported_media_type", what);
  }

  public static Problem noSuchPath() {
    return Problem.of(404, INVALID, "not_found", "There is nothing at this path; see the list of routes.");
  }

  /** @param allow methods there are, as the {@code Allow} header has them */
  public static Problem methodNotAllowed(String allow) {
    return Problem.of(405, INVALID, "method_not_allowed", "This path takes " + allow + ".")
        .header("Allow", allow);
  }

  // ---- who asks

  public static Problem unauthorized() {
    return Problem.of(401, INVALID, "invalid_api_key",
            "A valid token is missing; send the header Authorization: Bearer <token>.")
        .header("WWW-Authenticate", "Bearer");
  }

  /** Somebody guesses, or a client has an old token: nothing is looked at before the time is over. */
  public static Problem tooManyFailures(long seconds) {
    return tooMany("too_many_failures",
        "Too many wrong credentials from this address; wait, then use the right one.", seconds);
  }

  public static Problem tooManyRequests(long seconds) {
    return tooMany("rate_limit_exceeded", "This principal has asked too often; ask again later.", seconds);
  }

  public static Problem tooManyRuns() {
    return tooMany(
        "rate_limit_exceeded", "As many runs are open as may be; ask again when some have ended.", 10);
  }

  private static Problem tooMany(String code, String message, long seconds) {
    return Problem.of(429, "rate_limit_error", code, message)
        .header("Retry-After", Long.toString(Math.max(1, seconds)));
  }

  /** More than the one who mints may give. */
  public static Problem widening() {
    return Problem.of(403, FORBIDDEN, "insufficient_scope",
        "A credential can be given no more than the one has that asks for it.");
  }

  public static Problem credentialNotFound(String name) {
    return Problem.of(404, INVALID, "credential_not_found", "There is no principal \"" + name + "\".");
  }

  public static Problem credentialExists(String name) {
    return Problem.of(409, CONFLICT, "credential_exists",
        "There is a principal \"" + name + "\" already; rotate its token, or take another name.");
  }

  public static Problem credentialFixed(String name, String instead) {
    return Problem.of(409, CONFLICT, "credential_fixed",
        "\"" + name + "\" cannot be changed here; " + instead + ".");
  }

  /** Its value was not looked at. */
  public static Problem credentialInUrl() {
    return Problem.of(401, INVALID, "invalid_api_key",
            "Credentials are not taken from the URL; send the header Authorization: Bearer <token>.")
        .header("WWW-Authenticate", "Bearer");
  }

  public static Problem insufficientScope(Operation operation) {
    return Problem.of(403, FORBIDDEN, "insufficient_scope",
        "This token lacks the scope " + operation.scope().word() + "; use one that has it.");
  }

  public static Problem originRefused() {
    return Problem.of(403, FORBIDDEN, "origin_not_allowed",
        "Requests from pages of another origin are refused; open the page that the gateway serves.");
  }

  public static Problem hostRefused() {
    return Problem.of(421, FORBIDDEN, "host_not_allowed",
        "The gateway does not go by this host name; use localhost, or name it in portcullis.http.hosts.");
  }

  // ---- what is not there

  public static Problem agentNotFound(String agent) {
    return Problem.of(404, INVALID, "agent_not_found", "There is no agent \"" + agent + "\".").param("agent");
  }

  public static Problem modelNotFound(String model) {
    return Problem.of(404, INVALID, "model_not_found",
            "There is no model \"" + model + "\"; GET /v1/models lists what there is.")
        .param("model");
  }

  public static Problem runNotFound(String id) {
    return Problem.of(404, INVALID, "run_not_found", "There is no run \"" + id + "\".");
  }

  public static Problem responseNotFound(String id) {
    return Problem.of(404, INVALID, "response_not_found", "There is no response \"" + id + "\".");
  }

  public static Problem previousResponseNotFound(String id) {
    return responseNotFound(id).param("previous_response_id");
  }

  /** One that others continue, or that continues others. */
  public static Problem responseInConversation(String id) {
    return Problem.of(409, CONFLICT, "response_in_conversation",
            "Response \"" + id + "\" is one of several in a conversation, whose texts can only be deleted "
                + "together: DELETE /api/v1/sessions/<key> deletes them.")
        .header("x-should-retry", "false");
  }

  public static Problem approvalNotFound(String id) {
    return Problem.of(404, INVALID, "approval_not_found", "There is no approval \"" + id + "\".");
  }

  public static Problem sessionNotFound(String key) {
    return Problem.of(404, INVALID, "session_not_found", "There is no session \"" + key + "\".");
  }

  public static Problem deviceNotFound(String id) {
    return Problem.of(404, INVALID, "device_not_found", "There is no device \"" + id + "\".");
  }

  public static Problem pairingNotFound(String id) {
    return Problem.of(404, INVALID, "pairing_not_found",
        "No device waits under \"" + id + "\"; it was decided, or has waited too long.");
  }

  // ---- refusals

  /** A turn that was not taken. */
  public static Problem of(Receipt.KeyReused reused) {
    return Problem.of(422, INVALID, "idempotency_key_reused",
        "This idempotency key belongs to another request, run " + reused.runId() + "; use a new key.");
  }

  /** The same, where a key is what the client calls its run. */
  public static Problem keyConflict(String key) {
    return Problem.of(409, CONFLICT, "chat-request-conflict",
            "The idempotency key " + key + " stands for another message; use a new one.")
        .header("x-should-retry", "false");
  }

  /** What was decided about the session that an asker saw is not done to the one that took its place. */
  public static Problem sessionChanged(String key) {
    return Problem.of(409, CONFLICT, "session-changed",
            "Session " + key + " is not the one that was asked about any more; look at it again.")
        .header("x-should-retry", "false");
  }

  public static Problem of(Receipt.Busy busy) {
    return Problem.of(409, CONFLICT, "session_busy",
            "The agent takes one turn at a time and run " + busy.runId()
                + " is active; wait for its end or abort it.")
        .header("Retry-After", "5")
        .state("runId", busy.runId());
  }

  public static Problem of(Receipt.QueueFull full) {
    return Problem.of(429, "rate_limit_error", "rate_limit_exceeded",
            full.limit() + " turns wait in this session already; ask again later.")
        .header("Retry-After", "10");
  }

  /** A session whose history cannot be proved; only an operator can change that, so no repeat helps. */
  public static Problem of(Quarantined quarantined) {
    return damaged(" (reference " + quarantined.reference() + ")");
  }

  private static Problem damaged(String reference) {
    return Problem.of(503, UNAVAILABLE, "session_quarantined",
            "The history of this session is damaged" + reference + "; nothing was accepted or changed, "
                + "and nothing of it is shown. The operator must stop the gateway and run "
                + "`portcullis journal repair`.")
        .header("x-should-retry", "false");
  }

  public static Problem of(Receipt.Closed closed) {
    return closed(closed.state());
  }

  private static Problem closed(Gate.State state) {
    return switch (state) {
      case BOOTING -> unavailable("not_ready", "The gateway is not ready yet; ask again.", 2);
      case DRAINING ->
          unavailable("draining", "The gateway is about to stop; ask again when it is back.", 10);
      case STORAGE_LOW -> unavailable(
          "storage_low", "The disk is nearly full and no new work is taken; the operator must free space.",
              60);
      case FENCED ->
          unavailable("journal_unavailable", "The gateway's journal has failed; it must restart.", 10);
      case OPEN -> unavailable("not_ready", "The gateway could not take the request just now; ask again.", 1);
    };
  }

  /** No socket is opened while the gateway stops. */
  public static Problem socketsDraining() {
    return closed(Gate.State.DRAINING);
  }

  /** As many sockets are open as may be, or as may be without having logged in. */
  public static Problem tooManySockets() {
    return unavailable("too_many_sockets", "Too many sockets are open; ask again.", 5);
  }

  private static Problem unavailable(String code, String message, int retrySeconds) {
    return Problem.of(503, UNAVAILABLE, code, message)
        .header("Retry-After", Integer.toString(retrySeconds))
        .header("x-should-retry", "true");
  }

  /** An abort, resume or decision that the run's state does not allow. */
  public static Problem of(String runId, String wanted, ControlReply.Refused refused) {
    return conflict(runId, wanted, refused.status());
  }

  /** As above, for a run that no session holds open. */
  public static Problem conflict(String runId, String wanted, RunStatus status) {
    return Problem.of(409, CONFLICT, "run_" + status.word(),
            "Run " + runId + " is " + status.word() + "; it cannot be " + wanted + ".")
        .header("x-should-retry", "false")
        .state("id", runId)
        .state("status", status.word());
  }

  /** An answer that was given to something else than what is asked. */
  public static Problem approvalChanged(String id, String digest) {
    return Problem.of(409, CONFLICT, "approval_changed",
            "Approval " + id + " is about another action than the one decided about; look at it again.")
        .header("x-should-retry", "false")
        .state("id", id)
        .state("digest", digest);
  }

  /** A second answer. */
  public static Problem approvalDecided(String id, String decision, String by) {
    return Problem.of(409, CONFLICT, "approval_decided",
            "Approval " + id + " was decided already: " + decision + ", by " + by + ".")
        .header("x-should-retry", "false")
        .state("id", id)
        .state("decision", decision)
        .state("by", by);
  }

  /** An answer to a run that is about to end, or has ended. */
  public static Problem approvalClosed(String id, RunStatus status) {
    return Problem.of(409, CONFLICT, "run_" + status.word(),
            "The run of approval " + id + " is " + status.word() + "; it takes no answer.")
        .header("x-should-retry", "false")
        .state("id", id)
        .state("status", status.word());
  }

  // ---- runs that were accepted and gave no answer

  /**
   * No {@code Retry-After}: the gateway has waited as long as it was told to, and the same key gives the same
   * failure again.
   */
  public static Problem runFailed(RunError error) {
    var message = error.message()
        + (error.reference().isEmpty() ? "" : " (reference " + error.reference() + ")");
    return (switch (error.code()) {
      // What the asker can change: say less, say something else, or come back later.
      case "context_length_exceeded", "content_refused", "input_not_supported" ->
          Problem.of(400, INVALID, error.code(), message);
      case "rate_limited" -> Problem.of(429, "rate_limit_error", error.code(), message);
      case String code -> Problem.of(TIMEOUTS.contains(code) ? 504 : 502, UPSTREAM, code, message);
    }).header("x-should-retry", "false");
  }

  public static Problem runAborted(String runId) {
    return Problem.of(409, CONFLICT, "run_aborted", "Run " + runId + " was aborted.")
        .header("x-should-retry", "false");
  }

  public static Problem runParked(String runId, String reason) {
    return Problem.of(409, CONFLICT, "run_parked",
            "Run " + runId + " is parked (" + reason + "). Once it is resumed (POST /api/v1/runs/" + runId
                + "/resume), the same request with the same Idempotency-Key gives its answer.")
        .header("x-should-retry", "false");
  }

  /**
   * The gateway stops while an answer is on its way. A client that repeated by itself would start a second
   * run.
   */
  public static Problem streamCut(String runId) {
    return unavailable("draining", "The gateway is about to stop. Run " + runId
            + " is kept; ask again with the same Idempotency-Key, or read GET /api/v1/runs/" + runId + ".",
                10)
        .header("x-should-retry", "false");
  }

  /** The gateway has stopped before a request was answered. */
  public static Problem cutOff() {
    return unavailable("draining",
        "The gateway stopped before this was answered; repeat it with the same key.", 10)
        .header("x-should-retry", "false");
  }

  /** No answer of the journal: a session does not answer, or the journal has failed. */
  public static Problem unknownOutcome() {
    return unavailable("journal_unavailable",
            "Whether this was done is unknown: the journal did not answer. Repeat it with the same key.", 1)
        .header("x-should-retry", "false"); // Without a key a repeat could start a second run.
  }

  // ---- faults and bugs

  /** What a failed stage means. A bug is logged here, once, under the id that the message has. */
  public Problem fault(Throwable thrown) {
    return switch (thrown) {
      case CompletionException wrapped when wrapped.getCause() != null -> fault(wrapped.getCause());
      case InputFault input -> input.problem();
      case Sessions.Damaged quarantined -> of(quarantined.answer());
      case JournalFault fault when fault.code() == JournalFault.Code.CORRUPT -> damagedView(fault);
      case TimeoutException _ -> unknownOutcome();
      case Throwable bug -> bug(bug);
    };
  }

  /** A session that still works and whose past does not: it is quarantined when it is recovered next. */
  private static Problem damagedView(JournalFault fault) {
    LOG.error("ingress.damaged_history cause={}", fault.getMessage());
    return damaged("");
  }

  private Problem bug(Throwable thrown) {
    var bytes = new byte[6];
    random.nextBytes(bytes);
    var id = "err_" + HexFormat.of().formatHex(bytes);
    LOG.error("ingress.bug errorId={}", id, thrown);
    return Problem.of(500, "server_error", "internal_error",
            "The gateway made a mistake; its operator finds it in the log under " + id + ".")
        .header("x-should-retry", "false");
  }
}
