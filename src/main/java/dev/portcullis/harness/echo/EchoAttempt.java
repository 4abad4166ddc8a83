package dev.portcullis.harness.echo;

import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.Harness.Attempt;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.UpdateSink;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;

/** Plays one script. Its lock keeps updates in order and makes the end the last one. */
final class EchoAttempt implements Attempt {
  private static final Runnable NOTHING = () -> {};

  private final EchoHarness.Timer timer;
  private final UpdateSink updates;
  private final Consumer<EchoAttempt> ended;
  private final Deque<EchoScript.Play> script;
  private Runnable callOff = NOTHING;
  private List<HarnessUpdate.ApprovalRequested> openApproval = List.of();
  private String openStep = "";
  private List<EchoScript.Play> whenDenied = List.of();
  private boolean over;

  EchoAttempt(AttemptSpec spec, EchoHarness.Timer timer, UpdateSink updates,
      Consumer<EchoAttempt> ended) {
    this.timer = timer;
    this.updates = updates;
    this.ended = ended;
    this.script = new ArrayDeque<>(EchoScript.of(spec));
  }

  /** The caller is told of everything from another thread, so that starting costs it nothing. */
  synchronized void begin() {
    script.addFirst(new EchoScript.Report(new HarnessUpdate.Attached("", List.of())));
    callOff = timer.after(Duration.ZERO, this::play);
  }

  private synchronized void play() {
    callOff = NOTHING;
    while (!over && !script.isEmpty()) {
      switch (script.removeFirst()) {
        case EchoScript.Report(var update) -> report(update);
        case EchoScript.Wait(var time) when time.isZero() -> { }
        case EchoScript.Wait(var time) -> {
          callOff = timer.after(time, this::play);
          return;
        }
        case EchoScript.Ask(var approval, var denied) -> {
          openApproval = List.of(approval);
          whenDenied = denied;
          updates.accept(approval);
          return;
        }
        case EchoScript.Hang _ -> {
          return;
        }
      }
    }
  }

  private void report(HarnessUpdate update) {
    switch (update) {
      case HarnessUpdate.StepStarted step -> openStep = step.stepId();
      case HarnessUpdate.StepFinished _ -> openStep = "";
      case HarnessUpdate.End _ -> finish();
      case HarnessUpdate.Attached _, HarnessUpdate.Text _, HarnessUpdate.TextReplaced _,
          HarnessUpdate.ApprovalRequested _, HarnessUpdate.ApprovalWithdrawn _, HarnessUpdate.Usage _,
          HarnessUpdate.Unknown _ -> { }
    }
    updates.accept(update);
  }

  private void finish() {
    over = true;
    callOff.run();
    ended.accept(this);
  }

  @Override
  public synchronized void abort(Duration grace) {
    if (over) {
      return;
    }
    if (!openStep.isEmpty()) {
      report(new HarnessUpdate.StepFinished(openStep, false));
    }
    report(new HarnessUpdate.Aborted());
  }

  @Override
  public synchronized void decide(String approvalId, String digest, boolean allow) {
    if (over || openApproval.isEmpty() || !approvalId.equals(openApproval.getFirst().approvalId())) {
      return;
    }
    var asked = openApproval.getFirst();
    openApproval = List.of();
    if (!allow || !digest.equals(asked.digest())) {
      script.clear();
      script.addAll(whenDenied);
    }
    callOff = timer.after(Duration.ZERO, this::play);
  }

  @Override
  public synchronized CompletionStage<Void> stop(Duration grace) {
    if (!over) {
      finish();
    }
    return CompletableFuture.completedStage(null);
  }
}
