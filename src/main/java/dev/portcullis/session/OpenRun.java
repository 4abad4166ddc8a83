package dev.portcullis.session;

import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.Need;
import dev.portcullis.protocol.OpenStep;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.run.RunTable;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * A run that has not ended, as the events so far add up.
 *
 * @param message what a harness is told: the turn's, and those of turns that went into this run
 * @param firstSeq journal position of its {@code TurnAccepted}
 * @param publicSeq number of its newest public event
 * @param openSteps steps that began and did not end, by id: after a cut their outcome is unknown
 * @param context without the bytes of its images, which are read from the journal when an attempt begins
 * @param questions approvals that nobody has decided yet, or whose answer no attempt has heard yet, by id
 * @param needs what a harness must be able to take besides text
 */
public record OpenRun(
    String runId,
    String agent,
    String message,
    List<Message> context,
    long firstSeq,
    Instant acceptedAt,
    Instant deadline,
    RunStatus status,
    Attempt attempt,
    Map<String, OpenStep> openSteps,
    List<String> finishedSteps,
    Map<String, Question> questions,
    long publicSeq,
    Set<Need> needs) {
  /** Titles of finished steps that are kept to tell a resumed harness. */
  static final int FINISHED_MAX = 50;

  /**
   * The newest attempt.
   *
   * @param number 0 before the first
   * @param resumes resume attempts after a crash since the last progress
   * @param stopNote reason of a planned stop noted on this attempt, empty when there is none
   * @param cut how it was cut off, {@link Cut#NONE} while it is whole
   */
  record Attempt(
      int number, long incarnation, long fence, String harness, int resumes, String stopNote, Cut cut) {
    static final Attempt NONE = new Attempt(0, 0, 0, "", 0, "", Cut.NONE);
  }

  /**
   * @param uncertain steps that were open when this or an earlier attempt was cut
   * @param tried harnesses that have failed before the next took over
   */
  record Cut(String cause, boolean planned, Instant at, List<OpenStep> uncertain, List<Tried> tried) {
    static final Cut NONE = new Cut("", false, Instant.EPOCH, List.of(), List.of());

    public Cut {
      uncertain = List.copyOf(uncertain);
      tried = tried == null ? List.of() : List.copyOf(tried); // Snapshots of older versions have none.
    }
  }

  record Tried(String harness, String code) {}

  public OpenRun {
    context = List.copyOf(context);
    openSteps = Collections.unmodifiableMap(new LinkedHashMap<>(openSteps));
    finishedSteps = List.copyOf(finishedSteps);
    // Snapshots of older versions have none.
    questions = Collections.unmodifiableMap(
        new LinkedHashMap<>(Objects.requireNonNullElse(questions, Map.of())));
    needs = needs == null ? Set.of() : Set.copyOf(needs);
  }

  static OpenRun of(SessionEvent.TurnAccepted turn, long seq) {
    return new OpenRun(
        turn.runId(),
        turn.agent(),
        turn.message(),
        turn.context().stream().map(Message::told).toList(),
        seq,
        turn.at(),
        turn.deadline(),
        RunStatus.QUEUED,
        Attempt.NONE,
        Map.of(),
        List.of(),
        Map.of(),
        1,
        turn.input().needs(turn.context()));
  }

  /** Whether any attempt has begun a step: what it did outside of the gateway cannot be undone. */
  boolean hasStepped() {
    return !finishedSteps.isEmpty() || !openSteps.isEmpty() || !attempt.cut.uncertain.isEmpty();
  }

  /** A turn that waited went into this run: whoever is told of this one hears both from now on. */
  OpenRun joinedBy(String more) {
    return new OpenRun(
        runId,
        agent,
        message + "\n\n" + more,
        context,
        firstSeq,
        acceptedAt,
        deadline,
        status,
        attempt,
        openSteps,
        finishedSteps,
        questions,
        publicSeq,
        needs);
  }

  /** Whether the run table lets {@code event} follow. */
  boolean takes(SessionEvent.OfRun event) {
    return RunTable.next(status, event.fact()).isPresent();
  }

  /**
   * What {@code event} makes of this run.
   *
   * @throws IllegalStateException when the run table refuses it: such an event must never have been written
   */
  OpenRun apply(SessionEvent.OfRun event) {
    var next = RunTable.next(status, event.fact())
        .orElseThrow(() -> new IllegalStateException(runId + " is " + status + ", not open for " + event));
    long number = RunEvents.isPublic(event) ? publicSeq + 1 : publicSeq;
    return switch (event) {
      case SessionEvent.AttemptStarted start -> started(start, next, number);
      case SessionEvent.StepStarted step -> steps(next, number, plus(openSteps, step.stepId(), new OpenStep(
          step.stepId(), step.title(), step.kind(), step.inputDigest())));
      case SessionEvent.StepFinished step -> finished(step, next, number);
      case SessionEvent.ApprovalRequested ask ->
          questions(next, number, plus(questions, ask.approvalId(), Question.of(ask)));
      case SessionEvent.ApprovalDecided done -> questions(next, number, decided(done));
      case SessionEvent.ResumePending note -> attempt(next, number, noted(note));
      case SessionEvent.RunInterrupted cut -> interrupted(cut, next, number);
      case SessionEvent.RunUnparked unpark -> attempt(next, number, unparked()).withTimeFrom(unpark.at());
      case SessionEvent.HarnessAttached _,
          SessionEvent.TextAppended _,
          SessionEvent.TextReplaced _,
          SessionEvent.AbortRequested _,
          SessionEvent.RunParked _,
          SessionEvent.RunCompleted _,
          SessionEvent.RunFailed _,
          SessionEvent.TurnSteered _,
          SessionEvent.RunAborted _ -> attempt(next, number, attempt);
    };
  }

  private OpenRun started(SessionEvent.AttemptStarted start, RunStatus next, long number) {
    boolean afterCrash = attempt.number > 0 && !attempt.cut.planned;
    return attempt(next, number, new Attempt(
        start.attempt(),
        start.incarnation(),
        start.fence(),
        start.harness(),
        attempt.resumes + (afterCrash ? 1 : 0),
        "",
        attempt.cut));
  }

  private OpenRun finished(SessionEvent.StepFinished step, RunStatus next, long number) {
    var titles = new ArrayList<>(finishedSteps);
    titles.add(openSteps.containsKey(step.stepId()) ? openSteps.get(step.stepId()).title() : step.stepId());
    var kept = titles.subList(Math.max(0, titles.size() - FINISHED_MAX), titles.size());
    // A finished step is progress: only attempts in a row that achieve nothing count towards parking.
    var progressed = new Attempt(
        attempt.number, attempt.incarnation, attempt.fence, attempt.harness, 0, attempt.stopNote,
            attempt.cut);
    return copy(next, progressed, minus(openSteps, step.stepId()), kept, questions, number);
  }

  private OpenRun interrupted(SessionEvent.RunInterrupted cut, RunStatus next, long number) {
    // An outcome that was unknown once stays unknown, however many attempts follow.
    var uncertain = new ArrayList<>(attempt.cut.uncertain);
    uncertain.addAll(cut.uncertain().isEmpty() ? openSteps.values() : cut.uncertain());
    var tried = new ArrayList<>(attempt.cut.tried);
    if (!cut.code().isEmpty()) {
      tried.add(new Tried(attempt.harness, cut.code()));
    }
    var whole = new Cut(cut.cause(), cut.planned(), cut.at(), uncertain, tried);
    var ended = new Attempt(
        attempt.number, attempt.incarnation, attempt.fence, attempt.harness, attempt.resumes,
            attempt.stopNote, whole);
    return copy(next, ended, Map.of(), finishedSteps, questions, number);
  }

  private Map<String, Question> decided(SessionEvent.ApprovalDecided done) {
    var asked = questions.get(done.approvalId());
    return asked != null && done.kept()
        ? plus(questions, done.approvalId(), asked.answered(done))
        : minus(questions, done.approvalId());
  }

  private Attempt noted(SessionEvent.ResumePending note) {
    return new Attempt(
        attempt.number,
        attempt.incarnation,
        attempt.fence,
        attempt.harness,
        attempt.resumes,
        note.reason(),
        attempt.cut);
  }

  /** An operator's resume is due at once and starts the count anew. */
  private Attempt unparked() {
    var cut = new Cut(attempt.cut.cause, true, attempt.cut.at, attempt.cut.uncertain, attempt.cut.tried);
    return new Attempt(attempt.number, attempt.incarnation, attempt.fence, attempt.harness, 0, "", cut);
  }

  /** It waited for a person, however long: from then on it has as much time as a new one. */
  private OpenRun withTimeFrom(Instant resumed) {
    var anew = resumed.plus(Duration.between(acceptedAt, deadline));
    return new OpenRun(
        runId,
        agent,
        message,
        context,
        firstSeq,
        acceptedAt,
        anew.isAfter(deadline) ? anew : deadline,
        status,
        attempt,
        openSteps,
        finishedSteps,
        questions,
        publicSeq,
        needs);
  }

  private OpenRun attempt(RunStatus next, long number, Attempt newest) {
    return copy(next, newest, openSteps, finishedSteps, questions, number);
  }

  private OpenRun steps(RunStatus next, long number, Map<String, OpenStep> steps) {
    return copy(next, attempt, steps, finishedSteps, questions, number);
  }

  private OpenRun questions(RunStatus next, long number, Map<String, Question> open) {
    return copy(next, attempt, openSteps, finishedSteps, open, number);
  }

  private OpenRun copy(
      RunStatus next,
      Attempt newest,
      Map<String, OpenStep> steps,
      List<String> done,
      Map<String, Question> open,
      long number) {
    return new OpenRun(
        runId, agent, message, context, firstSeq, acceptedAt, deadline, next, newest, steps, done, open,
            number, needs);
  }

  private static <T> Map<String, T> plus(Map<String, T> map, String key, T value) {
    var next = new LinkedHashMap<>(map);
    next.put(key, value);
    return next;
  }

  private static <T> Map<String, T> minus(Map<String, T> map, String key) {
    var next = new LinkedHashMap<>(map);
    next.remove(key);
    return next;
  }
}
