package dev.portcullis.protocol;

import java.time.Instant;
import java.util.List;

/**
 * One fact about a run as viewers see it.
 *
 * @param seq consecutive within the run, from 1; the offset to reattach with
 */
public record RunEvent(String runId, long seq, Instant at, Body body) {
  /** True when nothing follows. */
  public boolean terminal() {
    return body instanceof Completed || body instanceof Failed || body instanceof Aborted;
  }

  public sealed interface Body {
    /** The event's name on the wire. */
    String type();
  }

  public record Accepted(String sessionKey, String agent) implements Body {
    @Override
    public String type() {
      return "accepted";
    }
  }

  public record Started(int attempt, String harness) implements Body {
    @Override
    public String type() {
      return "started";
    }
  }

  /** A piece of the answer; pieces of an older attempt are superseded once a newer one has text. */
  public record Text(int attempt, String text) implements Body {
    @Override
    public String type() {
      return "text";
    }
  }

  /** All of the attempt's text so far: it takes the place of the pieces before. */
  public record TextReplaced(int attempt, String text) implements Body {
    @Override
    public String type() {
      return "text.replaced";
    }
  }

  public record StepStarted(String stepId, String title, String kind) implements Body {
    @Override
    public String type() {
      return "step.started";
    }
  }

  public record StepFinished(String stepId, boolean succeeded) implements Body {
    @Override
    public String type() {
      return "step.finished";
    }
  }

  /** The same id may come again: a resumed run asks for what was still open. */
  public record ApprovalRequested(
      String approvalId,
      String kind,
      String title,
      String input,
      String directory,
      String digest,
      Instant expiresAt)
      implements Body {
    @Override
    public String type() {
      return "approval.requested";
    }
  }

  /** What {@code by}, {@code reason} and {@code kept} say: {@link Approval.Decision}. */
  public record ApprovalDecided(String approvalId, boolean allowed, String by, String reason, boolean kept)
      implements Body {
    @Override
    public String type() {
      return "approval.decided";
    }
  }

  /**
   * @param cause crash, failover, or the reason of a planned stop
   * @param code of the failure after which another harness takes over, empty for other causes
   * @param uncertain steps that had begun and of which nobody knows how they ended
   */
  public record Interrupted(int attempt, String cause, String code, List<OpenStep> uncertain)
      implements Body {
    public Interrupted {
      uncertain = List.copyOf(uncertain);
    }

    @Override
    public String type() {
      return "interrupted";
    }
  }

  /** @param cause of the interruption before; empty in runs of older versions */
  public record Resumed(int attempt, String harness, String cause) implements Body {
    @Override
    public String type() {
      return "resumed";
    }
  }

  public record Parked(String reason, String reference) implements Body {
    @Override
    public String type() {
      return "parked";
    }
  }

  /**
   * @param into the run that answers a steered turn, empty for others
   * @param calls functions of the client's that the model wants to be called, with stop reason tool_calls
   */
  public record Completed(String stopReason, Usage usage, String into, List<FunctionCall> calls)
      implements Body {
    public Completed {
      calls = List.copyOf(calls);
    }

    public Completed(String stopReason, Usage usage, String into) {
      this(stopReason, usage, into, List.of());
    }

    public Completed(String stopReason, Usage usage) {
      this(stopReason, usage, "");
    }

    @Override
    public String type() {
      return "completed";
    }
  }

  public record Failed(RunError error) implements Body {
    @Override
    public String type() {
      return "failed";
    }
  }

  public record Aborted(String by) implements Body {
    @Override
    public String type() {
      return "aborted";
    }
  }
}
