package dev.portcullis.ingress.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.Json;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.FunctionTool;
import dev.portcullis.protocol.Toolbox;
import dev.portcullis.protocol.Toolbox.Choice;
import java.util.ArrayList;
import java.util.regex.Pattern;

/**
 * {@code tools}, {@code tool_choice} and {@code parallel_tool_calls} of both of OpenAI's APIs, which differ
 * in where the fields of a function stand, and calls of functions in earlier messages.
 */
final class Tools {
  static final int TOOLS_MAX = 128;
  /** Most characters of all functions together: names, descriptions and schemas. */
  static final int CHARS_MAX = 512 << 10;
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");
  private static final Pattern ID = Pattern.compile("[\\x21-\\x7e]{1,256}");

  /** In which of the APIs: whether a function's fields stand in an object of their own. */
  private final boolean nested;

  private Tools(boolean nested) {
    this.nested = nested;
  }

  /** What a chat completion offers. */
  static Toolbox ofChat(Fields body) {
    return new Tools(true).read(body);
  }

  /** What a response offers. */
  static Toolbox ofResponse(Fields body) {
    return new Tools(false).read(body);
  }

  /** A call in an earlier message. {@code function}: with name and arguments. */
  static FunctionCall call(String field, JsonNode id, JsonNode function) {
    if (!ID.matcher(id.asText("")).matches()) {
      throw Fields.fault(field + ".id", "must be 1 to 256 visible ASCII characters");
    }
    if (!NAME.matcher(function.path("name").asText("")).matches()
        || !function.path("arguments").isTextual()) {
      throw Fields.fault(
          field + ".function", "must have a name (1 to 64 letters, digits, _ or -) and arguments, a string");
    }
    return new FunctionCall(id.textValue(), function.path("name").textValue(),
        Fields.wellFormed(field + ".function.arguments", function.path("arguments").textValue()));
  }

  private Toolbox read(Fields body) {
    var tools = new ArrayList<FunctionTool>();
    body.array("tools").ifPresent(array -> array.forEach(node -> {
      if (tools.size() == TOOLS_MAX) {
        throw Fields.fault("tools", "holds more than " + TOOLS_MAX + " functions");
      }
      tools.add(tool("tools[" + tools.size() + "]", node));
    }));
    if (tools.stream().map(FunctionTool::name).distinct().count() < tools.size()) {
      throw Fields.fault("tools", "names a function twice");
    }
    if (tools.stream().mapToLong(Tools::chars).sum() > CHARS_MAX) {
      throw Fields.fault("tools", "is longer than " + CHARS_MAX + " characters");
    }
    boolean parallel = body.flag("parallel_tool_calls") || !body.object().hasNonNull("parallel_tool_calls");
    var named = named(body.object().path("tool_choice"));
    var choice = choice(body.object().path("tool_choice"));
    boolean known = tools.stream().anyMatch(tool -> tool.name().equals(named));
    if (choice == Choice.NAMED && !known || choice == Choice.REQUIRED && tools.isEmpty()) {
      throw Fields.fault("tool_choice", "wants a function that \"tools\" does not offer");
    }
    return tools.isEmpty() ? Toolbox.EMPTY : new Toolbox(tools, choice, named, !parallel);
  }

  private static long chars(FunctionTool tool) {
    return (long) tool.name().length() + tool.description().length() + tool.parameters().length();
  }

  private FunctionTool tool(String field, JsonNode node) {
    if (!node.path("type").asText().equals("function")) {
      throw Fields.fault(field + ".type", "must be \"function\"; other tools are not supported");
    }
    var at = nested ? field + ".function" : field;
    if (!((nested ? node.path("function") : node) instanceof ObjectNode object)) {
      throw Fields.fault(at, "must be an object");
    }
    var function = new Fields(object);
    if (!NAME.matcher(function.optionalText("name").orElse("")).matches()) {
      throw Fields.fault(at + ".name", "must be 1 to 64 letters, digits, _ or -");
    }
    return new FunctionTool(
        object.path("name").textValue(),
        function.optionalText("description").orElse(""),
        function.nested("parameters").map(schema -> Json.text(schema.object())).orElse(""),
        function.flag("strict") || !nested && !object.hasNonNull("strict")); // Where a response says nothing.
  }

  private static Choice choice(JsonNode choice) {
    return switch (choice) {
      case ObjectNode _ -> Choice.NAMED;
      case JsonNode absent when absent.isMissingNode() || absent.isNull() -> Choice.AUTO;
      case JsonNode word -> switch (word.asText()) {
        case "auto" -> Choice.AUTO;
        case "none" -> Choice.NONE;
        case "required" -> Choice.REQUIRED;
        default -> throw Fields.fault("tool_choice", "must be auto, none, required or a function");
      };
    };
  }

  /** Empty unless a function is named. */
  private String named(JsonNode choice) {
    if (!choice.isObject()) {
      return "";
    }
    if (!choice.path("type").asText().equals("function")) {
      throw Fields.fault("tool_choice.type", "must be \"function\"");
    }
    return (nested ? choice.path("function") : choice).path("name").asText();
  }
}
