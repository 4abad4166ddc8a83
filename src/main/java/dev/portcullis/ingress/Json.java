package dev.portcullis.ingress;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;

/** JSON in and out, with limits on the way in. */
public final class Json {
  private static final int DEPTH = 64;
  private static final int DIGITS = 64;

  private static final ObjectMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .streamReadConstraints(StreamReadConstraints.builder()
              .maxNestingDepth(DEPTH)
              .maxNumberLength(DIGITS)
              .maxStringLength(Integer.MAX_VALUE) // The body's length is the limit.
              .build())
          .build())
      .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
      .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
      .build();

  private Json() {}

  public static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  /** @throws InputFault when {@code bytes} are not one JSON object */
  public static ObjectNode read(byte[] bytes) {
    try {
      if (MAPPER.readTree(bytes) instanceof ObjectNode object) {
        if (!object.findValues("__proto__").isEmpty()) { // It has no honest use.
          throw InputFault.of(Problems.badRequest("__proto__", "No field may be called __proto__."));
        }
        return object;
      }
      throw InputFault.of(Problems.badRequest("", "The body must be a JSON object."));
    } catch (JsonProcessingException malformed) {
      var at = malformed.getLocation();
      throw malformed(at == null ? 1 : at.getLineNr());
    } catch (IOException noText) { // The bytes are in memory: it is what they are, such as broken UTF-32.
      throw malformed(1);
    }
  }

  private static InputFault malformed(int line) {
    return InputFault.of(Problems.badRequest("", "The body is not valid JSON (at most " + DEPTH
        + " levels, no key twice), line " + line + "."));
  }

  /** Text first: a lone surrogate becomes a question mark, and the bytes are always valid UTF-8. */
  public static byte[] bytes(JsonNode node) {
    return text(node).getBytes(StandardCharsets.UTF_8);
  }

  public static String text(JsonNode node) {
    try {
      return MAPPER.writeValueAsString(node);
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible); // A tree can always be written.
    }
  }

  /** The same for every spelling of the same value: keys sorted, no white space. */
  public static String canonical(JsonNode node) {
    try {
      return MAPPER.writeValueAsString(MAPPER.treeToValue(node, Object.class));
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /** Null when {@code text} is empty. */
  public static void putText(ObjectNode target, String field, String text) {
    if (text.isEmpty()) {
      target.putNull(field);
    } else {
      target.put(field, text);
    }
  }

  /** A value of zero or one: null when there is none. */
  public static void putInstant(ObjectNode target, String field, List<Instant> instant) {
    if (instant.isEmpty()) {
      target.putNull(field);
    } else {
      target.put(field, instant.getFirst().toString());
    }
  }
}
