package dev.portcullis.ingress.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Messages;
import dev.portcullis.protocol.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A request for a response, from OpenAI's words to ours. What a caller cannot change here (temperature,
 * reasoning, …) is ignored; what would be missed is refused by name. Source: OpenAI API specification
 * 2.3.0, {@code /responses}.
 */
final class ResponseReader {
  private static final Set<String> ROLES = Set.of("developer", "system", "user", "assistant");
  private static final Set<String> TEXTS = Set.of("input_text", "output_text", "text");
  private static final int METADATA = 16;
  private static final int METADATA_KEY = 64;
  private static final int METADATA_VALUE = 512;
  private static final int CONVERSATION = 256;

  private final Fields body;
  private final int messageChars;

  private ResponseReader(Fields body, int messageChars) {
    this.body = body;
    this.messageChars = messageChars;
  }

  /** @throws dev.portcullis.ingress.InputFault naming what is missing, malformed or not supported */
  static ResponseRequest read(Fields body, int messageChars) {
    return new ResponseReader(body, messageChars).read();
  }

  private ResponseRequest read() {
    var model = body.text("model");
    refuseUnsupported();
    var previous = body.optionalText("previous_response_id").orElse("");
    var conversation = conversation();
    if (!previous.isEmpty() && !conversation.isEmpty()) {
      throw Fields.fault("conversation", "cannot be given together with previous_response_id");
    }
    var request = new ResponseRequest(
        model, previous, conversation, instructions(), items(), body.flag("stream"), body.flag("background"),
        note());
    Messages.checked("input", request.message(), messageChars);
    return request;
  }

  private void refuseUnsupported() {
    for (var tokens : List.of("max_output_tokens", "max_tool_calls")) {
      if (body.number(tokens)
          .filter(n -> !n.isIntegralNumber() || n.bigIntegerValue().signum() <= 0).isPresent()) {
        throw Fields.fault(tokens, "must be a whole number above 0");
      }
    }
    for (var number : List.of("temperature", "top_p")) {
      body.number(number);
    }
    if (body.number("top_logprobs").filter(n -> n.asDouble() != 0).isPresent()) {
      throw Fields.fault("top_logprobs", "is not supported");
    }
    if (body.nested("prompt").isPresent()) {
      throw Fields.fault("prompt", "is not supported: send what it stands for");
    }
    body.array("tools").filter(tools -> !tools.isEmpty()).ifPresent(tools -> {
      throw Fields.fault("tools[0]", "is not supported: agents use their own tools");
    });
    var choice = body.object().path("tool_choice");
    if (choice.isObject() || choice.asText().equals("required")) {
      throw Fields.fault("tool_choice", "cannot force a tool: agents use their own");
    }
    body.nested("text").flatMap(text -> text.nested("format")).ifPresent(format -> {
      if (!format.text("type").equals("text")) {
        throw Fields.fault("text.format", "must be of type \"text\"");
      }
    });
    if (body.flag("background") && !store()) {
      throw Fields.fault("store", "must be true for a response in the background: nobody could find it");
    }
  }

  private boolean store() {
    return !body.object().has("store") || body.object().path("store").isNull() || body.flag("store");
  }

  private String conversation() {
    var node = body.object().path("conversation");
    var id = node.isObject()
        ? new Fields((ObjectNode) node).text("id")
        : body.optionalText("conversation").orElse("");
    if (id.length() > CONVERSATION) {
      throw Fields.fault("conversation", "is longer than " + CONVERSATION + " characters");
    }
    return id;
  }

  private String instructions() {
    var text = body.optionalText("instructions").orElse("");
    return text.isBlank() ? "" : Messages.checked("instructions", text, messageChars);
  }

  private ObjectNode note() {
    var note = Json.object().put("store", store()).put("background", body.flag("background"));
    note.set("metadata", metadata());
    if (!instructions().isEmpty()) {
      note.put("instructions", instructions());
    }
    body.optionalText("previous_response_id").ifPresent(id -> note.put("previous_response_id", id));
    if (!conversation().isEmpty()) {
      note.put("conversation", conversation());
    }
    body.number("max_output_tokens").ifPresent(tokens -> note.set("max_output_tokens", tokens));
    return note;
  }

  private ObjectNode metadata() {
    var metadata = body.nested("metadata").map(Fields::object).orElseGet(Json::object);
    boolean fits = metadata.size() <= METADATA;
    for (var entry : metadata.properties()) {
      fits &= entry.getKey().length() <= METADATA_KEY && entry.getValue().isTextual()
          && entry.getValue().textValue().length() <= METADATA_VALUE;
      Fields.wellFormed("metadata", entry.getKey() + entry.getValue().asText());
    }
    if (!fits) {
      throw Fields.fault("metadata", "must be at most " + METADATA + " strings of at most " + METADATA_VALUE
          + " characters, under names of at most " + METADATA_KEY);
    }
    return metadata;
  }

  // ---- input

  private List<Message> items() {
    var input = body.object().path("input");
    if (input.isTextual()) {
      return List.of(new Message("user",
          Messages.checked("input", Fields.wellFormed("input", input.textValue()), messageChars)));
    }
    if (!input.isArray() || input.isEmpty()) {
      throw Fields.fault("input", "must be a string or an array of at least one item");
    }
    var items = new ArrayList<Message>();
    for (int i = 0; i < input.size(); i++) {
      item("input[" + i + "]", input.get(i)).ifPresent(items::add);
    }
    if (items.isEmpty() || !items.getLast().role().equals("user")) {
      throw Fields.fault("input[" + (input.size() - 1) + "]", "must be a user's message: it is the turn");
    }
    Messages.checked("input[" + (input.size() - 1) + "]", items.getLast().text(), messageChars);
    return items;
  }

  /** Nothing for a message without words. */
  private static Optional<Message> item(String name, JsonNode node) {
    if (!(node instanceof ObjectNode object)) {
      throw Fields.fault(name, "must be an object");
    }
    var type = object.path("type").asText("message");
    if (!type.equals("message")) {
      throw Fields.fault(name + ".type", "must be message; \"" + type + "\" is not supported");
    }
    var role = object.path("role").asText();
    if (!ROLES.contains(role)) {
      throw Fields.fault(name + ".role", "must be developer, system, user or assistant");
    }
    var text = content(name + ".content", object.path("content"));
    return text.isEmpty() ? Optional.empty()
        : Optional.of(new Message(role.equals("developer") ? "system" : role, text));
  }

  private static String content(String name, JsonNode content) {
    if (content.isTextual()) {
      return Fields.wellFormed(name, content.textValue());
    }
    if (!content.isArray()) {
      throw Fields.fault(name, "must be a string or an array of parts");
    }
    var text = new StringBuilder();
    for (int i = 0; i < content.size(); i++) {
      text.append(part(name + "[" + i + "]", content.get(i)));
    }
    return text.toString();
  }

  private static String part(String name, JsonNode part) {
    if (!TEXTS.contains(part.path("type").asText())) {
      throw Fields.fault(name, "must be a part of type \"input_text\" or \"output_text\"; "
          + "other kinds are not supported");
    }
    if (!part.path("text").isTextual()) {
      throw Fields.fault(name + ".text", "must be a string");
    }
    return Fields.wellFormed(name + ".text", part.path("text").textValue());
  }
}
