package dev.portcullis.harness.claude;

import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.claude.ClaudeMessage.Result;
import java.util.Locale;

/** What went wrong in a turn, as one of our codes. Pure. */
final class ClaudeFaults {
  private static final int MESSAGE_CHARS_MAX = 300;

  private ClaudeFaults() {}

  /**
   * @param error its own word for what the model did, empty when the model did nothing
   * @param midAnswer the last answer of the model was still being streamed
   */
  static HarnessFault of(Result result, String error, boolean midAnswer) {
    if (result.terminal().startsWith("aborted")) {
      return HarnessFault.of(Code.REFUSED, "Claude Code gave the turn up without being asked to");
    }
    var text = result.text().length() > MESSAGE_CHARS_MAX
        ? result.text().substring(0, MESSAGE_CHARS_MAX) + "…"
        : result.text();
    return HarnessFault.of(code(result, error, midAnswer), "Claude Code ended the turn with "
        + (error.isEmpty() ? result.outcome() : error) + ": " + text);
  }

  private static Code code(Result result, String error, boolean midAnswer) {
    if (result.terminal().equals("blocking_limit") || result.status() == 413
        || result.text().toLowerCase(Locale.ROOT).contains("prompt is too long")) {
      return Code.CONTEXT_LENGTH;
    }
    if (result.stopReason().equals("refusal")) {
      return Code.CONTENT_REFUSED;
    }
    return switch (error) {
      case "authentication_failed" -> Code.AUTHENTICATION;
      case "billing_error" -> Code.QUOTA;
      case "rate_limit" -> Code.RATE_LIMITED;
      case "overloaded" -> Code.OVERLOADED;
      case "model_not_found" -> Code.MODEL_NOT_FOUND;
      case "invalid_request" -> Code.INVALID_REQUEST;
      case "max_output_tokens" -> Code.CUT;
      case String other -> byStatus(result, other, midAnswer);
    };
  }

  private static Code byStatus(Result result, String error, boolean midAnswer) {
    return Code.ofStatus(result.status()).orElseGet(() -> {
      // No answer at all: it came to its end before it was over, or the model can't be reached.
      if (error.equals("server_error")) {
        return midAnswer ? Code.CUT : Code.UPSTREAM;
      }
      return result.outcome().equals("error_max_budget_usd") ? Code.QUOTA : Code.REFUSED;
    });
  }
}
