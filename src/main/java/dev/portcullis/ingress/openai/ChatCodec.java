package dev.portcullis.ingress.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.ingress.Digests;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.Images;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Messages;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.RunView;
import dev.portcullis.protocol.Usage;
import java.math.BigInteger;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * OpenAI chat completions to and from our own types. What a caller cannot change here (temperature, …)
 * is ignored; what would be missed is refused by name. Source: OpenAI API specification 2.3.0,
 * {@code /chat/completions}.
 */
final class ChatCodec {
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
  static ChatRequest request(Fields body, GatewayConfig config) {
    var model = body.text("model");
    refuseUnsupported(body);
    var tools = Tools.ofChat(body);
    var messages = new ChatMessages(new Images(config.images())).read(body);
    var conversation = Conversation.of("messages", messages);
    var name = "messages[" + (messages.size() - 1) + "].content";
    int chars = config.session().messageChars();
    return new ChatRequest(
        model,
        body.optionalText("user").orElse(""),
        conversation.context(),
        conversation.images().isEmpty() && messages.getLast().role().equals("user")
            ? Messages.checked(name, conversation.text(), chars)
            : Messages.bounded(name, conversation.text(), chars),
        conversation.input(tools),
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
    body.nested("metadata");
    body.nested("response_format");
    body.array("modalities").ifPresent(kinds -> kinds.forEach(kind -> {
      if (!kind.asText().equals("text")) {
        throw Fields.fault("modalities", "may only hold \"text\"");
      }
    }));
  }

  private static boolean whole(JsonNode number) {
    return number.isIntegralNumber();
  }

  // ---- out

  /** The whole answer. */
  static ObjectNode completion(
      Head head, String text, List<FunctionCall> calls, String finishReason, Usage usage) {
    var json = head(head, "chat.completion");
    var choice = json.putArray("choices").addObject().put("index", 0);
    var message = choice.putObject("message").put("role", "assistant");
    if (text.isEmpty() && !calls.isEmpty()) {
      message.putNull("content").putNull("refusal");
    } else {
      message.put("content", text).putNull("refusal");
    }
    if (!calls.isEmpty()) {
      var array = message.putArray("tool_calls");
      calls.forEach(call -> call(array.addObject(), call).put("arguments", call.arguments()));
    }
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

  /** First what the call is, as the clients' libraries want it; then what it is given. */
  static List<ObjectNode> callChunks(Head head, int index, FunctionCall call, boolean includeUsage) {
    var first = Json.object();
    call(first.putArray("tool_calls").addObject().put("index", index), call).put("arguments", "");
    var more = Json.object();
    more.putArray("tool_calls").addObject().put("index", index)
        .putObject("function").put("arguments", call.arguments());
    return List.of(chunk(head, first, Optional.empty(), includeUsage),
        chunk(head, more, Optional.empty(), includeUsage));
  }

  /** The function, still without its arguments. */
  private static ObjectNode call(ObjectNode json, FunctionCall call) {
    return json.put("id", call.id()).put("type", "function").putObject("function").put("name", call.name());
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
  static String finishReason(String stopReason, List<FunctionCall> calls) {
    return !calls.isEmpty() ? "tool_calls" : switch (stopReason) {
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
