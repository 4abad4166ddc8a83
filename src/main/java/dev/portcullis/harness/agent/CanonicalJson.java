package dev.portcullis.harness.agent;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;

/** What a tool is given, as text that can be shown, digested and compared. */
public final class CanonicalJson {
  private static final ObjectMapper SORTED =
      new ObjectMapper().configure(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS, true);

  private CanonicalJson() {}

  /** The same value always gives the same text: members in the order of their names. */
  public static String of(JsonNode value) {
    try {
      return SORTED.writeValueAsString(SORTED.treeToValue(value, Object.class));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a JSON value can always be written", e);
    }
  }
}
