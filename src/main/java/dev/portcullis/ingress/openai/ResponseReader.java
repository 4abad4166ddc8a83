package dev.portcullis.ingress.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.Images;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Messages;
import java.util.List;

/**
 * A request for a response, from OpenAI's words to ours. What a caller cannot change here (temperature,
 * reasoning, …) is ignored; what would be missed is refused by name. Source: OpenAI API specification
 * 2.3.0, {@code /responses}.
 */
final class ResponseReader {
  private static final int METADATA = 16;
  private static final int METADATA_KEY = 64;
  private static final int METADATA_VALUE = 512;
  private static final int CONVERSATION = 256;

  private final Fields body;
  private final GatewayConfig config;
  private final int messageChars;

  private ResponseReader(Fields body, GatewayConfig config) {
    this.body = body;
    this.config = config;
    this.messageChars = config.session().messageChars();
  }

  /** @throws dev.portcullis.ingress.InputFault naming what is missing, malformed or not supported */
  static ResponseRequest read(Fields body, GatewayConfig config) {
    return new ResponseReader(body, config).read();
  }

  private ResponseRequest read() {
    var model = body.text("model");
    refuseUnsupported();
    var previous = body.optionalText("previous_response_id").orElse("");
    var conversation = conversation();
    if (!previous.isEmpty() && !conversation.isEmpty()) {
      throw Fields.fault("conversation", "cannot be given together with previous_response_id");
    }
    var items = ResponseItems.read(body.object().path("input"), new Images(config.images()));
    boolean continues = !previous.isEmpty() || !conversation.isEmpty();
    var said = continues
        ? ResponseTurn.continuing(instructions(), items, !previous.isEmpty())
        : ResponseTurn.first(instructions(), items);
    boolean brings = !said.images().isEmpty() || !said.results().isEmpty();
    var text = brings
        ? Messages.bounded("input", said.text(), messageChars)
        : Messages.checked("input", said.text(), messageChars);
    return new ResponseRequest(
        model, previous, conversation, said.context(), text, said.input(Tools.ofResponse(body)),
        body.flag("stream"), body.flag("background"), note());
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
}
