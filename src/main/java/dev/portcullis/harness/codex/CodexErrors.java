package dev.portcullis.harness.codex;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.jsonrpc.Reply;

/**
 * What Codex calls an error, as a fault of ours. Pure. Names are those of its schema; what stands behind each
 * was seen with Codex 0.169 and model servers that refuse, fail and hang up.
 */
final class CodexErrors {
  private static final int MESSAGE_CHARS_MAX = 300;

  private CodexErrors() {}

  /** Of a turn that failed: {@code error} has a message, and mostly {@code codexErrorInfo}. */
  static HarnessFault ofTurn(JsonNode error) {
    var message = error.path("message").asText("");
    var info = error.path("codexErrorInfo");
    var code = info.isObject() && info.size() == 1
        ? ofCall(info.fieldNames().next(), info.elements().next().path("httpStatusCode"))
        : ofKind(info.asText(""), message);
    var hint = code == Code.AUTHENTICATION ? ". Check `codex login`, or the key that `env` gives Codex" : "";
    return HarnessFault.of(code, "Codex says: " + shown(message) + hint);
  }

  /** Of a request that was refused. */
  static HarnessFault ofReply(String method, Reply.Error error) {
    var tooLong = error.data().path("input_error_code").asText("").equals("input_too_large");
    return HarnessFault.of(tooLong ? Code.CONTEXT_LENGTH : Code.REFUSED,
        "Codex answered " + method + " with error " + error.code() + ": " + shown(error.message()));
  }

  /** Of a handshake that was refused: something that speaks another protocol, most likely. */
  static HarnessFault ofHandshake(Reply.Error error) {
    return HarnessFault.of(Code.WRONG_VERSION,
        "the program refused Codex's handshake with error " + error.code() + ": " + shown(error.message()));
  }

  /** @param status missing or null when no answer came, or when it broke off */
  private static Code ofCall(String kind, JsonNode status) {
    if (status.isInt()) {
      return Code.ofStatus(status.intValue()).orElse(Code.INVALID_REQUEST);
    }
    return kind.equals("responseStreamDisconnected") ? Code.CUT : Code.UPSTREAM;
  }

  private static Code ofKind(String kind, String message) {
    return switch (kind) {
      case "contextWindowExceeded" -> Code.CONTEXT_LENGTH;
      case "usageLimitExceeded", "sessionBudgetExceeded" -> Code.QUOTA;
      case "rateLimitExceeded" -> Code.RATE_LIMITED;
      case "serverOverloaded", "flexUnavailable", "policyCapacityUnavailable" -> Code.OVERLOADED;
      case "internalServerError" -> Code.UPSTREAM;
      case "modelNotFound" -> Code.MODEL_NOT_FOUND;
      case "unauthorized" -> Code.AUTHENTICATION;
      case "badRequest" -> Code.INVALID_REQUEST;
      case "cyberPolicy", "misalignmentPolicyViolation", "inferenceHookDenied" -> Code.CONTENT_REFUSED;
      case String _ -> ofMessage(message);
    };
  }

  /** What Codex calls {@code other} can be told apart by its words alone. */
  private static Code ofMessage(String message) {
    if (message.startsWith("stream disconnected")) {
      return Code.CUT;
    }
    if (message.startsWith("Incomplete response")) { // The model stopped for length, or for a filter.
      return message.contains("content_filter") ? Code.CONTENT_REFUSED : Code.CUT;
    }
    if (message.startsWith("Missing environment variable")) {
      return Code.NOT_CONFIGURED;
    }
    return message.startsWith("{") ? Code.INVALID_REQUEST : Code.REFUSED; // The body of a 400, as it came.
  }

  /** Short, and without what would break a line of the log. */
  private static String shown(String message) {
    var line = message.replaceAll("\\p{Cntrl}+", " ");
    return line.length() > MESSAGE_CHARS_MAX ? line.substring(0, MESSAGE_CHARS_MAX) + "…" : line;
  }
}
