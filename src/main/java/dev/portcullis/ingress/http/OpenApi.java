package dev.portcullis.ingress.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The OpenAPI 3.1 document of this port. What every route has in common comes from the table of endpoints;
 * what every answer has (headers, and what a status means) stands in {@code openapi/common.json}; the rest in
 * {@code openapi/operations.json} and {@code openapi/schemas.json}, in short:
 *
 * <ul>
 *   <li>an operation, {@code "GET /path/{variable}"}: summary, query and headers by name, body and answers
 *       as the names of schemas ({@code answers}: JSON, {@code streams}: server-sent events, {@code lines}:
 *       a JSON object a line), errors as further statuses beside those that any route may give, codes: what
 *       they mean here by status, returns: headers that answers may have;
 *   <li>a schema: where {@code properties} stand it is an object, and all of them are required unless it
 *       says which; {@code "$ref": "Name"} is another one, {@code extends} puts its properties before.
 * </ul>
 */
final class OpenApi {
  private static final List<Integer> ANY_ROUTE = List.of(400, 401, 403, 421, 429, 500, 503);
  private static final String SCHEMAS = "#/components/schemas/";
  private static final String HEADERS = "#/components/headers/";
  private static final List<String> ANY_ANSWER = List.of(
      "x-request-id", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
      "x-ratelimit-reset-requests");

  private final ObjectNode common = resource("common");
  private final ObjectNode operations = resource("operations");
  private final ObjectNode schemas = resource("schemas");

  /** The names of the operations that are written, {@code "GET /path"}. */
  List<String> written() {
    var names = new ArrayList<String>();
    operations.fieldNames().forEachRemaining(names::add);
    return names;
  }

  static String name(Endpoint endpoint) {
    return endpoint.method() + " " + endpoint.path();
  }

  /** A route that nobody has written about is in it all the same, with what the table knows. */
  ObjectNode document(List<Endpoint> endpoints, String version) {
    var document = Json.object().put("openapi", "3.1.0");
    document.putObject("info")
        .put("title", "Portcullis")
        .put("version", version)
        .put("description", "A crash-safe gateway in front of AI agents. Absent values are null, never left "
            + "out; fields may be added. A schema of text/event-stream describes the data of each event.");
    document.putArray("security").addObject().putArray("bearer");
    var paths = document.putObject("paths");
    for (var endpoint : endpoints) {
      paths.withObjectProperty(endpoint.path())
          .set(endpoint.method().toLowerCase(Locale.ROOT), operation(endpoint));
    }
    var components = document.putObject("components");
    components.putObject("securitySchemes").putObject("bearer").put("type", "http").put("scheme", "bearer");
    var headers = components.putObject("headers");
    common.path("headers").properties().forEach(each -> headers.putObject(each.getKey())
        .put("description", each.getValue().asText()).set("schema", string()));
    var all = components.putObject("schemas");
    schemas.properties().forEach(each -> all.set(each.getKey(), schema(each.getValue())));
    return document;
  }

  private ObjectNode operation(Endpoint endpoint) {
    var written = operations.path(name(endpoint));
    var json = Json.object().put("summary", written.path("summary").asText());
    json.put("description", "Scope: " + endpoint.operation().scope().word());
    var parameters = json.putArray("parameters");
    endpoint.template().stream().filter(Endpoint::variable).forEach(segment -> parameters.addObject()
        .put("name", segment.substring(1, segment.length() - 1)).put("in", "path").put("required", true)
        .set("schema", string()));
    written.path("query").properties().forEach(each -> {
      var parameter = parameters.addObject().put("name", each.getKey()).put("in", "query")
          .put("description", each.getValue().path("description").asText());
      parameter.set("schema", each.getValue().has("schema") ? each.getValue().path("schema") : string());
    });
    written.path("headers").properties().forEach(each -> parameters.addObject()
        .put("name", each.getKey()).put("in", "header").put("description", each.getValue().asText())
        .set("schema", string()));
    if (written.has("body")) {
      json.putObject("requestBody").put("required", true).putObject("content")
          .putObject("application/json").set("schema", reference(written.path("body").asText()));
    }
    answers(json.putObject("responses"), written);
    return json;
  }

  private void answers(ObjectNode responses, JsonNode written) {
    content(responses, written.path("answers"), "application/json");
    content(responses, written.path("streams"), "text/event-stream");
    content(responses, written.path("lines"), "application/x-ndjson");
    var statuses = new TreeSet<>(ANY_ROUTE);
    written.path("errors").forEach(status -> statuses.add(status.asInt()));
    statuses.forEach(status -> problem(responses, status.toString(), written));
    responses.forEach(response -> {
      ANY_ANSWER.forEach(name -> header(response, name));
      written.path("returns").forEach(name -> header(response, name.asText()));
    });
  }

  private void problem(ObjectNode responses, String status, JsonNode written) {
    content(responses, Json.object().put(status, "Problem"), "application/json");
    var response = responses.withObjectProperty(status).put("description", Stream.of(common.path("statuses"),
            written.path("codes"))
        .map(words -> words.path(status).asText())
        .filter(words -> !words.isEmpty())
        .collect(Collectors.joining(" ")));
    switch (status) {
      case "401" -> header(response, "WWW-Authenticate");
      case "409", "429", "503" -> header(response, "Retry-After");
      default -> { } // Asking again is no use, or the asker's to judge.
    }
    header(response, "x-should-retry");
  }

  private static void header(JsonNode response, String name) {
    ((ObjectNode) response).withObjectProperty("headers").putObject(name).put("$ref", HEADERS + name);
  }

  private static void content(ObjectNode responses, JsonNode byStatus, String type) {
    byStatus.properties().forEach(each -> responses.withObjectProperty(each.getKey())
        .put("description", each.getValue().asText())
        .withObjectProperty("content")
        .putObject(type)
        .set("schema", reference(each.getValue().asText())));
  }

  private JsonNode schema(JsonNode written) {
    if (written.isArray()) {
      var array = Json.object().arrayNode();
      written.forEach(each -> array.add(schema(each)));
      return array;
    }
    if (!(written instanceof ObjectNode object)) {
      return written;
    }
    var whole = Json.object();
    object.properties().forEach(each -> {
      switch (each.getKey()) {
        case "$ref" -> whole.setAll(reference(each.getValue().asText()));
        case "extends", "properties" -> { }
        case String name -> whole.set(name, schema(each.getValue()));
      }
    });
    if (object.has("properties")) {
      var properties = Json.object();
      schemas.path(object.path("extends").asText()).path("properties").properties()
          .forEach(each -> properties.set(each.getKey(), schema(each.getValue())));
      object.path("properties").properties()
          .forEach(each -> properties.set(each.getKey(), schema(each.getValue())));
      whole.put("type", "object").set("properties", properties);
      if (!object.has("required")) {
        properties.fieldNames().forEachRemaining(whole.withArrayProperty("required")::add);
      }
    }
    return whole;
  }

  private static ObjectNode reference(String name) {
    return Json.object().put("$ref", SCHEMAS + name);
  }

  private static ObjectNode string() {
    return Json.object().put("type", "string");
  }

  private static ObjectNode resource(String name) {
    try (var stream = OpenApi.class.getResourceAsStream("/openapi/" + name + ".json")) {
      return Json.read(Objects.requireNonNull(stream, name).readAllBytes());
    } catch (IOException broken) {
      throw new UncheckedIOException(broken); // It lies in the jar.
    }
  }
}
