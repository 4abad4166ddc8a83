package dev.portcullis.ingress;

import dev.portcullis.config.GatewayConfig;
import dev.portcullis.session.SessionKey;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a session is called in a path: a whole key, or a word that stands for one of an agent's sessions.
 *
 * @param config its agents and the default one
 */
public record Addressing(GatewayConfig config) {
  private static final Pattern WORD = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}");

  /** For reading and removing: also the session of an agent that is no longer configured. */
  public SessionKey existing(String segment) {
    return resolve(segment, config.defaultAgent());
  }

  /**
   * For a new turn.
   *
   * @param agent the agent that the request names, if it does
   * @throws InputFault when there is no such agent, or the key is another agent's
   */
  public SessionKey of(String segment, Optional<String> agent) {
    agent.ifPresent(this::requireAgent);
    var key = resolve(segment, agent.orElse(config.defaultAgent()));
    requireAgent(key.agent());
    if (agent.isPresent() && !agent.get().equals(key.agent())) {
      throw Fields.fault("agent", "contradicts the session key, which belongs to " + key.agent());
    }
    return key;
  }

  public void requireAgent(String agent) {
    if (!config.agents().containsKey(agent)) {
      throw InputFault.of(Problems.agentNotFound(agent));
    }
  }

  private static SessionKey resolve(String segment, String agent) {
    Fields.wellFormed("key", segment);
    if (segment.startsWith("agent:")) {
      return SessionKey.parse(segment).orElseThrow(Addressing::malformed);
    }
    if (!WORD.matcher(segment).matches()) {
      throw malformed();
    }
    return new SessionKey("agent:" + agent + ":" + (segment.equals("main") ? "main" : "explicit:" + segment));
  }

  private static InputFault malformed() {
    return InputFault.of(Problems.badRequest("key", "The session key must be agent:<agent>:<rest> of at most "
        + SessionKey.MAX + " printable characters, or one word of letters, digits and _ . @ -"));
  }
}
