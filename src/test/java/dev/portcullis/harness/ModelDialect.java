package dev.portcullis.harness;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How one vendor's API writes what {@link StandInModel} says: one object for each call, for frames of one
 * answer build on each other. Every call costs {@link #INPUT} and {@link #OUTPUT} tokens, so that tests can add
 * them up.
 */
interface ModelDialect {
  /** Of these, {@link #CACHED} came from the vendor's cache; Anthropic's API counts those beside the others. */
  int INPUT = 110;
  int CACHED = 40;
  int OUTPUT = 12;
  String FAILURE = "scripted failure";

  /** What an agent wraps around the user's words in messages of their own, in the user's name. */
  List<String> CONTEXT = List.of("<environment_context>", "<session_context>", "<system-reminder>");

  /**
   * @param toolSaid what the tool answered, when that is the newest of the conversation
   * @param tools by name, the JSON schema of what they take
   */
  record Asked(String model, boolean stream, List<String> userMessages, int assistantMessages,
      Optional<String> toolSaid, Map<String, JsonNode> tools) {}

  record ToolCall(String name, ObjectNode arguments) {}

  /** One server-sent event; without a name where the vendor sends none. */
  record Frame(Optional<String> event, String data) {
    static Frame of(JsonNode data) {
      return new Frame(Optional.empty(), data.toString());
    }

    /** As vendors do that give the name twice. */
    static Frame named(JsonNode data) {
      return new Frame(Optional.of(data.path("type").asText()), data.toString());
    }
  }

  enum Finish { STOP, TOOL, LENGTH }

  /** Headers of every answer. */
  Map<String, String> headers();

  List<Frame> begin();

  List<Frame> text(String piece);

  List<Frame> call(ToolCall call);

  List<Frame> end(Finish finish);

  /** The vendor's error inside a stream that began well. */
  List<Frame> fail();

  /** The same answer for a client that does not stream. */
  JsonNode whole(String text, Optional<ToolCall> call, Finish finish);

  /** The body of an answer with an error status. */
  JsonNode error(int status);

  static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  /** Content is text, or a list of parts. */
  static String text(JsonNode content) {
    if (content.isTextual()) {
      return content.textValue();
    }
    var text = new StringBuilder();
    content.forEach(part -> text.append(part.path("text").asText("")));
    return text.toString();
  }

  /** Whether a person said this, not the agent in a person's name. */
  static boolean said(String message) {
    return !message.isBlank()
        && (StandInScript.directs(message) || CONTEXT.stream().noneMatch(message.strip()::startsWith));
  }
}
