package dev.portcullis.harness.agent;

import dev.portcullis.harness.Action;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.Harness.Attempt;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.UpdateSink;
import dev.portcullis.harness.agent.AgentConnection.Answer;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One attempt: waits for a process, opens the session, runs the turn. Its lock keeps updates in order and
 * makes the end the last one.
 */
final class AgentAttempt implements Attempt, AgentConnection.Turn {
  /**
   * What is shared by all attempts of a harness.
   *
   * @param name of the harness
   */
  record Parts(String name, AgentPool pool, ScheduledExecutorService timer) {}

  private sealed interface Phase {}

  private record Waiting() implements Phase {}

  private record Opening(AgentConnection connection) implements Phase {}

  private record Running(AgentConnection connection) implements Phase {}

  /** The turn is over, and its process, with what that had started, is being ended. */
  private record Clearing(CompletionStage<Void> gone) implements Phase {}

  /** @param gone completes when no process is left that had to go */
  private record Over(CompletionStage<Void> gone) implements Phase {}

  private record Asked(AgentConnection.Question question, Action action) {}

  /**
   * A call that is announced becomes a step when nothing was heard of it for so long; see {@link ToolSteps}.
   */
  private static final Duration HOLD = Duration.ofMillis(150);
  /** Longest time that a cancelled turn gets before its process is ended, when it must go anyway. */
  private static final Duration CANCEL_WAIT = Duration.ofSeconds(2);
  private static final CompletionStage<Void> NOTHING_TO_GO = CompletableFuture.completedStage(null);
  private static final Logger log = LoggerFactory.getLogger(AgentAttempt.class);

  private final Parts parts;
  private final AttemptSpec spec;
  private final UpdateSink updates;
  private final ToolSteps steps = new ToolSteps();
  private final AnswerText answer = new AnswerText();
  private final Map<String, Asked> questions = new LinkedHashMap<>();
  private final CompletableFuture<Void> turnEnded = new CompletableFuture<>();
  private volatile Phase phase = new Waiting();
  private boolean aborting;
  private boolean abortedInStep;
  private boolean secondTry;
  private boolean holding;
  private int asked;

  AgentAttempt(Parts parts, AttemptSpec spec, UpdateSink updates) {
    this.parts = parts;
    this.spec = spec;
    this.updates = updates;
  }

  // ---- getting there
  void begin() {
    parts.pool().acquire(spec.conversation(), spec.workspace(), spec.nativeSession(), this::waiting)
        .whenComplete((connection, failure) -> {
      if (failure == null) {
        open(connection);
      } else {
        failed(HarnessFault.in(failure));
      }
    });
  }

  /** Asked under the pool's lock, so it takes none of its own. */
  private boolean waiting() {
    return phase instanceof Waiting;
  }

  private synchronized void failed(HarnessFault fault) {
    if (!(phase instanceof Over)) {
      end(NOTHING_TO_GO, new HarnessUpdate.Failed(fault));
    }
  }

  private synchronized void open(AgentConnection connection) {
    if (!(phase instanceof Waiting)) {
      parts.pool().release(connection); // Nobody waits any more.
      return;
    }
    phase = new Opening(connection);
    connection.ready()
        .thenCompose(_ -> connection.open(spec.nativeSession()))
        .whenComplete((opened, failure) -> {
          if (failure == null) {
            run(connection, opened);
          } else {
            notOpened(connection, HarnessFault.in(failure));
          }
        });
  }

  private synchronized void notOpened(AgentConnection connection, HarnessFault fault) {
    if (phase instanceof Over) {
      return;
    }
    var gone = parts.pool().discard(connection, Duration.ZERO);
    // A warm process may have died unnoticed; nothing was asked of it.
    if (fault.code() == Code.LOST && !secondTry) {
      secondTry = true;
      phase = new Waiting();
      // Without our lock: the pool may serve others on the way, who have locks of their own.
      gone.whenCompleteAsync((_, _) -> begin());
      return;
    }
    logLoss(connection, "session", fault);
    end(gone, new HarnessUpdate.Failed(fault));
  }

  private synchronized void run(AgentConnection connection, AgentConnection.Opened opened) {
    if (phase instanceof Over) {
      return;
    }
    phase = new Running(connection);
    updates.accept(new HarnessUpdate.Attached(opened.sessionId(), List.of(connection.identity())));
    connection.prompt(AgentPrompt.of(spec, opened.fresh()), spec.input().images(), this)
        .whenComplete((last, failure) -> ended(connection, failure == null
            ? last
            : List.of(new HarnessUpdate.Failed(HarnessFault.in(failure))), failure != null));
  }

  // ---- the turn
  private synchronized void ended(AgentConnection connection, List<HarnessUpdate> last, boolean lost) {
    connection.turnOver();
    turnEnded.complete(null);
    if (!(phase instanceof Running)) {
      return;
    }
    if (!lost) { // Of a step that was cut off with its process nobody knows how it ended.
      cancelQuestions();
      steps.close().forEach(updates::accept);
      last.stream().filter(update -> !(update instanceof HarnessUpdate.End)).forEach(updates::accept);
    } else if (!aborting && last.getLast() instanceof HarnessUpdate.Failed(var fault)) {
      logLoss(connection, "turn", fault);
    }
    if (lost || abortedInStep) {
      // Agents end the command itself, not what it put into the background or into a session of its own. One
      // that lives gets a moment to write down what it will be asked to resume.
      var gone = parts.pool().discard(connection, lost ? Duration.ZERO : CANCEL_WAIT);
      phase = new Clearing(gone);
      // Reported only when nothing is left: the next attempt may be on another harness.
      gone.whenComplete((_, _) -> cleared(last.getLast()));
    } else {
      parts.pool().release(connection);
      end(NOTHING_TO_GO, aborting ? new HarnessUpdate.Aborted() : last.getLast());
    }
  }

  private synchronized void cleared(HarnessUpdate end) {
    if (phase instanceof Clearing(var gone)) {
      end(gone, aborting ? new HarnessUpdate.Aborted() : end);
    }
  }

  private void end(CompletionStage<Void> gone, HarnessUpdate end) {
    phase = new Over(gone);
    updates.accept(end);
  }

  @Override
  public synchronized void text(String piece) {
    if (phase instanceof Running) {
      answer.piece(piece).forEach(updates::accept);
    }
  }

  @Override
  public synchronized void said(String whole) {
    if (phase instanceof Running) {
      answer.whole(whole).forEach(updates::accept);
    }
  }

  @Override
  public synchronized void tool(ToolCall news) {
    if (phase instanceof Running) {
      steps.apply(news).forEach(updates::accept);
      abortedInStep |= aborting && steps.anyRunning(); // It was on its way when the abort came.
      hold();
    }
  }

  @Override
  public synchronized void used(HarnessUpdate.Usage usage) {
    if (phase instanceof Running) {
      updates.accept(usage);
    }
  }

  @Override
  public synchronized void unknown(String kind) {
    if (phase instanceof Running) {
      updates.accept(new HarnessUpdate.Unknown(kind));
    }
  }

  /** Without the lock: who reads from the agent waits here, and whoever ends the attempt must not. */
  @Override
  public void awaitRoom() {
    if (phase instanceof Running) {
      updates.awaitRoom();
    }
  }

  private void hold() {
    if (!holding && steps.anyAnnounced()) {
      holding = true;
      parts.timer().schedule(this::held, HOLD.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private synchronized void held() {
    holding = false;
    if (phase instanceof Running) {
      steps.beginAnnounced().forEach(updates::accept);
    }
  }

  @Override
  public synchronized void asked(AgentConnection.Question question) {
    if (!(phase instanceof Running) || aborting) {
      question.responder().answer(Answer.CANCEL);
      return;
    }
    var tool = steps.asked(question.tool());
    var action = new Action(tool.shownKind(), tool.shownTitle(), tool.input(), spec.workspace());
    var approvalId = spec.runId() + "-" + spec.attempt() + "-" + ++asked;
    questions.put(approvalId, new Asked(question, action));
    updates.accept(action.asked(approvalId));
  }

  @Override
  public synchronized void withdrawn(String questionId) {
    if (!(phase instanceof Running)) {
      return;
    }
    var ids = questions.entrySet().stream()
        .filter(open -> open.getValue().question().id().equals(questionId))
        .map(Map.Entry::getKey)
        .toList();
    ids.forEach(approvalId -> {
      questions.remove(approvalId);
      updates.accept(new HarnessUpdate.ApprovalWithdrawn(approvalId));
    });
  }

  @Override
  public synchronized void decide(String approvalId, String digest, boolean allow) {
    var open = questions.remove(approvalId);
    if (open == null || !(phase instanceof Running)) {
      return;
    }
    boolean same = open.action().digest().equals(digest);
    if (allow && !same) {
      log.warn("agent.approval_void name={} approval={} cause=\"it is no longer what was approved\"",
          parts.name(), approvalId);
    }
    boolean allowed = open.question().responder().answer(allow && same ? Answer.ALLOW : Answer.DENY);
    steps.decided(open.question().tool().callId(), allowed).forEach(updates::accept);
  }

  @Override
  public CompletionStage<Boolean> steer(String message) {
    return phase instanceof Running(var connection) && !aborting
        ? connection.steer(message)
        : CompletableFuture.completedStage(false);
  }

  private void cancelQuestions() {
    questions.values().forEach(open -> open.question().responder().answer(Answer.CANCEL));
    questions.clear();
  }

  private void logLoss(AgentConnection connection, String during, HarnessFault fault) {
    log.warn("agent.process_lost name={} during={} code={} cause=\"{}\" stderr=\"{}\"",
        parts.name(), during, fault.code(), fault.getMessage(), connection.errorTail());
  }

  // ---- ending it
  @Override
  public synchronized void abort(Duration grace) {
    if (aborting) {
      return;
    }
    aborting = true;
    switch (phase) {
      case Waiting _ -> end(NOTHING_TO_GO, new HarnessUpdate.Aborted());
      case Opening(var connection) ->
          end(parts.pool().discard(connection, grace.dividedBy(2)), new HarnessUpdate.Aborted());
      case Running(var connection) -> {
        abortedInStep = steps.anyRunning();
        cancelQuestions();
        connection.cancel();
        // The last fifth of the grace is for ending the process of an agent that does not listen.
        var polite = grace.multipliedBy(4).dividedBy(5);
        parts.timer().schedule(() -> force(connection, grace.minus(polite)), polite.toMillis(),
            TimeUnit.MILLISECONDS);
      }
      case Clearing _, Over _ -> { }
    }
  }

  private synchronized void force(AgentConnection connection, Duration grace) {
    if (phase instanceof Running) {
      parts.pool().discard(connection, grace)
          .whenComplete((_, _) -> ended(connection, List.of(new HarnessUpdate.Aborted()), true));
    }
  }

  @Override
  public synchronized CompletionStage<Void> stop(Duration grace) {
    var gone = switch (phase) {
      case Over(var already) -> already;
      case Clearing(var already) -> already;
      case Waiting _ -> NOTHING_TO_GO;
      case Opening(var connection) -> parts.pool().discard(connection, grace);
      case Running(var connection) -> {
        cancelQuestions();
        connection.cancel();
        var wait = grace.dividedBy(3).compareTo(CANCEL_WAIT) < 0 ? grace.dividedBy(3) : CANCEL_WAIT;
        yield turnEnded.copy().completeOnTimeout(null, wait.toMillis(), TimeUnit.MILLISECONDS)
            .thenCompose(_ -> parts.pool().discard(connection, grace.minus(wait)));
      }
    };
    phase = new Over(gone);
    return gone;
  }
}
