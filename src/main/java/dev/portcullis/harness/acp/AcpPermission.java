package dev.portcullis.harness.acp;

import dev.portcullis.harness.agent.ToolCall;
import java.util.List;
import java.util.Optional;

/** A question of the agent: may it do this? */
record AcpPermission(ToolCall tool, List<Option> options) {
  /** @param kind allow_once, allow_always, reject_once or reject_always */
  record Option(String id, String kind) {}

  AcpPermission {
    options = List.copyOf(options);
  }

  /**
   * The option to choose, by its kind, for ids differ from agent to agent. What lasts longer than this once
   * is never chosen on a user's behalf, except for a refusal. Empty when there is none.
   */
  Optional<String> choose(boolean allow) {
    return allow ? option("allow_once") : option("reject_once").or(() -> option("reject_always"));
  }

  private Optional<String> option(String kind) {
    return options.stream().filter(option -> option.kind().equals(kind)).map(Option::id).findFirst();
  }
}
