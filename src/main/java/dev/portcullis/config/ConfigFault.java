package dev.portcullis.config;

/**
 * A setting that cannot be used. The message names the key and says what to write instead; the exit code is
 * 78.
 */
public final class ConfigFault extends RuntimeException {
  private ConfigFault(String message) {
    super(message);
  }

  /** {@code key} has a value that is not {@code expected}. */
  public static ConfigFault of(String key, String expected) {
    return new ConfigFault("setting " + key + ": " + expected);
  }

  /** {@code source} is missing, unreadable or not HOCON. */
  static ConfigFault unreadable(String source, String reason) {
    return new ConfigFault("settings of " + source + ": " + reason);
  }
}
