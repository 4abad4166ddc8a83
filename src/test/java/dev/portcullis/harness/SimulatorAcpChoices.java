package dev.portcullis.harness;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.TreeMap;

/** The model and mode of a simulated ACP agent, and the ways to choose them: SIM_CHOICES, options or older. */
final class SimulatorAcpChoices {
  private final Map<String, String> chosen = new TreeMap<>(Map.of("model", "m1", "mode", "ask"));

  /** What is chosen, and {@code by} which requests if any. */
  synchronized String chosen() {
    return chosen.toString();
  }

  /** The beginning of the answer that opens a session. */
  synchronized ObjectNode offered() {
    var result = SimulatorAcp.object();
    switch (Simulator.ENV.getOrDefault("SIM_CHOICES", "")) {
      case "options" -> {
        var options = result.putArray("configOptions");
        option(options.addObject(), "model").addObject().put("value", "m1");
        // Options may be in groups.
        option(options.addObject(), "mode").addObject().putArray("options").addObject().put("value", "ask");
      }
      case "older" -> {
        result.putObject("models").put("currentModelId", chosen.get("model")).putArray("availableModels")
            .addObject().put("modelId", "m1");
        result.putObject("modes").put("currentModeId", chosen.get("mode")).putArray("availableModes")
            .addObject().put("id", "ask");
      }
      case "" -> { } // There is no choice.
      case String other -> throw new IllegalArgumentException(other);
    }
    return result;
  }

  private ArrayNode option(ObjectNode option, String what) {
    return option.put("id", "my-" + what).put("category", what).put("currentValue", chosen.get(what))
        .putArray("options");
  }

  /** As Gemini does, it says so in a chunk that belongs to no turn. */
  synchronized void choose(JsonNode id, String method, JsonNode params) {
    switch (method) {
      case "session/set_model" -> choose(id, method, params, "model", params.path("modelId"));
      case "session/set_mode" -> choose(id, method, params, "mode", params.path("modeId"));
      default ->
          choose(id, method, params, params.path("configId").asText().replace("my-", ""), params.path("value"));
    }
  }

  private void choose(JsonNode id, String method, JsonNode params, String what, JsonNode value) {
    if (value.asText().equals("wrong")) {
      SimulatorAcp.error(id, -32602, "no such " + what);
      return;
    }
    chosen.put(what, value.asText());
    chosen.merge("by", method, (old, now) -> old + " " + now);
    SimulatorAcp.update(params.path("sessionId").asText(), SimulatorAcp.chunk("[UPDATE] " + what));
    SimulatorAcp.answer(id, SimulatorAcp.object());
  }
}
