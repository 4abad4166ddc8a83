package dev.portcullis.harness.agent;

import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.AttemptSpec.Interruption;
import dev.portcullis.protocol.Message;
import java.util.List;

/** Words an attempt for the agent. Pure. */
final class AgentPrompt {
  private AgentPrompt() {}

  /** @param fresh the agent's session knows nothing of the conversation so far */
  static String of(AttemptSpec spec, boolean fresh) {
    var prompt = new StringBuilder();
    if (fresh && !spec.transcript().isEmpty()) {
      prompt.append("The conversation so far, for you to know; do not answer it again:\n\n");
      spec.transcript().forEach(message ->
          prompt.append('[').append(message.role()).append("]\n").append(said(message)).append("\n\n"));
      prompt.append("[end of the conversation so far]\n\n");
    }
    switch (spec.interruption()) {
      case Interruption.None _ -> { }
      case Interruption.Cut cut -> note(prompt, cut);
    }
    return prompt.append(spec.message()).toString();
  }

  /** An agent is shown the images of its own turn; of earlier ones it is only told. */
  private static String said(Message message) {
    var text = new StringBuilder(message.text());
    message.images().forEach(image ->
        text.append("\n[an image was here: ").append(image.mediaType()).append(']'));
    message.calls().forEach(call ->
        text.append("\n[called ").append(call.name()).append(" with ").append(call.arguments()).append(']'));
    return text.toString();
  }

  private static void note(StringBuilder prompt, Interruption.Cut cut) {
    prompt.append("Note from the gateway: your work on the message below was cut off (").append(cut.cause())
        .append("). This is a continuation of that work, not a new request.\n");
    list(prompt, "Finished before it was cut off; do not do these again:", cut.finished());
    list(prompt, "Begun, and nobody knows with what outcome; find out what really happened before you go on, "
        + "and do not simply repeat these:", cut.uncertain());
    prompt.append("\nThe message:\n\n");
  }

  private static void list(StringBuilder prompt, String heading, List<String> steps) {
    if (!steps.isEmpty()) {
      prompt.append(heading).append('\n');
      steps.forEach(step -> prompt.append("- ").append(step).append('\n'));
    }
  }
}
