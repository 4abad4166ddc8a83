package dev.portcullis.ingress.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.Images;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.Image;
import dev.portcullis.protocol.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The {@code messages} of one chat completion to our own. Source: OpenAI API specification 2.3.0. */
final class ChatMessages {
  private static final Set<String> ROLES = Set.of("developer", "system", "user", "assistant", "tool");

  private record Content(String text, List<Image> images) {}

  private final Images images;

  ChatMessages(Images images) {
    this.images = images;
  }

  /** One for each of {@code messages}, which must be there. */
  List<Message> read(Fields body) {
    var array = body.array("messages")
        .orElseThrow(() -> Fields.fault("messages", "is missing; expected an array"));
    if (array.isEmpty()) {
      throw Fields.fault("messages", "must not be empty");
    }
    var messages = new ArrayList<Message>();
    for (int i = 0; i < array.size(); i++) {
      messages.add(message("messages[" + i + "]", array.get(i)));
    }
    return messages;
  }

  private Message message(String name, JsonNode node) {
    if (!(node instanceof ObjectNode object)) {
      throw Fields.fault(name, "must be an object");
    }
    var role = object.path("role").asText();
    if (!ROLES.contains(role)) {
      throw Fields.fault(name + ".role", "must be developer, system, user, assistant or tool");
    }
    var content = content(name + ".content", role, object.path("content"));
    return switch (role) {
      case "developer" -> new Message("system", content.text());
      case "assistant" -> Message.assistant(content.text(), calls(name, new Fields(object)));
      case "tool" -> new Message("tool", content.text(), List.of(), List.of(),
          new Fields(object).optionalText("tool_call_id").orElse(""));
      default -> new Message(role, content.text(), content.images(), List.of(), "");
    };
  }

  private static List<FunctionCall> calls(String name, Fields message) {
    var calls = new ArrayList<FunctionCall>();
    message.array("tool_calls").ifPresent(array -> array.forEach(node -> {
      var field = name + ".tool_calls[" + calls.size() + "]";
      calls.add(Tools.call(field, node.path("id"), node.path("function")));
    }));
    return calls;
  }

  private Content content(String name, String role, JsonNode content) {
    if (content.isTextual()) {
      return new Content(Fields.wellFormed(name, content.textValue()), List.of());
    }
    if (role.equals("assistant") && (content.isNull() || content.isMissingNode())) {
      return new Content("", List.of()); // It called tools and said nothing.
    }
    if (!content.isArray()) {
      throw Fields.fault(name, "must be a string or an array of parts");
    }
    var text = new StringBuilder();
    var shown = new ArrayList<Image>();
    for (int i = 0; i < content.size(); i++) {
      var field = name + "[" + i + "]";
      var part = content.get(i);
      if (part.path("type").asText().equals("image_url") && role.equals("user")) {
        shown.add(image(field + ".image_url.url", part.path("image_url").path("url")));
      } else {
        text.append(text(field, role, part));
      }
    }
    return new Content(text.toString(), shown);
  }

  private Image image(String name, JsonNode url) {
    if (!url.isTextual()) {
      throw Fields.fault(name, "must be a string");
    }
    return images.read(name, url.textValue());
  }

  private static String text(String name, String role, JsonNode part) {
    if (!part.path("type").asText().equals("text")) {
      throw Fields.fault(name, "must be a part of type \"text\""
          + (role.equals("user") ? " or \"image_url\"" : "") + "; other kinds are not supported");
    }
    if (!part.path("text").isTextual()) {
      throw Fields.fault(name + ".text", "must be a string");
    }
    return Fields.wellFormed(name + ".text", part.path("text").textValue());
  }
}
