package dev.portcullis.harness.codex;

import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.agent.ToolCall;
import java.util.List;

/** What a notification tells. */
sealed interface CodexEvent {
  /** @param turn empty where the event is of the thread */
  record News(String thread, String turn, CodexEvent event) {}

  record TurnBegan() implements CodexEvent {}

  /** @param last what is left to be said, the end being the last */
  record TurnOver(List<HarnessUpdate> last) implements CodexEvent {
    public TurnOver {
      last = List.copyOf(last);
    }
  }

  /** A message begins, or goes on with a piece. */
  record Piece(String messageId, String text) implements CodexEvent {}

  /** A message is over, and this is all of it. */
  record Said(String messageId, String text) implements CodexEvent {}

  /** What is now known of one tool call; what is empty stays as it was. */
  record Tool(ToolCall call) implements CodexEvent {}

  /** Used by the whole thread so far, and of that by its newest call of the model. */
  record Used(HarnessUpdate.Usage thread, HarnessUpdate.Usage call) implements CodexEvent {}

  /** A question was answered, or nobody waits for its answer any more. */
  record Resolved(String questionId) implements CodexEvent {}

  record Other(String kind) implements CodexEvent {}
}
