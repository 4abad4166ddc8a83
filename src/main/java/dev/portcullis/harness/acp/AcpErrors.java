package dev.portcullis.harness.acp;

import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.jsonrpc.Reply;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What an agent's errors mean. The protocol has few codes of its own; agents pass on what the model's server
 * said as the code, in {@code data}, or in words alone. Pure.
 */
final class AcpErrors {
  private static final int AUTHENTICATION_REQUIRED = -32000;
  /** Claude's adapter tells the status of some errors in words only. */
  private static final Pattern STATUS = Pattern.compile("\\bAPI Error: (\\d{3})\\b");
  private static final int MESSAGE_CHARS_MAX = 300;

  private AcpErrors() {}

  /** @param method what was asked of the agent */
  static HarnessFault of(String method, Reply.Error error, AcpAgent agent) {
    var code = code(error);
    return code == Code.AUTHENTICATION
        ? HarnessFault.of(code, "the agent wants credentials: " + text(error) + hint(agent))
        : HarnessFault.of(code, "the agent answered " + method + " with error " + error.code() + ": "
            + text(error));
  }

  /** The agent did not sign in the way that {@code auth-method} names. */
  static HarnessFault notSignedIn(String methodId, Reply.Error error, AcpAgent agent) {
    return HarnessFault.of(Code.AUTHENTICATION,
        "the agent refuses auth-method " + methodId + ": " + text(error) + hint(agent));
  }

  private static Code code(Reply.Error error) {
    return switch (error.data().path("errorKind").asText("")) {
      case "authentication_failed" -> Code.AUTHENTICATION;
      case "billing_error" -> Code.QUOTA;
      case "rate_limit" -> Code.RATE_LIMITED;
      case "overloaded" -> Code.OVERLOADED;
      case "server_error" -> Code.UPSTREAM;
      case "invalid_request" -> Code.INVALID_REQUEST;
      case "model_not_found" -> Code.MODEL_NOT_FOUND;
      case String _ -> byNumber(statusIn(error.message()).orElse(error.code()));
    };
  }

  private static OptionalInt statusIn(String message) {
    var matcher = STATUS.matcher(message);
    return matcher.find() ? OptionalInt.of(Integer.parseInt(matcher.group(1))) : OptionalInt.empty();
  }

  /** Agents give the status of the model server as the number of the error, or one of the protocol's own. */
  private static Code byNumber(int code) {
    return code == AUTHENTICATION_REQUIRED
        ? Code.AUTHENTICATION
        : Code.ofStatus(code).orElse(Code.REFUSED);
  }

  private static String text(Reply.Error error) {
    return error.message().length() > MESSAGE_CHARS_MAX
        ? error.message().substring(0, MESSAGE_CHARS_MAX) + "…"
        : error.message();
  }

  private static String hint(AcpAgent agent) {
    var hints = agent.logins().stream()
        .map(login -> login.hint().isBlank() ? login.id() : login.hint() + " (" + login.id() + ")")
        .collect(Collectors.joining("; "));
    return hints.isEmpty()
        ? ". Sign in with the agent's own program, or give its key in env"
        : ". Its ways to sign in, each with what auth-method takes: " + hints;
  }
}
