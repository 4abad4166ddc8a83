package dev.portcullis.ingress.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Digests;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Messages;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.RunView;
import dev.portcullis.protocol.Usage;
import java.math.BigInteger;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * OpenAI chat completions to and from our own types. What a caller cannot change here (temperature, tools, …)
 * is ignored; what would be missed is refused by name. Source: OpenAI API specification 2.3.0,
 * {@code /chat/completions}.
 */
final class ChatCodec {
  private static final Set<String> ROLES = Set.of("developer", "system", "user", "assistant", "tool");

  private ChatCodec() {}

  /**
   * What every chunk of one answer has in common. The id comes from the run's, so that a repeat has the same.
   */
  record Head(String id, long created, String model) {
    static Head of(RunView run) {
      var digest = Base64.getUrlEncoder().withoutPadding()
          .encodeToString(Digests.sha256("chatcmpl", run.id()));
      return new Head("chatcmpl-" + digest.substring(0, 32), run.times().acceptedAt().getEpochSecond(),
          run.agent());
    }
  }

  // ---- in

  /**
   * @throws dev.portcullis.ingress.InputFault naming the parameter that is missing, malformed or not
   *     supported
   */
  static ChatRequest request(Fields body, int messageChars) {
    var model = body.text("model");
    refuseUnsupported(body);
    var messages = messages(body);
    var last = messages.getLast();
    var name = "messages[" + (messages.size() - 1) + "]";
    if (!last.role().equals("user")) {
      throw Fields.fault(name + ".role", "must be user: the last message is the turn");
    }
    return new ChatRequest(
        model,
        body.optionalText("user").orElse(""),
        messages.subList(0, messages.size() - 1).stream().filter(message -> !message.text().isEmpty())
            .toList(),
        Messages.checked(name + ".content", last.text(), messageChars),
        body.flag("stream"),
        body.nested("stream_options").map(options -> options.flag("include_usage")).orElse(false));
  }

  private static void refuseUnsupported(Fields body) {
    if (body.number("n").filter(n -> !whole(n) || !n.bigIntegerValue().equals(BigInteger.ONE)).isPresent()) {
      throw Fields.fault("n", "must be 1");
    }
    if (body.flag("logprobs")) {
      throw Fields.fault("logprobs", "is not supported");
    }
    for (var tokens : List.of("max_tokens", "max_completion_tokens")) {
      if (body.number(tokens).filter(n -> !whole(n) || n.bigIntegerValue().signum() <= 0).isPresent()) {
        throw Fields.fault(tokens, "must be a whole number above 0");
      }
    }
    for (var number : List.of("temperature", "top_p", "presence_penalty", "frequency_penalty")) {
      body.number(number);
    }
    body.array("tools");
    body.nested("metadata");
    body.nested("response_format");
    if (body.object().path("tool_choice").isObject()
        || body.object().path("tool_choice").asText().equals("required")) {
      throw Fields.fault("tool_choice", "cannot force a tool: agents use their own");
    }
    body.array("modalities").ifPresent(kinds -> kinds.forEach(kind -> {
      if (!kind.asText().equals("text")) {
        throw Fields.fault("modalities", "may only hold \"text\"");
      }
    }));
  }

  private static boolean whole(JsonNode number) {
    return number.isIntegralNumber();
  }

  private static List<Message> messages(Fields body) {
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

  private static Message message(String name, JsonNode node) {
    if (!(node instanceof ObjectNode object)) {
      throw Fields.fault(name, "must be an object");
    }
    var role = object.path("role").asText();
    if (!ROLES.contains(role)) {
      throw Fields.fault(name + ".role", "must be developer, system, user, assistant or tool");
    }
    var text = content(name + ".content", role, object.path("content"));
    return switch (role) {
      case "developer" -> new Message("system", text);
      case "tool" -> new Message("user", "Result of a tool call: " + text);
      default -> new Message(role, text);
    };
  }

  private static String content(String name, String role, JsonNode content) {
    if (content.isTextual()) {
      return Fields.wellFormed(name, content.textValue());
    }
    if (role.equals("assistant") && (content.isNull() || content.isMissingNode())) {
      return ""; // It called tools and said nothing.
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
    if (!part.path("type").asText().equals("text")) {
      throw Fields.fault(name, "must be a part of type \"text\"; other kinds are not supported");
    }
    if (!part.path("text").isTextual()) {
      throw Fields.fault(name + ".text", "must be a string");
    }
    return Fields.wellFormed(name + ".text", part.path("text").textValue());
  }

  // ---- out

  /** The whole answer. */
  static ObjectNode completion(Head head, String text, String finishReason, Usage usage) {
    var json = head(head, "chat.completion");
    var choice = json.putArray("choices").addObject().put("index", 0);
    choice.putObject("message").put("role", "assistant").put("content", text).putNull("refusal");
    choice.putNull("logprobs").put("finish_reason", finishReason);
    json.set("usage", usage(usage));
    return json;
  }

  static ObjectNode roleChunk(Head head, boolean includeUsage) {
    return chunk(head, Json.object().put("role", "assistant").put("content", ""), Optional.empty(),
        includeUsage);
  }

  static ObjectNode textChunk(Head head, String text, boolean includeUsage) {
    return chunk(head, Json.object().put("content", text), Optional.empty(), includeUsage);
  }

  static ObjectNode finishChunk(Head head, String finishReason, boolean includeUsage) {
    return chunk(head, Json.object(), Optional.of(finishReason), includeUsage);
  }

  /** Only sent when it was asked for; every other chunk then has a null there. */
  static ObjectNode usageChunk(Head head, Usage usage) {
    var json = head(head, "chat.completion.chunk");
    json.putArray("choices");
    json.set("usage", usage(usage));
    return json;
  }

  private static ObjectNode chunk(
      Head head, ObjectNode delta, Optional<String> finishReason, boolean includeUsage) {
    var json = head(head, "chat.completion.chunk");
    var choice = json.putArray("choices").addObject().put("index", 0);
    choice.set("delta", delta);
    choice.putNull("logprobs");
    finishReason.ifPresentOrElse(
        reason -> choice.put("finish_reason", reason), () -> choice.putNull("finish_reason"));
    if (includeUsage) {
      json.putNull("usage");
    }
    return json;
  }

  private static ObjectNode head(Head head, String object) {
    return Json.object()
        .put("id", head.id())
        .put("object", object)
        .put("created", head.created())
        .put("model", head.model());
  }

  private static ObjectNode usage(Usage usage) {
    return Json.object()
        .put("prompt_tokens", usage.inputTokens())
        .put("completion_tokens", usage.outputTokens())
        .put("total_tokens", usage.totalTokens());
  }

  /** The harness's word for why it stopped, as one of OpenAI's. */
  static String finishReason(String stopReason) {
    return switch (stopReason) {
      case "length", "max_tokens", "max_turn_requests" -> "length";
      case "refusal", "content_filter" -> "content_filter";
      default -> "stop";
    };
  }

  static ObjectNode model(String agent, Instant created) {
    return Json.object()
        .put("id", agent)
        .put("object", "model")
        .put("created", created.getEpochSecond())
        .put("owned_by", "portcullis");
  }

  static ObjectNode models(Set<String> agents, Instant created) {
    var json = Json.object().put("object", "list");
    json.putArray("data").addAll(
        agents.stream().sorted().map(agent -> model(agent, created)).collect(Collectors.toList()));
    return json;
  }
}
