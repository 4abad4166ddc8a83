package dev.portcullis.protocol;

import java.time.Instant;
import java.util.List;

/**
 * A question of an agent, whole: may it do this?
 *
 * @param id unique over the gateway; stays the same when a resumed run asks for the same action again
 * @param kind of tool: read, edit, delete, move, search, execute, think, fetch or other
 * @param input exactly what the tool will be given; never shortened
 * @param directory where it will run, links resolved; empty in the oldest questions, which did not say
 * @param digest of all of it: what an answer is bound to
 * @param expiresAt when it is answered with no unless somebody has answered it
 * @param decision none while it waits, then one
 */
public record Approval(
    String id,
    String runId,
    String sessionKey,
    String agent,
    String kind,
    String title,
    String input,
    String directory,
    String digest,
    Instant requestedAt,
    Instant expiresAt,
    List<Decision> decision) {

  /**
   * @param by a principal; or policy, expiry (nobody answered in time), expired (the run ended before it was
   *     answered), harness (it no longer asks)
   * @param reason one word where {@code by} does not say it all, else empty
   * @param kept given while no harness waited for it: it counts when the resumed run asks for the same action
   */
  public record Decision(boolean allowed, String by, String reason, boolean kept, Instant at) {}

  public Approval {
    decision = List.copyOf(decision);
  }

  public boolean pending() {
    return decision.isEmpty();
  }

  public Approval decided(Decision by) {
    return new Approval(id, runId, sessionKey, agent, kind, title, input, directory, digest, requestedAt,
        expiresAt, List.of(by));
  }
}
