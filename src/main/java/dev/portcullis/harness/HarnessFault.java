package dev.portcullis.harness;

import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CompletionException;

/** A harness could not do its work. The message is for operators; it holds no prompt and no secret. */
public final class HarnessFault extends RuntimeException {
  /** What went wrong, closed: decides exit code, retry and what the user is told. */
  public enum Code {
    /** The program does not exist or may not be run. */
    NOT_FOUND(false, true, "harness_failed"),
    /** The program is there, and of a version or protocol we do not speak. */
    WRONG_VERSION(false, true, "harness_failed"),
    /** Settings or credentials are missing. */
    NOT_CONFIGURED(false, true, "harness_failed"),
    /** No answer in time. */
    TIMEOUT(true, true, "harness_timeout"),
    /** The process ended, or the connection broke. */
    LOST(true, true, "harness_failed"),
    /** The peer broke its protocol. */
    MALFORMED(true, true, "harness_failed"),
    /** The peer answered with an error that says no more. */
    REFUSED(true, true, "harness_failed"),
    /** The model wants credentials, or refuses those it got: 401, 403. */
    AUTHENTICATION(false, true, "authentication_failed"),
    /** Too many requests or tokens in this time: 429. */
    RATE_LIMITED(true, true, "rate_limited"),
    /** The account has nothing left, which waiting does not change: 402, 429 without a way back. */
    QUOTA(false, true, "quota_exceeded"),
    /** The model has no capacity now: 503, 529. */
    OVERLOADED(true, true, "overloaded"),
    /** The model server failed: 500, 502, 504. */
    UPSTREAM(true, true, "model_error"),
    /** The answer broke off before its end. */
    CUT(true, true, "stream_cut"),
    /** No such model: 404. */
    MODEL_NOT_FOUND(false, true, "model_not_found"),
    /** The conversation is longer than the model takes. */
    CONTEXT_LENGTH(false, true, "context_length_exceeded"),
    /** The model server calls the request wrong: 400; another one would most likely too. */
    INVALID_REQUEST(false, false, "invalid_request"),
    /** The model, or a filter in front of it, does not want to answer this; nobody else is asked then. */
    CONTENT_REFUSED(false, false, "content_refused"),
    /** The harness was asked to fail, by an echo directive. */
    REQUESTED(false, false, "harness_failed");

    private final boolean retryable;
    private final boolean elsewhere;
    private final String reason;

    Code(boolean retryable, boolean elsewhere, String reason) {
      this.retryable = retryable;
      this.elsewhere = elsewhere;
      this.reason = reason;
    }

    /** What an HTTP status of a model server means, if it is one of failure. */
    public static Optional<Code> ofStatus(int status) {
      return switch (status) {
        case 401, 403 -> Optional.of(AUTHENTICATION);
        case 402 -> Optional.of(QUOTA);
        case 404 -> Optional.of(MODEL_NOT_FOUND);
        case 408 -> Optional.of(TIMEOUT);
        case 429 -> Optional.of(RATE_LIMITED);
        case 503, 529 -> Optional.of(OVERLOADED);
        default -> status >= 500 && status < 600
            ? Optional.of(UPSTREAM)
            : Optional.of(INVALID_REQUEST).filter(_ -> status >= 400 && status < 500);
      };
    }

    /** Whether waiting can help; if not, somebody has to change something. */
    public boolean retryable() {
      return retryable;
    }

    /** Whether another harness may succeed where this one failed. */
    public boolean elsewhere() {
      return elsewhere;
    }

    /** The error code that users see. */
    public String reason() {
      return reason;
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
    return new HarnessFault(code, code.reason(), message);
  }

  /** What made a stage fail, without the wrapping of futures. */
  public static HarnessFault in(Throwable failure) {
    var wrapped = failure instanceof CompletionException && failure.getCause() != null;
    var cause = wrapped ? failure.getCause() : failure;
    return cause instanceof HarnessFault fault ? fault : of(Code.LOST, "the connection broke: " + cause);
  }

  /** A required field is missing or of the wrong type. */
  public static HarnessFault malformed(String field, String expected) {
    return of(Code.MALFORMED, "field " + field + ": expected " + expected);
  }

  /** Fails with an error code of the asker's own choice; one that is known means what it always means. */
  public static HarnessFault requested(String reason) {
    var code = Arrays.stream(Code.values())
        .filter(known -> known.reason().equals(reason) && !reason.equals(Code.REQUESTED.reason()))
        .findFirst()
        .orElse(Code.REQUESTED);
    return new HarnessFault(code, reason, "the message asked for this failure");
  }

  public Code code() {
    return code;
  }

  /** The error code that the user sees: the code's own unless another was asked for. */
  public String reason() {
    return reason;
  }
}
