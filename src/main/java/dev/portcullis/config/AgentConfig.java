package dev.portcullis.config;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * A configured persona.
 *
 * @param workspace absolute directory the agent works in
 */
public record AgentConfig(
    String id,
    String harness,
    List<String> fallbacks,
    Path workspace,
    Queueing queue,
    OnUncertain onUncertain,
    ApprovalPolicy approvals) {
  /** What happens to a turn that comes while one is active. */
  public enum Queueing { QUEUE, STEER, INTERRUPT, REJECT }

  /** What happens to a step of unknown outcome after a crash. */
  public enum OnUncertain { TELL, ASK, PARK }

  /** What happens when the harness asks for permission. */
  public enum Approvals { ASK, ALLOW, DENY }

  public AgentConfig {
    fallbacks = List.copyOf(fallbacks);
  }

  /** Every harness this agent needs: its own first, then the fallbacks. */
  public List<String> harnesses() {
    return Stream.concat(Stream.of(harness), fallbacks.stream()).toList();
  }
}
