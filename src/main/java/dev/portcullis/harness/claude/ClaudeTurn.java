package dev.portcullis.harness.claude;

import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.agent.AgentConnection.Turn;
import dev.portcullis.harness.agent.ToolCall;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A turn that runs: tells its listener what comes, and how it ended. Belongs to the thread that reads. */
final class ClaudeTurn {
  private final Turn listener;
  /** The last updates of the turn; fails when the process was lost. */
  final CompletableFuture<List<HarnessUpdate>> end = new CompletableFuture<>();
  private boolean begun;
  private String error = "";
  private boolean midAnswer;

  ClaudeTurn(Turn listener) {
    this.listener = listener;
  }

  Turn listener() {
    return listener;
  }

  /** Whether Claude Code has begun with it: a prompt may lie in a pipe for a while. */
  boolean begun() {
    return begun;
  }

  void begin() {
    begun = true;
  }

  void answerBegun() {
    midAnswer = true;
    listener.said(""); // Pieces that no message made whole were of an answer that broke, and come again.
  }

  void piece(String text) {
    listener.text(text);
  }

  void said(String text) {
    midAnswer = false;
    listener.said(text);
  }

  void tool(ToolCall call) {
    midAnswer = false;
    listener.tool(call);
  }

  void modelFailed(String word) {
    error = word;
  }

  /** @param costMicros of this turn */
  void over(ClaudeMessage.Result result, long costMicros) {
    var tokens = result.tokens();
    var usage = new HarnessUpdate.Usage(tokens.input(), tokens.output(), tokens.cached(), costMicros);
    var last = result.outcome().equals("success") && !result.error()
        ? new HarnessUpdate.Completed(result.stopReason())
        : new HarnessUpdate.Failed(ClaudeFaults.of(result, error, midAnswer));
    end.complete(List.of(usage, last));
  }
}
