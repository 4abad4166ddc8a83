package dev.portcullis.harness.agent;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.harness.HarnessFault;

/** What the codecs of agents need of JSON: fields that must be there, and text that can be digested. */
public final class AgentJson {
  private static final ObjectMapper SORTED =
      new ObjectMapper().configure(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS, true);

  private AgentJson() {}

  /** The same value always gives the same text: members in the order of their names. */
  public static String canonical(JsonNode value) {
    try {
      return SORTED.writeValueAsString(SORTED.treeToValue(value, Object.class));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a JSON value can always be written", e);
    }
  }

  /** @throws HarnessFault {@code MALFORMED} naming the field, when it is missing or no text */
  public static String required(JsonNode node, String field) {
    if (!node.path(field).isTextual()) {
      throw HarnessFault.malformed(field, "text");
    }
    return node.path(field).textValue();
  }

  public static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }
}
