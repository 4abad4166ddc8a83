package dev.portcullis.harness.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.http.ModelEvent.Count;
import java.util.Map;
import java.util.Optional;

/** JSON as model servers send it: unknown fields are left alone. */
public final class ModelJson {
  private static final JsonMapper MAPPER = new JsonMapper();

  private ModelJson() {}

  public static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  /** @throws HarnessFault {@code MALFORMED} when {@code data} is not an object */
  public static JsonNode event(String data) {
    return read(data).filter(JsonNode::isObject)
        .orElseThrow(() -> HarnessFault.malformed("data", "a JSON object"));
  }

  /** Empty when {@code text} is no JSON. */
  public static Optional<JsonNode> read(String text) {
    try {
      return Optional.ofNullable(MAPPER.readTree(text));
    } catch (JsonProcessingException malformed) {
      return Optional.empty();
    }
  }

  /** Notes a count that is there. */
  public static void count(Map<Count, Long> counts, Count kind, JsonNode number) {
    if (number.isNumber()) {
      counts.put(kind, Math.max(0, number.asLong()));
    }
  }
}
