package dev.portcullis.harness.agent;

import dev.portcullis.harness.Harness.Registration;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.ProcessIdentity;
import dev.portcullis.protocol.Image;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * One process of an agent and the protocol spoken with it: at most one session, with at most one turn at a
 * time. What differs between agents is behind this; what is the same for all is in front of it. Thread-safe;
 * no method blocks. Stages fail with a {@link HarnessFault} only.
 */
public interface AgentConnection {
  /** Completes when the handshake is over, with what was learned by it. */
  CompletionStage<Registration> ready();

  /** What it speaks with now. */
  AgentProcess process();

  /** Completes when the process is gone or broke the protocol beyond use. */
  default CompletionStage<HarnessFault> ended() {
    return process().ended();
  }

  /** Whether its process runs, asked of the kernel: news of its death may still be on the way. */
  default boolean alive() {
    return process().alive();
  }

  /** Of the process; known once {@link #ready}. */
  default ProcessIdentity identity() {
    return process().identity();
  }

  /** Whether this process can go on with the session named, or make one if the name is empty. */
  default boolean serves(String session) {
    return true;
  }

  /** Makes a session, or reopens the one named; one that can't be reopened is replaced by a new one. */
  CompletionStage<Opened> open(String wanted);

  /**
   * Starts a turn in the open session, and tells {@code turn} of it until it is over. The last updates come
   * here, the very last being the end; fails when the process was lost.
   *
   * @param images none unless it was {@link #ready} for them; {@code text} may be empty then
   */
  CompletionStage<List<HarnessUpdate>> prompt(String text, List<Image> images, Turn turn);

  /** Nobody listens to the turn any more: what comes late belongs to nobody. */
  void turnOver();

  /** Asks the agent to end the running turn; open questions are answered by then. */
  void cancel();

  /** See {@link dev.portcullis.harness.Harness.Attempt#steer}. */
  default CompletionStage<Boolean> steer(String text) {
    return CompletableFuture.completedStage(false);
  }

  /** Ends the process and all it started; completes when nothing is left. */
  default CompletionStage<Void> stop(Duration grace) {
    return process().stop(grace);
  }

  /** The last of what the agent wrote to standard error, in one line for the log. */
  default String errorTail() {
    return process().errorTail();
  }

  /** A session that can be prompted; {@code fresh}: it knows nothing of the conversation so far. */
  record Opened(String sessionId, boolean fresh) {}

  /** Who hears of the turn that runs, one call at a time. */
  interface Turn {
    /** A piece of the answer. */
    void text(String piece);

    /** All of what the pieces since the last such call should have said. */
    void said(String whole);

    /** News of a tool call, old or new. */
    void tool(ToolCall news);

    /** The agent waits for an answer. */
    void asked(Question question);

    /** It no longer waits for the answer to this one. */
    void withdrawn(String questionId);

    /** What the turn has used so far. */
    void used(HarnessUpdate.Usage usage);

    /** Something we do not know: a newer agent must not end a run. */
    void unknown(String kind);

    /** For the thread that reads from the agent: see {@link dev.portcullis.harness.UpdateSink#awaitRoom}. */
    void awaitRoom();
  }

  /**
   * What an agent asks before it does something.
   *
   * @param id names the question within its connection
   * @param tool all that the question tells of the call
   */
  record Question(String id, ToolCall tool, Responder responder) {}

  /** How a question is answered; called once. */
  @FunctionalInterface
  interface Responder {
    /** @return whether the agent was allowed: it may leave no way to say so */
    boolean answer(Answer answer);
  }

  /** {@code CANCEL}: nobody will answer, the turn is being ended. */
  enum Answer { ALLOW, DENY, CANCEL }
}
