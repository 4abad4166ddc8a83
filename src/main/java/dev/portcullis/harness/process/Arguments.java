package dev.portcullis.harness.process;

import dev.portcullis.harness.HarnessFault;

/** Values from outside on their way to a command line. */
public final class Arguments {
  private static final int CHARS_MAX = 1_000;

  private Arguments() {}

  /**
   * The value itself, when a program can't take it for an option: not empty, no {@code -} in front, no
   * control character, at most 1000 characters. For ids that an agent gave and for names that a user may
   * choose; there is no shell between us and the program, so nothing else can be misread.
   *
   * @param what names the value in the fault
   * @throws HarnessFault {@code MALFORMED} naming {@code what}, never the value
   */
  public static String safe(String what, String value) {
    if (value.isEmpty() || value.length() > CHARS_MAX || value.startsWith("-")
        || value.chars().anyMatch(Character::isISOControl)) {
      throw HarnessFault.malformed(
          what, "1 to " + CHARS_MAX + " characters, no control character, the first not a hyphen");
    }
    return value;
  }
}
