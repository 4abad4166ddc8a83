package dev.portcullis.harness;

/** A harness could not do its work. The message is for operators; it holds no prompt and no secret. */
public final class HarnessFault extends RuntimeException {
  /** What went wrong, closed: decides exit code, retry and what the user is told. */
  public enum Code {
    /** The program does not exist or may not be run. */
    NOT_FOUND(false),
    /** The program is there, and of a version or protocol we do not speak. */
    WRONG_VERSION(false),
    /** Settings or credentials are missing. */
    NOT_CONFIGURED(false),
    /** No answer in time. */
    TIMEOUT(true),
    /** The process ended, or the connection broke. */
    LOST(true),
    /** The peer broke its protocol. */
    MALFORMED(true),
    /** The peer, or the model behind it, answered with an error. */
    REFUSED(true),
    /** The peer's model wants credentials. */
    AUTHENTICATION(false),
    /** The harness was asked to fail, by an echo directive. */
    REQUESTED(false);

    private final boolean retryable;

    Code(boolean retryable) {
      this.retryable = retryable;
    }

    /** Whether waiting can help; if not, somebody has to change something. */
    public boolean retryable() {
      return retryable;
    }
  }

  private final Code code;
  private final String reason;

  private HarnessFault(Code code, String reason, String message) {
    super(message);
    this.code = code;
    this.reason = reason;
  }

  /** @param message one sentence that says what happened and, where known, what to do */
  public static HarnessFault of(Code code, String message) {
    return new HarnessFault(code, "harness_failed", message);
  }

  /** A required field is missing or of the wrong type. */
  public static HarnessFault malformed(String field, String expected) {
    return of(Code.MALFORMED, "field " + field + ": expected " + expected);
  }

  /** Fails with an error code of the asker's own choice. */
  public static HarnessFault requested(String reason) {
    return new HarnessFault(Code.REQUESTED, reason, "the message asked for this failure");
  }

  public Code code() {
    return code;
  }

  /** The error code that the user sees: {@code harness_failed} unless the fault was asked for. */
  public String reason() {
    return reason;
  }
}
