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
    Admission admission,
    Clock clock,
    RandomGenerator random) {
  /**
   * Over these sessions, with what admits to them.
   *
   * @param devices what is kept of devices that were let in
   * @param random a cryptographically strong one, safe to share between threads
   */
  public static Edge of(
      GatewayConfig config, Sessions sessions, Harnesses harnesses, Operations operations,
      Credentials credentials, Register devices, Clock clock, RandomGenerator random) {
    return new Edge(config, sessions, harnesses, operations, credentials, devices,
        new Admission(credentials, config.limits(), clock), clock, random);
  }

  /** The sessions as this principal may see and change them. */
  public Sessions sessionsOf(Principal principal) {
    return SeenSessions.of(sessions, principal, admission.openRuns());
  }
}
