package dev.portcullis.run;

import dev.portcullis.harness.HarnessUpdate;

/**
 * How much of an attempt is stored: what an agent says and does without end would fill the journal. Belongs
 * to one actor.
 */
final class Output {
  private final long charsMax;
  private long chars;

  Output(long charsMax) {
    this.charsMax = charsMax;
  }

  /** Counts an update; false when it and what came before are more than is stored. An end always fits. */
  boolean fits(HarnessUpdate update) {
    chars += switch (update) {
      case HarnessUpdate.Text(var text) -> text.length();
      case HarnessUpdate.TextReplaced _,
          HarnessUpdate.StepStarted _,
          HarnessUpdate.StepFinished _,
          HarnessUpdate.ApprovalRequested _,
          HarnessUpdate.ApprovalWithdrawn _ -> Backlog.weightOf(update);
      case HarnessUpdate.Attached _,
          HarnessUpdate.Usage _,
          HarnessUpdate.Unknown _,
          HarnessUpdate.End _ -> 0;
    };
    return chars <= charsMax || update instanceof HarnessUpdate.End;
  }
}
