package dev.portcullis.harness.echo;

import dev.portcullis.harness.Action;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.AttemptSpec.Interruption;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.InputDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What one attempt will do, in order. Pure. */
final class EchoScript {
  sealed interface Play {}

  record Report(HarnessUpdate update) implements Play {}

  record Wait(Duration time) implements Play {}

  /** Goes on with the next action when allowed, and with {@code denied} when not. */
  record Ask(HarnessUpdate.ApprovalRequested approval, List<Play> denied) implements Play {}

  record Hang() implements Play {}

  private EchoScript() {}

  /** A message that can't be read becomes a script that says so. */
  static List<Play> of(AttemptSpec spec) {
    try {
      return of(spec, EchoDirective.of(spec.message()));
    } catch (HarnessFault fault) {
      return List.of(new Report(new HarnessUpdate.Failed(fault)));
    }
  }

  private static List<Play> of(AttemptSpec spec, EchoDirective directive) {
    var actions = new ArrayList<Play>();
    if (directive.approve()) {
      actions.add(ask(spec, directive));
    }
    actions.add(new Wait(directive.first()));
    var note = step(actions, spec, directive);
    var words = words(directive, note);
    if (directive.correct()) {
      actions.add(new Report(new HarnessUpdate.Text("oops ")));
    }
    for (int i = 0; i < words.size(); i++) {
      if (i > 0) {
        actions.add(new Wait(directive.gap()));
      }
      actions.add(new Report(new HarnessUpdate.Text(words.get(i))));
    }
    if (directive.correct()) {
      actions.add(new Report(new HarnessUpdate.TextReplaced(String.join("", words))));
    }
    if (directive.hang()) {
      actions.add(new Hang());
    }
    actions.add(new Report(directive.fails(spec.attempt())
        ? new HarnessUpdate.Failed(HarnessFault.requested(directive.fail()))
        : new HarnessUpdate.Completed("end_turn")));
    return actions;
  }

  private static Ask ask(AttemptSpec spec, EchoDirective directive) {
    var asked = new Action("other", "echo the message", directive.text(), spec.workspace());
    return new Ask(asked.asked("approval-" + spec.runId() + "-" + spec.attempt()), List.of(
        new Report(new HarnessUpdate.Text("The request was denied.")),
        new Report(new HarnessUpdate.Completed("end_turn"))));
  }

  /** Adds the step unless an earlier try began it; returns what the answer has to say about that. */
  private static String step(List<Play> actions, AttemptSpec spec, EchoDirective directive) {
    var name = directive.step();
    if (name.isEmpty()) {
      return "";
    }
    switch (spec.interruption()) {
      case Interruption.Cut cut when cut.finished().contains(name) -> {
        return "";
      }
      case Interruption.Cut cut when cut.uncertain().stream().anyMatch(told -> isStep(told, name)) -> {
        return " (the outcome of " + name + " is unknown, it was not repeated)";
      }
      case Interruption.Cut _, Interruption.None _ -> {
        var id = "step-" + spec.attempt() + "-1";
        actions.add(new Report(new HarnessUpdate.StepStarted(id, name, "other", InputDigest.of(name))));
        actions.add(new Wait(directive.stepTime()));
        actions.add(new Report(new HarnessUpdate.StepFinished(id, true)));
        return "";
      }
    }
  }

  /** A step is told with a digest behind its title. */
  private static boolean isStep(String told, String name) {
    return told.equals(name) || told.startsWith(name + " (");
  }

  /** Pieces that add up to exactly the answer, cut before each word. */
  private static List<String> words(EchoDirective directive, String note) {
    var words = new ArrayList<>(List.of(("echo: " + directive.text() + note).split("(?<=\\s)(?=\\S)")));
    while (words.size() < directive.words()) {
      var last = words.removeLast();
      words.add(last.endsWith(" ") ? last : last + " ");
      words.add("word" + (words.size() + 1));
    }
    return words;
  }
}
