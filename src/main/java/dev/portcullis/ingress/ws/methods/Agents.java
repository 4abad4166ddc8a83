package dev.portcullis.ingress.ws.methods;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.config.AgentConfig;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.config.HarnessConfig;
import dev.portcullis.ingress.Json;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/** The configured agents, and the model behind each as far as the settings tell. */
record Agents(GatewayConfig config) {
  /**
   * @param provider the harness
   * @param id the model it is set to; the harness's kind where it chooses itself
   */
  record Model(String provider, String id) {
    String whole() {
      return provider + "/" + id;
    }
  }

  /** Empty when there is no such agent any more. */
  Optional<Model> model(String agent) {
    return Optional.ofNullable(config.agents().get(agent)).map(known -> model(known.harness(), config));
  }

  private static Model model(String name, GatewayConfig config) {
    var harness = config.harnesses().get(name);
    var set = switch (harness) {
      case HarnessConfig.OfModel model -> model.server().model();
      case HarnessConfig.Acp acp -> acp.model();
      case HarnessConfig.Codex codex -> codex.model();
      case HarnessConfig.ClaudeCode claude -> claude.model();
      case HarnessConfig.Echo _ -> "";
    };
    return new Model(name, set.isEmpty() ? harness.kind() : set);
  }

  /** The models of all agents' harnesses, each once. */
  List<Model> models() {
    return config.declared().keySet().stream().map(name -> model(name, config)).toList();
  }

  /** The agents, sorted, as {@code agents.list} has them. */
  ObjectNode list() {
    var json = Json.object()
        .put("defaultId", config.defaultAgent())
        .put("ownership", "sole")
        .put("selectionRequired", false)
        .put("mainKey", "main")
        .put("scope", "per-sender");
    var agents = json.putArray("agents");
    new TreeMap<>(config.agents()).values().forEach(agent -> agents.add(agent(agent)));
    return json;
  }

  private ObjectNode agent(AgentConfig agent) {
    var json = Json.object().put("id", agent.id()).put("name", agent.id());
    var model = json.putObject("model").put("primary", model(agent.harness(), config).whole());
    var fallbacks = model.putArray("fallbacks");
    agent.fallbacks().forEach(name -> fallbacks.add(model(name, config).whole()));
    json.putObject("agentRuntime").put("id", agent.harness()).put("source", "config");
    return json;
  }

  /** What a session has that nobody has chosen anything for. */
  ObjectNode defaults(String agent) {
    var json = Json.object();
    model(agent).ifPresent(model -> json.put("modelProvider", model.provider()).put("model", model.id()));
    return json;
  }
}
