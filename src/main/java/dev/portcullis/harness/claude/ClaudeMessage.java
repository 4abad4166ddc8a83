package dev.portcullis.harness.claude;

import dev.portcullis.harness.agent.ToolCall;

/** What Claude Code says, in our words. */
sealed interface ClaudeMessage {
  /** A turn begins, in this session: ours, or one that it began by itself. */
  record TurnBegun(String session) implements ClaudeMessage {}

  /** The model begins to answer; what was streamed of an answer that broke is void. */
  record AnswerBegun() implements ClaudeMessage {}

  /** A piece of what is being said. */
  record Piece(String text) implements ClaudeMessage {}

  /** All of what was being said. */
  record Said(String text) implements ClaudeMessage {}

  record Tool(ToolCall call) implements ClaudeMessage {}

  /**
   * It waits for permission.
   *
   * @param tool its own name of the tool
   */
  record Asked(String requestId, String tool, ToolCall call) implements ClaudeMessage {}

  record Withdrawn(String requestId) implements ClaudeMessage {}

  /** It asks for something that we never offered, and waits. */
  record Foreign(String requestId, String subtype) implements ClaudeMessage {}

  /**
   * The answer to a request of ours.
   *
   * @param error empty when it was granted
   * @param login whether it knows how to identify itself to a model; true when it does not tell
   */
  record Reply(String requestId, String error, boolean login) implements ClaudeMessage {}

  /** A call of the model failed and will be made again. */
  record Retried(int attempt, int attemptsMax, int status, String error) implements ClaudeMessage {}

  /** The model failed for good: the turn is about to end. */
  record ModelFailed(String error) implements ClaudeMessage {}

  /**
   * A turn is over.
   *
   * @param unasked it began this turn by itself
   * @param outcome success, or what went wrong
   * @param terminal why it came to its end, in one more word
   * @param status of the model's answer, 0 when there was none
   * @param text the answer, or what went wrong in a sentence
   * @param costMicros of all turns of the process so far
   */
  record Result(
      boolean unasked, String outcome, boolean error, String stopReason, String terminal, int status,
      String text, Tokens tokens, long costMicros) implements ClaudeMessage {}

  /** @param input all of it, from a cache or not */
  record Tokens(long input, long output, long cached) {}

  record Other(String kind) implements ClaudeMessage {}
}
