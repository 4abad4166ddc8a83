package dev.portcullis.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** Prints a run's answer as it comes; what else happens goes to standard error. */
final class AnswerPrinter implements Consumer<SseFrames.Frame> {
  private final Console console;
  private final String runId;
  private boolean midLine;
  private long attempt;
  private String harness = "";

  AnswerPrinter(Console console, String runId) {
    this.console = console;
    this.runId = runId;
  }

  @Override
  public void accept(SseFrames.Frame frame) {
    var data = frame.data();
    switch (frame.event()) {
      case "text" -> text(data);
      case "text.replaced" -> {
        aside("[says it again, corrected]", true);
        text(data);
      }
      case "step.started" -> aside("[" + data.path("title").asText("step") + "]", console.terminal());
      case "approval.requested" -> approval(data);
      case "approval.decided" -> aside("[" + (data.path("allowed").asBoolean() ? "allowed" : "denied")
          + " by " + data.path("by").asText() + "]", true);
      case "started" -> harness = data.path("harness").asText("");
      case "interrupted" -> aside(interruption(data), true);
      case "resumed" -> {
        var before = harness;
        harness = data.path("harness").asText("");
        aside(harness.equals(before) ? "[resumed]" : "[" + harness + " answers]", true);
      }
      case "parked" -> end("The run waits for you (" + data.path("reason").asText("parked")
          + "); resume it with `portcullis runs resume " + runId + "`.");
      case "failed" -> end("The run failed: " + failure(data.path("error")));
      case "aborted" -> end("The run was aborted.");
      case "completed" -> end(data.hasNonNull("into")
          ? "It went into the turn that was running; see `portcullis runs tail " + data.path("into").asText()
              + "`."
          : "");
      default -> { } // accepted, and what a newer gateway adds.
    }
  }

  private String interruption(JsonNode data) {
    var uncertain = StreamSupport.stream(data.path("uncertain").spliterator(), false)
        .map(step -> step.path("title").asText("a step"))
        .collect(Collectors.joining(", "));
    var cause = data.hasNonNull("code")
        ? (harness.isEmpty() ? "the harness" : harness) + " failed, " + data.path("code").asText()
        : "interrupted: " + data.path("cause").asText("unknown cause");
    return "[" + cause + (uncertain.isEmpty() ? "" : "; may or may not have happened: " + uncertain) + "]";
  }

  private void text(JsonNode data) {
    var piece = data.path("text").asText("");
    var from = data.path("attempt").asLong(attempt);
    if (midLine && from != attempt) {
      aside("[answers again from the beginning]", true);
    }
    attempt = from;
    console.out().print(console.terminal() ? harmless(piece) : piece);
    console.out().flush();
    midLine = midLine && piece.isEmpty() || !piece.isEmpty() && !piece.endsWith("\n");
  }

  /** An agent's words must not move the cursor, set the title or paste into the terminal. */
  private static String harmless(String piece) {
    return piece.codePoints()
        .filter(point -> point == '\n' || point == '\t' || !Character.isISOControl(point))
        .mapToObj(Character::toString)
        .collect(Collectors.joining());
  }

  private void approval(JsonNode asked) {
    aside("[waits for approval]", true);
    Shown.approval(asked).forEach(console::note);
    var id = asked.path("approvalId").asText("ID");
    aside("[answer with `portcullis approvals allow " + id + "` or `portcullis approvals deny " + id + "`]",
        true);
  }

  private void aside(String note, boolean shown) {
    if (shown) {
      endLine();
      console.note(Table.printable(note));
    }
  }

  private void end(String note) {
    endLine();
    if (!note.isEmpty()) {
      console.note(Table.printable(note));
    }
  }

  private void endLine() {
    if (midLine) {
      console.line("");
      midLine = false;
    }
  }

  /** One sentence: message, code and, when an operator was told, the reference of the alert. */
  static String failure(JsonNode error) {
    var reference = error.path("reference").asText("");
    return error.path("message").asText("no reason given").replaceAll("[.\\s]+$", "")
        + " (" + error.path("code").asText("unknown")
            + (reference.isEmpty() ? "" : ", reference " + reference) + ").";
  }
}
