package dev.portcullis.session;

import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.run.Run;
import java.util.List;

/** One thing that is heard of an attempt. {@code number} tells steps and questions apart. */
record Word(Kind kind, int number) {
  enum Kind {
    ATTACHED, TEXT, STEP_STARTED, STEP_FINISHED, APPROVAL, USAGE, UNKNOWN, COMPLETED, FAILED, ABORTED,
    /** Not from the harness: the attempt says these of itself. */
    SILENT, RESTED
  }

  static Word of(Kind kind) {
    return new Word(kind, 1);
  }

  String id() {
    return "id-" + number;
  }

  String title() {
    return "step " + number;
  }

  HarnessUpdate update() {
    return switch (kind) {
      case ATTACHED -> new HarnessUpdate.Attached("native-" + number, List.of());
      case TEXT -> new HarnessUpdate.Text("text " + number + " ");
      case STEP_STARTED -> new HarnessUpdate.StepStarted(id(), title(), "tool", "d");
      case STEP_FINISHED -> new HarnessUpdate.StepFinished(id(), true);
      case APPROVAL -> new HarnessUpdate.ApprovalRequested(id(), "execute", title(), "rm", "d");
      case USAGE -> new HarnessUpdate.Usage(number, number);
      case UNKNOWN -> new HarnessUpdate.Unknown("new");
      case COMPLETED -> new HarnessUpdate.Completed("end_turn");
      case FAILED -> new HarnessUpdate.Failed(HarnessFault.of(HarnessFault.Code.LOST, "the process died"));
      case ABORTED -> new HarnessUpdate.Aborted();
      case SILENT, RESTED -> throw new IllegalStateException("no harness says " + kind);
    };
  }

  Run.News news() {
    return switch (kind) {
      case SILENT -> new Run.Failed("harness_timeout", "The agent was silent.", "");
      case RESTED -> new Run.Rested();
      default -> new Run.Happened(update());
    };
  }
}
