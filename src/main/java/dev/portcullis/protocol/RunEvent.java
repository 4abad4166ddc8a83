package dev.portcullis.protocol;

import java.time.Instant;

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

  public record ApprovalRequested(
      String approvalId, String kind, String title, String input, String digest)
      implements Body {
    @Override
    public String type() {
      return "approval.requested";
    }
  }

  public record ApprovalDecided(String approvalId, boolean allowed, String by) implements Body {
    @Override
    public String type() {
      return "approval.decided";
    }
  }

  public record Interrupted(int attempt, String cause) implements Body {
    @Override
    public String type() {
      return "interrupted";
    }
  }

  public record Resumed(int attempt, String harness) implements Body {
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

  public record Completed(String stopReason, Usage usage) implements Body {
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
