package dev.portcullis.harness.codex;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.harness.RealAgent;
import dev.portcullis.protocol.Image;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What we say and what we expect to hear, against the schema that the installed Codex writes of itself. */
class CodexSchemaTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String THREAD = "thr-1";

  @TempDir static Path directory;

  @BeforeAll
  static void write() throws Exception {
    var builder = new ProcessBuilder(RealAgent.CODEX.command().toString(), "app-server", "generate-json-schema",
        "--experimental", "--out", directory.toString()); // It also says experimental fields, unasked.
    builder.environment().put("HOME", directory.toString());
    var process = builder.redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), "the schema is written");
    assertEquals(0, process.exitValue());
  }

  private static JsonNode schema(String file) throws IOException {
    return JSON.readTree(Files.readString(directory.resolve(file + ".json")));
  }

  /** Of one message in a schema of many. */
  private static JsonNode paramsOf(JsonNode schema, String method) {
    return StreamSupport.stream(schema.get("oneOf").spliterator(), false)
        .map(message -> message.get("properties"))
        .filter(message -> message.path("method").path("enum").path(0).asText().equals(method))
        .map(message -> message.path("params"))
        .findFirst()
        .orElseThrow(() -> new AssertionError("the schema has no " + method));
  }

  /** What is wrong with a value: the part of JSON schema that Codex uses, and no field that it does not know. */
  private static List<String> faults(String at, JsonNode value, JsonNode schema, JsonNode root) {
    if (schema.has("$ref")) {
      var name = schema.get("$ref").asText().replace("#/definitions/", "");
      return faults(at, value, root.path("definitions").path(name), root);
    }
    for (var choice : List.of("oneOf", "anyOf", "allOf")) {
      if (schema.has(choice) && schema.has("properties")) { // What all of the choices share stands beside them.
        var shared = new ArrayList<String>();
        schema.get("properties").fieldNames().forEachRemaining(shared::add);
        var faults = new ArrayList<>(faults(at, ((ObjectNode) value.deepCopy()).retain(shared),
            ((ObjectNode) schema.deepCopy()).without(choice), root));
        faults.addAll(faults(at, ((ObjectNode) value.deepCopy()).without(shared),
            ((ObjectNode) schema.deepCopy()).retain(choice), root));
        return faults;
      }
      if (schema.has(choice)) {
        var all = StreamSupport.stream(schema.get(choice).spliterator(), false)
            .map(option -> faults(at, value, option, root)).toList();
        var fits = all.stream().anyMatch(List::isEmpty);
        return fits ? List.of() : List.of(at + ": none of " + all);
      }
    }
    if (schema.has("enum") && !StreamSupport.stream(schema.get("enum").spliterator(), false)
        .anyMatch(value::equals)) {
      return List.of(at + ": " + value + " is none of " + schema.get("enum"));
    }
    if (schema.has("type") && !typesOf(schema).contains(typeOf(value))) {
      return List.of(at + ": " + value + " is no " + schema.get("type"));
    }
    var faults = new ArrayList<String>();
    if (value.isObject()) {
      schema.path("required").forEach(field -> {
        if (!value.has(field.asText())) {
          faults.add(at + ": misses " + field.asText());
        }
      });
      value.properties().forEach(field -> {
        var known = schema.path("properties").path(field.getKey());
        if (!known.isMissingNode()) {
          faults.addAll(faults(at + "." + field.getKey(), field.getValue(), known, root));
        } else if (schema.has("properties") && !schema.has("additionalProperties")) {
          faults.add(at + ": has no " + field.getKey());
        }
      });
    }
    value.forEach(entry -> {
      if (value.isArray() && schema.has("items")) {
        faults.addAll(faults(at + "[]", entry, schema.get("items"), root));
      }
    });
    return faults;
  }

  private static List<String> typesOf(JsonNode schema) {
    return schema.get("type").isArray()
        ? StreamSupport.stream(schema.get("type").spliterator(), false).map(JsonNode::asText).toList()
        : List.of(schema.get("type").asText());
  }

  private static String typeOf(JsonNode value) {
    return switch (value.getNodeType()) {
      case NUMBER -> "integer";
      case STRING -> "string";
      case BOOLEAN -> "boolean";
      case ARRAY -> "array";
      case NULL -> "null";
      case OBJECT, POJO, BINARY, MISSING -> "object";
    };
  }

  @Test
  void everyRequestThatWeMakeIsOneOfCodex() throws IOException {
    var requests = schema("ClientRequest");
    var names = List.of(Path.of("/w"));
    var ours = Map.<String, ObjectNode>of(
        "initialize", CodexCodec.initialize(),
        "account/read", CodexCodec.readAccount(),
        "thread/start", CodexCodec.startThread(CodexCodecTest.SETTINGS, Path.of("/w"), names),
        "thread/resume", CodexCodec.resumeThread(THREAD, CodexCodecTest.SETTINGS, Path.of("/w"), names),
        "turn/start", CodexCodec.startTurn(
            THREAD, "hello", List.of(new Image("image/png", 3, "AAAA"))),
        "turn/steer", CodexCodec.steerTurn(THREAD, "turn-1", "hello"),
        "turn/interrupt", CodexCodec.interruptTurn(THREAD, "turn-1"));
    ours.forEach((method, params) ->
        assertEquals(List.of(), faults(method, params, paramsOf(requests, method), requests)));
  }

  @Test
  void whatCodexDoesNotKnowIsFound() throws IOException {
    var requests = schema("ClientRequest");
    var schema = paramsOf(requests, "turn/interrupt");
    assertEquals(List.of("x: has no because"),
        faults("x", CodexCodec.interruptTurn(THREAD, "turn-1").put("because", "so"), schema, requests));
    assertEquals(List.of("x: misses turnId"),
        faults("x", JSON.createObjectNode().put("threadId", THREAD), schema, requests));
    assertEquals(List.of("x.turnId: 7 is no \"string\""),
        faults("x", CodexCodec.interruptTurn(THREAD, "turn-1").put("turnId", 7), schema, requests));
  }

  @Test
  void everyAnswerThatWeGiveIsOneThatCodexTakes() throws IOException {
    var asked = CodexTurnTest.golden("tools").stream().filter(line -> line.has("id")).toList();
    var command = CodexCodec.decodeQuestion(CodexCodec.COMMAND, asked.getFirst().get("params"), Map.of());
    var files = CodexCodec.decodeQuestion(CodexCodec.FILE_CHANGE, asked.getLast().get("params"),
        Map.of("c4", "[1]"));
    var permissions = CodexCodec.decodeQuestion(CodexCodec.PERMISSIONS, JSON.readTree(
        "{\"itemId\":\"p\",\"permissions\":{\"network\":{\"enabled\":true}}}"), Map.of());
    var tool = CodexCodec.decodeQuestion(CodexCodec.ELICITATION, JSON.readTree(
        "{\"serverName\":\"s\",\"_meta\":{\"tool_name\":\"t\"}}"),
        Map.of("c", "{\"server\":\"s\",\"tool\":\"t\"}"));
    answers("CommandExecutionRequestApprovalResponse", CodexCodec.COMMAND, command);
    answers("FileChangeRequestApprovalResponse", CodexCodec.FILE_CHANGE, files);
    answers("PermissionsRequestApprovalResponse", CodexCodec.PERMISSIONS, permissions);
    answers("McpServerElicitationRequestResponse", CodexCodec.ELICITATION, tool);
  }

  private static void answers(String file, String method, CodexQuestion question) throws IOException {
    var schema = schema(file);
    Stream.of(question.allow(), CodexCodec.declined(method), CodexCodec.cancelled(method))
        .forEach(answer -> assertEquals(List.of(), faults(method, answer, schema, schema)));
  }

  @Test
  void theLinesThatTestsPlayAreLinesThatCodexMaySay() throws IOException {
    var notifications = schema("ServerNotification");
    var questions = schema("ServerRequest");
    for (var name : List.of("tools", "told-again")) {
      for (var line : CodexTurnTest.golden(name)) {
        var method = line.get("method").asText();
        var root = line.has("id") ? questions : notifications;
        assertEquals(List.of(), faults(method, line.get("params"), paramsOf(root, method), root));
      }
    }
  }

  @Test
  void everyErrorThatWeTellApartIsOneOfCodex() throws IOException {
    var known = schema("v2/ErrorNotification").path("definitions").path("CodexErrorInfo").toString();
    for (var name : List.of("contextWindowExceeded", "usageLimitExceeded", "sessionBudgetExceeded",
        "rateLimitExceeded", "serverOverloaded", "flexUnavailable", "policyCapacityUnavailable",
        "internalServerError", "modelNotFound", "unauthorized", "badRequest", "cyberPolicy",
        "misalignmentPolicyViolation", "inferenceHookDenied", "responseStreamDisconnected", "httpStatusCode")) {
      assertTrue(known.contains("\"" + name + "\""), name);
    }
  }
}
