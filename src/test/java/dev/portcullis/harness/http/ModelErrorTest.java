package dev.portcullis.harness.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelErrorTest {
  private static final String KEY = "sk-canary-1234567890";

  private static ModelError error(String body) {
    return ModelError.of(ModelJson.read(body).orElseGet(ModelJson::object));
  }

  private static HarnessFault fault(int status, String body) {
    return error(body).ofStatus(status, "req_1", KEY);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
      "400 | {\"error\":{\"message\":\"bad\",\"type\":\"invalid_request_error\",\"code\":null}} | INVALID_REQUEST",
      "400 | {\"error\":{\"type\":\"invalid_request_error\",\"code\":\"context_length_exceeded\"}} | CONTEXT_LENGTH",
      "400 | {\"error\":{\"type\":\"invalid_request_error\",\"code\":\"content_filter\"}} | CONTENT_REFUSED",
      "400 | {\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 9 > 8\"}} | CONTEXT_LENGTH",
      "400 | {\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your credit balance is too low\"}} | QUOTA",
      "401 | {\"error\":{\"type\":\"invalid_request_error\",\"code\":\"invalid_api_key\"}} | AUTHENTICATION",
      "401 | {\"type\":\"error\",\"error\":{\"type\":\"authentication_error\"}} | AUTHENTICATION",
      "402 | {\"type\":\"error\",\"error\":{\"type\":\"billing_error\"}} | QUOTA",
      "403 | {\"type\":\"error\",\"error\":{\"type\":\"permission_error\"}} | AUTHENTICATION",
      "404 | {\"error\":{\"type\":\"invalid_request_error\",\"code\":\"model_not_found\"}} | MODEL_NOT_FOUND",
      "404 | {\"type\":\"error\",\"error\":{\"type\":\"not_found_error\"}} | MODEL_NOT_FOUND",
      "404 | <html>nothing here</html> | MODEL_NOT_FOUND",
      "408 | {} | TIMEOUT",
      "413 | {\"type\":\"error\",\"error\":{\"type\":\"request_too_large\"}} | CONTEXT_LENGTH",
      "422 | {\"detail\":\"no\"} | INVALID_REQUEST",
      "429 | {\"error\":{\"type\":\"rate_limit_exceeded\",\"code\":\"rate_limit_exceeded\"}} | RATE_LIMITED",
      "429 | {\"error\":{\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}} | QUOTA",
      "429 | {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\"}} | RATE_LIMITED",
      "429 | [{\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\"}}] | RATE_LIMITED",
      "500 | {\"error\":{\"type\":\"server_error\"}} | UPSTREAM",
      "502 | <html>bad gateway</html> | UPSTREAM",
      "503 | {} | OVERLOADED",
      "504 | {\"type\":\"error\",\"error\":{\"type\":\"timeout_error\"}} | UPSTREAM",
      "529 | {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}} | OVERLOADED",
      "307 | {} | NOT_CONFIGURED"
  })
  void everyRefusalHasItsCode(int status, String body, Code code) {
    assertEquals(code, fault(status, body).code());
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
      "{\"error\":{\"message\":\"x\",\"type\":\"server_error\",\"code\":null}} | UPSTREAM",
      "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}} | OVERLOADED",
      "{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"x\"}} | RATE_LIMITED",
      "{\"error\":{\"code\":502,\"message\":\"the provider behind us\"}} | UPSTREAM",
      "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"maximum context length is 8\"}} | CONTEXT_LENGTH",
      "{\"error\":\"something\"} | UPSTREAM"
  })
  void anErrorInsideAStreamIsTypedByItsWords(String data, Code code) {
    assertEquals(code, error(data).inStream("", KEY).code());
  }

  @Test void theSentenceIsTheProvidersBoundedAndWithoutWhatCouldForgeALogLine() {
    var body = "{\"error\":{\"message\":\"one\\r\\ntwo \\u001b[31m\\u202e" + "x".repeat(1_000) + "\"}}";

    var message = fault(400, body).getMessage();

    assertTrue(message.startsWith("the model server answered 400: one two [31m"), message);
    assertTrue(message.endsWith("… (request req_1)"), message);
    assertTrue(message.length() < 400, message);
    assertTrue(message.chars().noneMatch(unit -> unit < 0x20 || unit == 0x202e), message);
  }

  @Test void theKeyIsNotRepeatedEvenIfTheProviderDoes() {
    var message = fault(401, "{\"error\":{\"message\":\"Incorrect API key provided: " + KEY + "\"}}").getMessage();

    assertFalse(message.contains(KEY), message);
    assertTrue(message.contains("Incorrect API key provided: [key]"), message);
  }

  @Test void theBodysOwnRequestIdCountsWhenThereIsNoHeader() {
    assertTrue(error("{\"error\":{\"type\":\"api_error\"},\"request_id\":\"req_9\"}").inStream("", KEY).getMessage()
        .endsWith("(request req_9)"));
  }
}
