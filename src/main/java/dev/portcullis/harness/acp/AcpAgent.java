package dev.portcullis.harness.acp;

import dev.portcullis.harness.Harness.Recovery;
import java.util.List;

/**
 * What an agent said of itself in its handshake.
 *
 * @param loads reopens a session and tells it again from the start
 * @param resumes reopens a session silently
 * @param images sees images in a prompt
 * @param logins its ways to sign in
 */
record AcpAgent(
    String name, String version, boolean loads, boolean resumes, boolean images, List<Login> logins) {
  /**
   * One way to sign in.
   *
   * @param id what {@code auth-method} takes
   * @param hint the agent's own words; empty when it does not tell
   */
  record Login(String id, String hint) {}

  AcpAgent {
    logins = List.copyOf(logins);
  }

  Recovery recovery() {
    return loads || resumes ? Recovery.NATIVE : Recovery.REPLAY;
  }

  /** Gemini's load may destroy the stored session when it comes within a minute of the last touch. */
  boolean loadsOnlyAfterAMinute() {
    return name.startsWith("gemini");
  }
}
