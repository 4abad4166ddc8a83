package dev.portcullis.harness.codex;

import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.HarnessUpdate.Usage;
import dev.portcullis.harness.agent.AgentConnection.Turn;
import dev.portcullis.harness.agent.ToolCall;
import dev.portcullis.harness.agent.ToolCall.Status;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One turn, from its request to its end. News belong to the thread that reads from Codex; the rest may be
 * called by anyone.
 *
 * <p>A process works for one conversation, so whatever it does meanwhile is done for this turn: calls and
 * questions of helpers that Codex runs as threads of their own count too. Their words do not.
 */
final class CodexTurn {
  /** Codex's id of the turn; empty when it ended without one. */
  final CompletableFuture<String> id = new CompletableFuture<>();
  /** The last updates, the end being the last of them. */
  final CompletableFuture<List<HarnessUpdate>> end = new CompletableFuture<>();
  final Turn listener;
  private final String thread;
  /** Calls that questions have allowed which will never be heard of again, by question. */
  private final Map<String, String> grants = new ConcurrentHashMap<>();
  private final Map<String, String> announced = new HashMap<>();
  private final Set<String> atWork = new HashSet<>();
  private String speaking = "";
  private Usage before = new Usage(0, 0);
  private boolean counting;

  CodexTurn(String thread, Turn listener) {
    this.thread = thread;
    this.listener = listener;
    end.whenComplete((_, _) -> id.complete("")); // Nobody waits for ever.
  }

  /**
   * Takes news, and completes the {@link #id}; the end is the caller's business.
   *
   * @return whether this turn is over with it
   */
  boolean hear(CodexEvent.News news) {
    var ofThread = news.thread().equals(thread);
    if (ofThread && news.event() instanceof CodexEvent.TurnBegan) {
      id.complete(news.turn()); // The answer to our request says the same, but may be handled later.
    }
    var ofTurn = ofThread && !news.turn().isEmpty() && news.turn().equals(id.getNow(""));
    switch (news.event()) {
      case CodexEvent.TurnBegan _ when !ofThread -> atWork.add(news.thread());
      case CodexEvent.TurnOver _ when !ofThread -> atWork.remove(news.thread());
      case CodexEvent.Piece(var message, var text) when ofTurn -> piece(message, text);
      case CodexEvent.Said(var message, var text) when ofTurn -> {
        piece(message, "");
        speaking = "";
        listener.said(text);
      }
      case CodexEvent.Tool(var call) when ofTurn || !ofThread -> tool(call);
      case CodexEvent.Used used when ofTurn -> used(used);
      case CodexEvent.Resolved(var question) -> resolved(question);
      case CodexEvent.Other(var kind) when ofTurn -> listener.unknown(kind);
      case CodexEvent.TurnBegan _, CodexEvent.TurnOver _, CodexEvent.Piece _, CodexEvent.Said _,
          CodexEvent.Tool _, CodexEvent.Used _, CodexEvent.Other _ -> { } // Of another turn, or known.
    }
    return ofTurn && news.event() instanceof CodexEvent.TurnOver;
  }

  /** A message that another one follows before it was over was given up: the model was called anew. */
  private void piece(String message, String text) {
    if (!speaking.equals(message)) {
      if (!speaking.isEmpty()) {
        listener.said("");
      }
      speaking = message;
    }
    listener.text(text);
  }

  private void tool(ToolCall call) {
    var over = call.status() == Status.COMPLETED || call.status() == Status.FAILED;
    if (!call.input().isEmpty()) {
      announced.put(call.callId(), call.input());
    }
    if (over) {
      announced.remove(call.callId());
      atWork.remove(call.callId());
    } else if (call.kind().equals(CodexCodec.RUNS_COMMAND)) {
      atWork.add(call.callId());
    }
    listener.tool(call);
  }

  /** Codex counts for the thread; what it had used before this turn is what its first call did not add. */
  private void used(CodexEvent.Used used) {
    if (!counting) {
      counting = true;
      before = minus(used.thread(), used.call());
    }
    listener.used(minus(used.thread(), before));
  }

  private static Usage minus(Usage all, Usage some) {
    return new Usage(all.inputTokens() - some.inputTokens(), all.outputTokens() - some.outputTokens(),
        all.cachedTokens() - some.cachedTokens(), 0);
  }

  private void resolved(String question) {
    listener.withdrawn(question);
    var granted = grants.remove(question);
    if (granted != null) {
      listener.tool(new ToolCall(granted, "", "", Status.COMPLETED, ""));
    }
  }

  /** What was allowed by this question is done as soon as Codex has heard of it. */
  void granting(String question, String callId) {
    grants.put(question, callId);
  }

  /** The input of each call that runs or waits, by its id; for the thread that brings the news. */
  Map<String, String> announced() {
    return Map.copyOf(announced);
  }

  /** Whether a command or a helper of this turn still runs. */
  boolean leavesWork() {
    return !atWork.isEmpty();
  }

  void lost(HarnessFault fault) {
    end.completeExceptionally(fault);
  }
}
