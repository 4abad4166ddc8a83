package dev.portcullis.protocol;

/**
 * A step that began and of which no end is known. Once its attempt is over its outcome is uncertain.
 *
 * @param inputDigest SHA-256 in hex of what it was given, empty when the harness did not tell
 */
public record OpenStep(String stepId, String title, String kind, String inputDigest) {
  private static final int DIGEST_SHOWN = 12;

  /** The title on one line: it is the agent's word, and must not look like more than one of ours. */
  public String line() {
    return title.replaceAll("\\p{Cntrl}+", " ");
  }

  /** For agents and people: the title, and as much of the digest as tells two inputs apart. */
  public String words() {
    return inputDigest.isEmpty()
        ? line()
        : line() + " (input " + inputDigest.substring(0, Math.min(DIGEST_SHOWN, inputDigest.length())) + ")";
  }
}
