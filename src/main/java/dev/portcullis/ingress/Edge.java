package dev.portcullis.ingress;

import dev.portcullis.config.GatewayConfig;
import dev.portcullis.harness.Harnesses;
import dev.portcullis.session.Sessions;
import java.time.Clock;
import java.util.random.RandomGenerator;

/**
 * What a transport needs to do its work.
 *
 * @param devices what is kept of devices that were let in
 * @param random a cryptographically strong one, safe to share between threads
 */
public record Edge(
    GatewayConfig config,
    Sessions sessions,
    Harnesses harnesses,
    Operations operations,
    Credentials credentials,
    Register devices,
    Clock clock,
    RandomGenerator random) {
  /** The sessions as this principal may see and change them. */
  public Sessions sessionsOf(Principal principal) {
    return sessions;
  }

  /** Whether events of the session with this key may be told to this principal. */
  public boolean shows(Principal principal, String session) {
    return true;
  }
}
