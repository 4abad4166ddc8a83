package dev.portcullis.ingress;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import java.net.http.HttpResponse;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * The OpenAPI document that a gateway serves, held against what it answers. Stricter than the document is to
 * its readers: here a field that nobody has described is a fault.
 */
public final class Contract {
  private static final JsonSchemaFactory SCHEMAS = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012);

  private static final Set<String> PLAIN = Set.of("cache-control", "connection", "content-length", "content-type",
      "date", "server", "transfer-encoding", "x-accel-buffering", "x-content-type-options");

  private final JsonNode document;
  private final ObjectNode closed;
  /** What was answered so far: {@code GET /path 200}. */
  private final Set<String> seen = ConcurrentHashMap.newKeySet();

  public Contract(JsonNode document) {
    this.document = document;
    var components = document.path("components").deepCopy();
    close(components.path("schemas"));
    this.closed = Json.object();
    closed.set("components", components);
  }

  private static void close(JsonNode node) {
    if (node instanceof ObjectNode object && object.has("properties") && !object.has("additionalProperties")
        && object.path("type").asText().equals("object")) {
      object.put("additionalProperties", false);
    }
    node.forEach(Contract::close);
  }

  public Set<String> seen() {
    return Set.copyOf(seen);
  }

  /** Fails unless the document says that this may be answered. What the router refuses has no path here. */
  public void check(String method, HttpResponse<String> response) {
    operation(method, response.uri().getRawPath()).ifPresent(operation -> {
      var name = operation + " " + response.statusCode();
      var answer = operation(operation).path("responses").path(Integer.toString(response.statusCode()));
      assertTrue(!answer.isMissingNode(), () -> name + " is answered and not described; add the status to errors"
          + " (or answers) of \"" + operation + "\" in openapi/operations.json: " + response.body());
      var type = response.headers().firstValue("content-type").orElse("").split(";")[0];
      var schema = answer.path("content").path(type).path("schema");
      assertTrue(!schema.isMissingNode(), () -> name + " is answered as " + type + ", which is not described");
      var stray = strayHeaders(answer, response);
      assertTrue(stray.isEmpty(), () -> name + " has headers that are not described; add them to returns of \""
          + operation + "\" in openapi/operations.json: " + stray);
      seen.add(name);
      for (var json : bodies(type, response.body())) {
        var faults = validate(schema, json);
        assertTrue(faults.isEmpty(), () -> name + " is not what openapi/schemas.json says: " + faults + "\n" + json);
      }
    });
  }

  /** Fails when what was taken is not what the document says may be sent. */
  public void checkTaken(String method, HttpResponse<String> response, String body) {
    if (response.statusCode() < 300) {
      operation(method, response.uri().getRawPath()).ifPresent(name -> {
        var schema = operation(name).at("/requestBody/content/application~1json/schema");
        var faults = schema.isMissingNode() ? List.of() : validate(schema, body);
        assertTrue(faults.isEmpty(),
            () -> name + " takes what openapi/schemas.json does not have: " + faults + "\n" + body);
      });
    }
  }

  /** Headers beside those that HTTP itself has for every answer. */
  private static List<String> strayHeaders(JsonNode answer, HttpResponse<String> response) {
    var described = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
    answer.path("headers").fieldNames().forEachRemaining(described::add);
    return response.headers().map().keySet().stream()
        .filter(name -> !PLAIN.contains(name.toLowerCase(Locale.ROOT)) && !described.contains(name))
        .toList();
  }

  private static List<String> bodies(String type, String body) {
    return switch (type) {
      case "text/event-stream" -> body.lines().filter(line -> line.startsWith("data: {"))
          .map(line -> line.substring(6)).toList();
      case "application/x-ndjson" -> body.lines().toList();
      default -> List.of(body);
    };
  }

  /** What is wrong with {@code json}; empty when nothing is. */
  public List<String> validate(JsonNode schema, String json) {
    var whole = closed.deepCopy();
    whole.setAll((ObjectNode) schema);
    return SCHEMAS.getSchema(whole).validate(IngressRig.json(json)).stream().map(Object::toString).toList();
  }

  private JsonNode operation(String name) {
    var words = name.split(" ");
    return document.path("paths").path(words[1]).path(words[0].toLowerCase(Locale.ROOT));
  }

  /** Of two paths that match, the one with fewer variables is meant. */
  private Optional<String> operation(String method, String path) {
    return paths()
        .filter(template -> matches(template.split("/", -1), path.split("/", -1)))
        .min(java.util.Comparator.comparing(template -> template.chars().filter(c -> c == '{').count()))
        .map(template -> method + " " + template)
        .filter(name -> !operation(name).isMissingNode());
  }

  private static boolean matches(String[] template, String[] path) {
    return template.length == path.length
        && Stream.iterate(0, i -> i < path.length, i -> i + 1)
            .allMatch(i -> template[i].startsWith("{") ? !path[i].isEmpty() : template[i].equals(path[i]));
  }

  private Stream<String> paths() {
    return document.path("paths").properties().stream().map(java.util.Map.Entry::getKey);
  }

  /** Every operation, as {@code GET /path}. */
  public List<String> operations() {
    return paths()
        .flatMap(path -> Arrays.stream(new String[] {"get", "post", "delete", "put", "patch"})
            .filter(method -> document.path("paths").path(path).has(method))
            .map(method -> method.toUpperCase(Locale.ROOT) + " " + path))
        .sorted()
        .toList();
  }
}
