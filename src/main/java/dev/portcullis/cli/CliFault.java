package dev.portcullis.cli;

import java.time.Duration;

/** A command cannot do what it was asked. The message is one sentence that says what to do. */
final class CliFault extends RuntimeException {
  /** Why, and with that the exit code. */
  enum Code {
    /** The request was refused, or what it names does not exist. */
    REFUSED(1),
    /** Nobody listens there. */
    ABSENT(75),
    /** The connection broke, or the gateway refuses for now: worth another try. */
    UNAVAILABLE(75),
    /** Too much is under way; a person decides whether to try again. */
    BUSY(75),
    /** The token is missing, wrong or too weak. */
    FORBIDDEN(77),
    /** The answer is not one of ours. */
    UNINTELLIGIBLE(70);

    private final int exit;

    Code(int exit) {
      this.exit = exit;
    }

    int exit() {
      return exit;
    }
  }

  private final Code code;
  private final Duration retryAfter;

  private CliFault(Code code, String message, Duration retryAfter) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }

  static CliFault of(Code code, String message) {
    return new CliFault(code, message, Duration.ZERO);
  }

  /** @param cause shown by {@code --debug} */
  static CliFault of(Code code, String message, Throwable cause) {
    var fault = of(code, message);
    fault.initCause(cause);
    return fault;
  }

  /** The gateway said when to come again. */
  static CliFault retryable(String message, Duration retryAfter) {
    return new CliFault(Code.UNAVAILABLE, message, retryAfter);
  }

  /** How long the gateway asks to wait; zero when it does not say. */
  Duration retryAfter() {
    return retryAfter;
  }

  Code code() {
    return code;
  }
}
