package dev.portcullis.harness.acp;

import dev.portcullis.harness.Harness.Recovery;

/**
 * What an agent said of itself in its handshake.
 *
 * @param loads reopens a session and tells it again from the start
 * @param resumes reopens a session silently
 * @param loginHint how to log in, in the agent's own words; empty when it does not tell
 */
record AcpAgent(String name, String version, boolean loads, boolean resumes, String loginHint) {
  Recovery recovery() {
    return loads || resumes ? Recovery.NATIVE : Recovery.REPLAY;
  }

  /** Gemini's load may destroy the stored session when it comes within a minute of the last touch. */
  boolean loadsOnlyAfterAMinute() {
    return name.startsWith("gemini");
  }
}
