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

/**
 * The {@code input} of a response to our own messages; calls that follow each other, or what was said before
 * them, become one message. Source: OpenAI API specification 2.3.0.
 */
final class ResponseItems {
  private static final Set<String> ROLES = Set.of("developer", "system", "user", "assistant");
  private static final Set<String> TEXTS = Set.of("input_text", "output_text", "text");

  private final Images images;
  private final List<Message> messages = new ArrayList<>();

  private ResponseItems(Images images) {
    this.images = images;
  }

  /** At least one. */
  static List<Message> read(JsonNode input, Images images) {
    if (input.isTextual()) {
      return List.of(new Message("user", Fields.wellFormed("input", input.textValue())));
    }
    if (!input.isArray() || input.isEmpty()) {
      throw Fields.fault("input", "must be a string or an array of at least one item");
    }
    var items = new ResponseItems(images);
    for (int i = 0; i < input.size(); i++) {
      items.item("input[" + i + "]", input.get(i));
    }
    return items.messages;
  }

  private void item(String name, JsonNode node) {
    if (!(node instanceof ObjectNode object)) {
      throw Fields.fault(name, "must be an object");
    }
    switch (object.path("type").asText("message")) {
      case "message" -> messages.add(message(name, object));
      case "function_call" -> called(Tools.call(name, object.path("call_id"), object));
      case "function_call_output" -> messages.add(new Message("tool",
          content(name + ".output", object.path("output"), false).text(), List.of(), List.of(),
          new Fields(object).text("call_id")));
      case String type -> throw Fields.fault(name + ".type",
          "must be message, function_call or function_call_output; \"" + type + "\" is not supported");
    }
  }

  private void called(FunctionCall call) {
    var calls = new ArrayList<FunctionCall>();
    var text = "";
    if (!messages.isEmpty() && messages.getLast().role().equals("assistant")) {
      var before = messages.removeLast();
      text = before.text();
      calls.addAll(before.calls());
    }
    calls.add(call);
    messages.add(Message.assistant(text, calls));
  }

  private Message message(String name, ObjectNode item) {
    var role = item.path("role").asText();
    if (!ROLES.contains(role)) {
      throw Fields.fault(name + ".role", "must be developer, system, user or assistant");
    }
    var content = content(name + ".content", item.path("content"), role.equals("user"));
    return switch (role) {
      case "user" -> content;
      case "developer" -> new Message("system", content.text());
      default -> new Message(role, content.text());
    };
  }

  private Message content(String name, JsonNode content, boolean mayShow) {
    if (content.isTextual()) {
      return new Message("user", Fields.wellFormed(name, content.textValue()));
    }
    if (!content.isArray()) {
      throw Fields.fault(name, "must be a string or an array of parts");
    }
    var text = new StringBuilder();
    var shown = new ArrayList<Image>();
    for (int i = 0; i < content.size(); i++) {
      var part = content.get(i);
      var field = name + "[" + i + "]";
      if (part.path("type").asText().equals("input_image") && mayShow) {
        shown.add(image(field + ".image_url", part.path("image_url")));
      } else {
        text.append(text(field, part, mayShow));
      }
    }
    return Message.user(text.toString(), shown);
  }

  private Image image(String name, JsonNode url) {
    if (!url.isTextual()) {
      throw Fields.fault(name, "must be a string; files are not kept here");
    }
    return images.read(name, url.textValue());
  }

  private static String text(String name, JsonNode part, boolean mayShow) {
    if (!TEXTS.contains(part.path("type").asText())) {
      throw Fields.fault(name, "must be a part of type \"input_text\", \"output_text\""
          + (mayShow ? " or \"input_image\"" : "") + "; other kinds are not supported");
    }
    if (!part.path("text").isTextual()) {
      throw Fields.fault(name + ".text", "must be a string");
    }
    return Fields.wellFormed(name + ".text", part.path("text").textValue());
  }
}
