package dev.portcullis.ingress;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeType;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;

/**
 * Typed reading of a JSON object's fields. Null counts as absent; what is of the wrong type is refused by
 * name.
 */
public record Fields(ObjectNode object) {
  /** The text of a field that must be there. */
  public String text(String name) {
    return optionalText(name).orElseThrow(() -> fault(name, "is missing; expected a string"));
  }

  public Optional<String> optionalText(String name) {
    return value(name, JsonNodeType.STRING, "a string").map(JsonNode::textValue)
        .map(text -> wellFormed(name, text));
  }

  /** False when it is absent. */
  public boolean flag(String name) {
    return value(name, JsonNodeType.BOOLEAN, "true or false").map(JsonNode::booleanValue).orElse(false);
  }

  public Optional<JsonNode> number(String name) {
    return value(name, JsonNodeType.NUMBER, "a number");
  }

  public Optional<JsonNode> array(String name) {
    return value(name, JsonNodeType.ARRAY, "an array");
  }

  public Optional<Fields> nested(String name) {
    return value(name, JsonNodeType.OBJECT, "an object").map(ObjectNode.class::cast).map(Fields::new);
  }

  private Optional<JsonNode> value(String name, JsonNodeType type, String expected) {
    var node = object.path(name);
    if (node.isMissingNode() || node.isNull()) {
      return Optional.empty();
    }
    if (node.getNodeType() != type) {
      throw fault(name, "must be " + expected);
    }
    return Optional.of(node);
  }

  /** What scripts of browsers stumble over when it is the key of something (SEC-52). */
  private static final Set<String> HARMFUL = Set.of("__proto__", "constructor", "prototype");

  /** A name or a key, or a part of one between colons. */
  public static String harmless(String name, String text) {
    if (Arrays.stream(text.split(":")).anyMatch(HARMFUL::contains)) {
      throw fault(name, "must not be __proto__, constructor or prototype");
    }
    return text;
  }

  /** Half a character cannot be stored or sent on. */
  public static String wellFormed(String name, String text) {
    for (int at = 0; at < text.length(); at += Character.charCount(text.codePointAt(at))) {
      int point = text.codePointAt(at);
      if (point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE) {
        throw fault(name, "holds half of a surrogate pair");
      }
    }
    return text;
  }

  public static InputFault fault(String name, String what) {
    return InputFault.of(Problems.badRequest(name, "\"" + name + "\" " + what + "."));
  }
}
