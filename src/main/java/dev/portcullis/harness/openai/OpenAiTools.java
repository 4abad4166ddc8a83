package dev.portcullis.harness.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.harness.http.ModelJson;
import dev.portcullis.protocol.FunctionTool;
import dev.portcullis.protocol.Toolbox;
import java.util.Locale;

/** What OpenAI's two APIs have in common in how functions are offered. */
final class OpenAiTools {
  private OpenAiTools() {}

  static void function(ObjectNode json, FunctionTool tool) {
    json.put("name", tool.name());
    if (!tool.description().isEmpty()) {
      json.put("description", tool.description());
    }
    ModelJson.read(tool.parameters()).filter(ObjectNode.class::isInstance)
        .ifPresent(schema -> json.set("parameters", schema));
  }

  static String word(Toolbox.Choice choice) {
    return choice.name().toLowerCase(Locale.ROOT);
  }
}
