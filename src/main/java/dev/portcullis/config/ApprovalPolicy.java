package dev.portcullis.config;

import java.util.List;
import java.util.Map;

/**
 * Who answers when a harness asks for permission, by the kind of tool. Kinds are the harness's own words
 * about what it will do: a convenience for people, and no boundary. Why: docs/adr/0013.
 *
 * @param otherwise for the kinds that {@code byKind} does not name
 * @param byKind only {@link #KINDS}
 */
public record ApprovalPolicy(AgentConfig.Approvals otherwise, Map<String, AgentConfig.Approvals> byKind) {
  private static final String OTHER = "other";

  /** Every kind of tool there is. */
  public static final List<String> KINDS =
      List.of("read", "edit", "delete", "move", "search", "execute", "think", "fetch", OTHER);

  public ApprovalPolicy {
    byKind = Map.copyOf(byKind);
  }

  /** The same for every kind. */
  public static ApprovalPolicy always(AgentConfig.Approvals answer) {
    return new ApprovalPolicy(answer, Map.of());
  }

  /** A kind that is none of {@link #KINDS} counts as other. */
  public AgentConfig.Approvals of(String kind) {
    return byKind.getOrDefault(KINDS.contains(kind) ? kind : OTHER, otherwise);
  }
}
