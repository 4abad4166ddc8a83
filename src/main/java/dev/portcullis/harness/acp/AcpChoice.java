package dev.portcullis.harness.acp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.jsonrpc.Reply;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A model or a mode, and the request that sets it in a session. Agents let it be chosen by a general option,
 * or by an older request for this alone. Pure.
 *
 * @param what {@code model} or {@code mode}
 * @param offered what the agent would take, as it says
 */
record AcpChoice(String what, String wanted, String method, ObjectNode params, List<String> offered) {
  static Optional<AcpChoice> model(String wanted, String sessionId, JsonNode opened) {
    return of("model", wanted, sessionId, opened, "session/set_model");
  }

  static Optional<AcpChoice> mode(String wanted, String sessionId, JsonNode opened) {
    return of("mode", wanted, sessionId, opened, "session/set_mode");
  }

  /**
   * @param wanted empty for the agent's default
   * @param opened the agent's answer to the request that opened the session
   * @return empty when there is nothing to be done
   * @throws HarnessFault {@code NOT_CONFIGURED} when the agent lets nobody choose
   */
  private static Optional<AcpChoice> of(
      String what, String wanted, String sessionId, JsonNode opened, String older) {
    if (wanted.isEmpty()) {
      return Optional.empty();
    }
    var params = JsonNodeFactory.instance.objectNode().put("sessionId", sessionId);
    for (var option : opened.path("configOptions")) {
      if (option.path("category").asText().equals(what)) {
        return unless(option.path("currentValue"), new AcpChoice(what, wanted, "session/set_config_option",
            params.put("configId", option.path("id").asText()).put("value", wanted),
            offers(option.path("options"), "value")));
      }
    }
    // "models" with "currentModelId" and "availableModels", each with "modelId"; of modes it is "id" alone.
    var list = opened.path(what + "s");
    var name = Character.toUpperCase(what.charAt(0)) + what.substring(1);
    if (list.isMissingNode() || list.isNull()) {
      throw HarnessFault.of(Code.NOT_CONFIGURED, "the agent lets nobody choose a " + what + ", and " + what
          + " = " + wanted + " is set: leave it out, and set it in the agent's own configuration");
    }
    return unless(list.path("current" + name + "Id"), new AcpChoice(what, wanted, older,
        params.put(what + "Id", wanted),
        offers(list.path("available" + name + "s"), what.equals("mode") ? "id" : "modelId")));
  }

  private static Optional<AcpChoice> unless(JsonNode current, AcpChoice choice) {
    return current.asText().equals(choice.wanted) ? Optional.empty() : Optional.of(choice);
  }

  private static List<String> offers(JsonNode list, String field) {
    var offers = new ArrayList<String>();
    list.forEach(entry -> {
      if (entry.has(field)) {
        offers.add(entry.path(field).asText());
      } else {
        offers.addAll(offers(entry.path("options"), field)); // They may be grouped.
      }
    });
    return offers;
  }

  /** The agent does not take it. */
  HarnessFault refused(Reply.Error error) {
    return HarnessFault.of(what.equals("model") ? Code.MODEL_NOT_FOUND : Code.NOT_CONFIGURED,
        "the agent does not take " + what + " = " + wanted + " (" + error.message() + "); it offers "
            + String.join(", ", offered));
  }
}
