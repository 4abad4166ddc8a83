package dev.portcullis.harness.acp;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.harness.Action;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.Harness.Attempt;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.UpdateSink;
import dev.portcullis.harness.jsonrpc.Reply;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * One attempt: waits for a process, opens the session, runs the turn. Its lock keeps updates in order and
 * makes the end the last one.
 */
final class AcpAttempt implements Attempt, AcpConnection.Turn {
  /** What is shared by all attempts of a harness. */
  record Parts(AcpPool pool, AcpSessionAges ages, ScheduledExecutorService timer) {}

  private sealed interface Phase {}

  private record Waiting() implements Phase {}

  private record Opening(AcpConnection connection) implements Phase {}

  private record Running(AcpConnection connection, String sessionId) implements Phase {}

  /** @param gone completes when no process is left that had to go */
  private record Over(CompletionStage<Void> gone) implements Phase {}

  private record Question(JsonNode requestId, AcpPermission permission, Action action) {}

  /**
   * A call that is announced becomes a step when nothing was heard of it for so long; see {@link AcpSteps}.
   */
  private static final Duration HOLD = Duration.ofMillis(150);
  /** Longest time that a cancelled turn gets before its process is ended, when it must go anyway. */
  private static final Duration CANCEL_WAIT = Duration.ofSeconds(2);
  private static final CompletionStage<Void> NOTHING_TO_GO = CompletableFuture.completedStage(null);

  private final Parts parts;
  private final AttemptSpec spec;
  private final UpdateSink updates;
  private final AcpSteps steps = new AcpSteps();
  private final Map<String, Question> questions = new LinkedHashMap<>();
  private final CompletableFuture<Void> turnEnded = new CompletableFuture<>();
  private volatile Phase phase = new Waiting();
  private boolean aborting;
  private boolean secondTry;
  private boolean holding;
  private int asked;

  AcpAttempt(Parts parts, AttemptSpec spec, UpdateSink updates) {
    this.parts = parts;
    this.spec = spec;
    this.updates = updates;
  }

  /** What failed, without the wrapping of futures. */
  static HarnessFault fault(Throwable failure) {
    var wrapped = failure instanceof CompletionException && failure.getCause() != null;
    var cause = wrapped ? failure.getCause() : failure;
    return cause instanceof HarnessFault fault
        ? fault
        : HarnessFault.of(Code.LOST, "the connection broke: " + cause);
  }

  // ---- getting there
  void begin() {
    parts.pool().acquire(spec.conversation(), spec.workspace(), this::waiting)
        .whenComplete((connection, failure) -> {
      if (failure == null) {
        open(connection);
      } else {
        failed(fault(failure));
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

  private synchronized void open(AcpConnection connection) {
    if (!(phase instanceof Waiting)) {
      parts.pool().release(connection); // Nobody waits any more.
      return;
    }
    phase = new Opening(connection);
    connection.ready()
        .thenCompose(agent -> connection.openSession(
            spec.nativeSession(), parts.ages().mayReopen(agent, spec.nativeSession())))
        .whenComplete((opened, failure) -> {
          if (failure == null) {
            run(connection, opened);
          } else {
            notOpened(connection, fault(failure));
          }
        });
  }

  private synchronized void notOpened(AcpConnection connection, HarnessFault fault) {
    if (phase instanceof Over) {
      return;
    }
    var gone = parts.pool().discard(connection, Duration.ZERO);
    // A warm process may have died unnoticed; nothing was asked of it.
    if (fault.code() == Code.LOST && !secondTry) {
      secondTry = true;
      phase = new Waiting();
      gone.thenRun(this::begin);
      return;
    }
    connection.logLoss("session", fault);
    end(gone, new HarnessUpdate.Failed(fault));
  }

  private synchronized void run(AcpConnection connection, AcpConnection.Opened opened) {
    if (phase instanceof Over) {
      return;
    }
    parts.ages().touched(opened.sessionId());
    phase = new Running(connection, opened.sessionId());
    updates.accept(new HarnessUpdate.Attached(opened.sessionId(), List.of(connection.identity())));
    connection.prompt(opened.sessionId(), AcpPrompt.of(spec, opened.fresh()), this)
        .whenComplete((reply, failure) -> ended(connection, failure == null
            ? end(connection, reply)
            : List.of(new HarnessUpdate.Failed(fault(failure))), failure != null));
  }

  // ---- the turn
  private static List<HarnessUpdate> end(AcpConnection connection, Reply reply) {
    try {
      return switch (reply) {
        case Reply.Result(var result) -> AcpCodec.decodeEnd(result);
        case Reply.Error error -> List.of(new HarnessUpdate.Failed(
            AcpCodec.decodeError("session/prompt", error, connection.ready().toCompletableFuture().join())));
      };
    } catch (HarnessFault fault) {
      return List.of(new HarnessUpdate.Failed(fault));
    }
  }

  private synchronized void ended(AcpConnection connection, List<HarnessUpdate> last, boolean lost) {
    connection.turnOver();
    turnEnded.complete(null);
    if (phase instanceof Over) {
      return;
    }
    var gone = NOTHING_TO_GO;
    if (lost) {
      if (!aborting && last.getLast() instanceof HarnessUpdate.Failed(var fault)) {
        connection.logLoss("turn", fault);
      }
      gone = parts.pool().discard(connection, Duration.ZERO);
    } else {
      answerQuestions(connection);
      parts.pool().release(connection);
    }
    steps.close().forEach(updates::accept);
    last.stream().filter(update -> !(update instanceof HarnessUpdate.End)).forEach(updates::accept);
    end(gone, aborting ? new HarnessUpdate.Aborted() : last.getLast());
  }

  private void end(CompletionStage<Void> gone, HarnessUpdate end) {
    phase = new Over(gone);
    updates.accept(end);
  }

  @Override
  public synchronized void updated(AcpUpdate update) {
    if (!(phase instanceof Running)) {
      return;
    }
    switch (update) {
      case AcpUpdate.Text(var text) when text.isEmpty() -> { }
      case AcpUpdate.Text(var text) -> updates.accept(new HarnessUpdate.Text(text));
      case AcpUpdate.Tool tool -> {
        steps.apply(tool).forEach(updates::accept);
        hold();
      }
      case AcpUpdate.Other(var kind) -> updates.accept(new HarnessUpdate.Unknown(kind));
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
  public synchronized void asked(JsonNode requestId, AcpPermission permission) {
    if (!(phase instanceof Running(var connection, _))) {
      return;
    }
    if (aborting) {
      connection.answer(requestId, AcpCodec.cancelled());
      return;
    }
    var tool = steps.asked(permission.tool());
    var approvalId = spec.runId() + "-" + spec.attempt() + "-" + ++asked;
    var action = new Action(
        tool.kind().isEmpty() ? "other" : tool.kind(), tool.title(), tool.input(), spec.workspace());
    questions.put(approvalId, new Question(requestId, permission, action));
    updates.accept(action.asked(approvalId));
  }

  @Override
  public synchronized void decide(String approvalId, String digest, boolean allow) {
    var question = questions.remove(approvalId);
    if (question == null || !(phase instanceof Running(var connection, _))) {
      return;
    }
    boolean allowed = allow && question.action().digest().equals(digest);
    var choice = question.permission().choose(allowed);
    connection.answer(question.requestId(), choice.map(AcpCodec::selected).orElseGet(AcpCodec::cancelled));
    steps.decided(question.permission().tool().callId(), allowed && choice.isPresent())
        .forEach(updates::accept);
  }

  private void answerQuestions(AcpConnection connection) {
    questions.values().forEach(question -> connection.answer(question.requestId(), AcpCodec.cancelled()));
    questions.clear();
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
      case Running(var connection, var sessionId) -> {
        answerQuestions(connection);
        connection.cancel(sessionId);
        // The last fifth of the grace is for ending the process of an agent that does not listen.
        var polite = grace.multipliedBy(4).dividedBy(5);
        parts.timer().schedule(() -> force(connection, grace.minus(polite)), polite.toMillis(),
            TimeUnit.MILLISECONDS);
      }
      case Over _ -> { }
    }
  }

  private synchronized void force(AcpConnection connection, Duration grace) {
    if (phase instanceof Running) {
      parts.pool().discard(connection, grace)
          .thenRun(() -> ended(connection, List.of(new HarnessUpdate.Aborted()), true));
    }
  }

  @Override
  public synchronized CompletionStage<Void> stop(Duration grace) {
    var gone = switch (phase) {
      case Over(var already) -> already;
      case Waiting _ -> NOTHING_TO_GO;
      case Opening(var connection) -> parts.pool().discard(connection, grace);
      case Running(var connection, var sessionId) -> {
        answerQuestions(connection);
        connection.cancel(sessionId);
        var wait = grace.dividedBy(3).compareTo(CANCEL_WAIT) < 0 ? grace.dividedBy(3) : CANCEL_WAIT;
        yield turnEnded.copy().completeOnTimeout(null, wait.toMillis(), TimeUnit.MILLISECONDS)
            .thenCompose(_ -> parts.pool().discard(connection, grace.minus(wait)));
      }
    };
    phase = new Over(gone);
    return gone;
  }
}
