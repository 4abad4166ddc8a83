package dev.portcullis.harness.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a model server says about its failure.
 *
 * @param words its codes and types, the most precise first, in lower case; may be empty
 * @param message its sentence, empty when it has none
 * @param requestId its name for the request, empty when the body has none
 */
public record ModelError(List<String> words, String message, String requestId) {
  private static final int MESSAGE_CHARS_MAX = 300;
  /** Servers that have no word for it say it in a sentence. */
  private static final List<String> TOO_LONG = List.of(
      "prompt is too long", "maximum context length", "context window", "exceeds the available context size");

  public ModelError {
    words = List.copyOf(words);
  }

  /** Reads the body of an error, or an event that is one; whatever is missing stays empty. */
  public static ModelError of(JsonNode body) {
    var root = body.isArray() && !body.isEmpty() ? body.get(0) : body; // Some put a list around it.
    var error = root.path("error");
    var source = error.isObject() ? error : root;
    var words = Stream.of("code", "type", "status").map(field -> source.path(field).asText(""))
        .filter(word -> !word.isEmpty())
        .map(word -> word.toLowerCase(Locale.ROOT))
        .toList();
    var message = Stream.of(source.path("message"), error, root.path("detail"))
        .filter(JsonNode::isTextual).map(JsonNode::textValue).findFirst().orElse("");
    return new ModelError(words, message, root.path("request_id").asText(""));
  }

  /** The error of an HTTP answer. */
  HarnessFault ofStatus(int status, String idHeader, String apiKey) {
    var hint = switch (status) {
      case 301, 302, 303, 307, 308 ->
          " (a redirect is not followed, for the key would go with it: set base-url to where it leads)";
      case 404 -> " (no such model, or nothing at this path: look at model and base-url)";
      default -> "";
    };
    return HarnessFault.of(
        code(status), sentence("the model server answered " + status, idHeader, apiKey) + hint);
  }

  /** An error inside a stream whose status was a good one. */
  HarnessFault inStream(String idHeader, String apiKey) {
    var code = words.contains("invalid_request_error") ? code(400) : code(500);
    return HarnessFault.of(code, sentence("the model server broke the answer off", idHeader, apiKey));
  }

  private String sentence(String what, String idHeader, String apiKey) {
    var said = message.replace(apiKey, "[key]").replaceAll("[\\p{Cc}\\p{Cf}\\s]+", " ").strip();
    var bounded = said.length() > MESSAGE_CHARS_MAX ? said.substring(0, MESSAGE_CHARS_MAX) + "…" : said;
    var id = (idHeader.isEmpty() ? requestId : idHeader).replaceAll("[^!-~]", "");
    return what + (bounded.isEmpty() ? "" : ": " + bounded)
        + (id.isEmpty() ? "" : " (request " + id.substring(0, Math.min(id.length(), 100)) + ")");
  }

  private Code code(int status) {
    var code = words.stream().flatMap(word -> ofWord(word).stream()).findFirst()
        .orElseGet(() -> ofStatus(status));
    if (code != Code.INVALID_REQUEST) {
      return code;
    }
    var said = message.toLowerCase(Locale.ROOT);
    if (TOO_LONG.stream().anyMatch(said::contains)) {
      return Code.CONTEXT_LENGTH;
    }
    return said.contains("credit balance is too low") ? Code.QUOTA : code;
  }

  /** Words of all vendors, none of which means two things; a number is a status inside a stream. */
  private static Optional<Code> ofWord(String word) {
    return Optional.ofNullable(switch (word) {
      case "invalid_api_key", "authentication_error", "permission_error", "401", "403" -> Code.AUTHENTICATION;
      case "rate_limit_exceeded", "rate_limit_error", "429" -> Code.RATE_LIMITED;
      case "insufficient_quota", "billing_error", "billing_hard_limit_reached", "402" -> Code.QUOTA;
      case "overloaded_error", "server_is_overloaded", "503", "529" -> Code.OVERLOADED;
      case "server_error", "api_error", "timeout_error", "500", "502", "504" -> Code.UPSTREAM;
      case "model_not_found", "not_found_error" -> Code.MODEL_NOT_FOUND;
      case "context_length_exceeded", "request_too_large", "exceed_context_size_error" -> Code.CONTEXT_LENGTH;
      case "content_filter", "content_policy_violation" -> Code.CONTENT_REFUSED;
      case "invalid_prompt" -> Code.INVALID_REQUEST;
      default -> null;
    });
  }

  private static Code ofStatus(int status) {
    return status == 413
        ? Code.CONTEXT_LENGTH
        // A redirect would take the key to an address that nobody has configured.
        : Code.ofStatus(status).orElse(Code.NOT_CONFIGURED);
  }
}
