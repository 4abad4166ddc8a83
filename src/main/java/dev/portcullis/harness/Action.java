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
    return digest(resolved());
  }

  /** The question whether it may be done. */
  public HarnessUpdate.ApprovalRequested asked(String approvalId) {
    var where = resolved(); // Once: what is shown is what the digest is of.
    return new HarnessUpdate.ApprovalRequested(
        approvalId, kind, title, input, digest(where), where.toString());
  }

  private String digest(Path where) {
    return InputDigest.of(String.join("\0", kind, title, input, where.toString()));
  }

  private Path resolved() {
    try {
      return directory.toRealPath();
    } catch (IOException gone) {
      return directory; // Then nothing can run there, and what was asked is not what would run.
    }
  }
}
