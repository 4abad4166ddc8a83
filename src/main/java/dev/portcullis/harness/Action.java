package dev.portcullis.harness;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Exactly what an approval allows.
 *
 * @param input what the tool is given, whole and in a canonical form
 * @param directory where it will run
 */
public record Action(String kind, String title, String input, Path directory) {
  /**
   * SHA-256 in hex over all of it. The directory is resolved anew each time: a link that was turned elsewhere
   * between question and answer makes it another action.
   */
  public String digest() {
    return InputDigest.of(String.join("\0", kind, title, input, resolved().toString()));
  }

  private Path resolved() {
    try {
      return directory.toRealPath();
    } catch (IOException gone) {
      return directory; // Then nothing can run there, and what was asked is not what would run.
    }
  }
}
