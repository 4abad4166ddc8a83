package dev.portcullis.ingress.ws;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Operation;
import dev.portcullis.ingress.Problem;
import java.util.Locale;
import java.util.Map;

/**
 * Why a request was not done, as the protocol says it; the one table from {@link Problem} to its codes.
 *
 * @param code one of the protocol's few
 * @param details an object, {@code code} of which is the finer word; empty for none
 * @param retryAfterMs 0 when nothing is known
 */
record Failure(String code, String message, ObjectNode details, boolean retryable, long retryAfterMs) {
  static final String INVALID = "INVALID_REQUEST";
  static final String UNAVAILABLE = "UNAVAILABLE";

  static Failure invalid(String message) {
    return new Failure(INVALID, message, Json.object(), false, 0);
  }

  /** Refused for something that a program can tell from others by {@code detail}. */
  static Failure invalid(String detail, String message) {
    return new Failure(INVALID, message, Json.object().put("code", detail), false, 0);
  }

  static Failure busy() {
    return new Failure(UNAVAILABLE, "server is busy", Json.object(), true, 1_000);
  }

  static Failure missingScope(Operation operation) {
    var scope = operation.scope().word();
    var details = Json.object().put("code", "MISSING_SCOPE").put("missingScope", scope);
    details.putArray("requiredScopes").add(scope);
    return new Failure("FORBIDDEN", "missing scope: " + scope, details, false, 0);
  }

  static Failure of(Problem problem) {
    var details = Json.object();
    if (!problem.code().isEmpty()) {
      details.put("code", detail(problem.code())).put("reason", problem.code());
    }
    if (!problem.param().isEmpty()) {
      details.put("param", problem.param());
    }
    problem.state().entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(entry -> details.put(entry.getKey(), entry.getValue()));
    var again = problem.headers().get("Retry-After");
    boolean retryable = again != null && !"false".equals(problem.headers().get("x-should-retry"));
    return new Failure(
        code(problem), problem.message(), details, retryable, retryable ? Long.parseLong(again) * 1_000 : 0);
  }

  ObjectNode json() {
    var error = Json.object().put("code", code).put("message", message);
    if (!details.isEmpty()) {
      error.set("details", details);
    }
    error.put("retryable", retryable);
    if (retryAfterMs > 0) {
      error.put("retryAfterMs", retryAfterMs);
    }
    return error;
  }

  private static String code(Problem problem) {
    return switch (problem.status()) {
      case 403 -> "FORBIDDEN";
      case 404 -> problem.code().equals("approval_not_found") ? "APPROVAL_NOT_FOUND" : INVALID;
      case 504 -> "AGENT_TIMEOUT";
      case 429, 500, 502, 503 -> UNAVAILABLE;
      default -> INVALID;
    };
  }

  /** The protocol's own word where it has one. */
  private static String detail(String code) {
    return switch (code) {
      case "agent_not_found" -> "UNKNOWN_AGENT_ID";
      case "insufficient_scope" -> "MISSING_SCOPE";
      case String other -> other.toUpperCase(Locale.ROOT);
    };
  }
}
