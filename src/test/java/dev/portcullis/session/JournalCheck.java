package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.protocol.OpenStep;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.run.RunTable.Fact;
import dev.portcullis.run.RunTableTest;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads a session's journal with the invariants in hand. It knows the run table and none of the session's code. */
final class JournalCheck {
  private static final Map<Fact, Map<RunStatus, RunStatus>> TABLE = RunTableTest.table();
  private static final long[] DELAYS = {0, 30, 300};

  private static final class Seen {
    RunStatus status = RunStatus.QUEUED;
    int attempts;
    int terminals;
    int fruitless;
    final Set<String> questions = new HashSet<>();
    boolean noted;
    boolean planned;
    boolean stepped;
    boolean failedOver;
    String harness = "echo";
    final Set<String> openSteps = new LinkedHashSet<>();
    Instant cutAt = Instant.EPOCH;
  }

  private record Key(String runId, Instant until) {}

  private final Coverage coverage;
  private final Map<String, Seen> runs = new LinkedHashMap<>();
  private final Map<String, Key> keys = new HashMap<>();
  private final Set<Long> fences = new HashSet<>();
  private SessionRow row;
  private long seq;

  JournalCheck(Coverage coverage) {
    this.coverage = coverage;
  }

  /** Takes what the journal has beyond what was taken before. */
  void follow(List<SessionEvent> journal) {
    assertTrue(journal.size() >= seq, "the journal lost events");
    journal.subList((int) seq, journal.size()).forEach(this::add);
  }

  private void add(SessionEvent event) {
    seq++;
    switch (event) {
      case SessionEvent.TurnAccepted turn -> {
        assertEquals(null, runs.put(turn.runId(), new Seen()), "run ids are never used twice");
        for (var key : turn.keys()) {
          var before = keys.put(key.digest(), new Key(turn.runId(), key.until()));
          assertTrue(
              before == null || !before.until().isAfter(turn.at()) && runs.get(before.runId()).status.terminal(),
              "I2, I10: the key of " + before + " was bound again by " + turn);
        }
      }
      case SessionEvent.OfRun ofRun -> add(ofRun);
      case SessionEvent.CallRepeated again -> assertTrue(runs.containsKey(again.runId()), "no run of " + again);
      case SessionEvent.SessionReset _, SessionEvent.SessionErased _ ->
          assertTrue(runs.values().stream().allMatch(run -> run.status.terminal()), "a cleared session has open runs");
    }
    assertTrue(active() <= 1, "R3: more than one active run after " + event);
  }

  private long active() {
    return runs.values().stream().filter(run -> Views.active(run.status)).count();
  }

  private void add(SessionEvent.OfRun event) {
    var run = runs.get(event.runId());
    assertNotNull(run, "no run of " + event);
    var next = TABLE.get(event.fact()).get(run.status);
    assertNotNull(next, "R1: " + event.fact() + " in " + run.status);
    coverage.written(event.fact(), run.status);
    if (event instanceof SessionEvent.AttemptStarted start) {
      started(run, start);
    }
    run.status = next;
    switch (event) {
      case SessionEvent.StepStarted step -> {
        run.stepped = true;
        run.openSteps.add(step.stepId());
      }
      case SessionEvent.StepFinished step -> {
        run.stepped = true;
        run.openSteps.remove(step.stepId());
        run.fruitless = 0;
      }
      case SessionEvent.TurnSteered steered -> {
        assertEquals(RunStatus.RUNNING, runs.get(steered.into()).status, "it went into a run that nobody works on");
        assertTrue(runs.entrySet().stream()
            .takeWhile(other -> !other.getKey().equals(steered.runId()))
            .noneMatch(other -> other.getValue().status == RunStatus.QUEUED), () -> "R3: not the first: " + steered);
      }
      case SessionEvent.ResumePending _ -> run.noted = true;
      case SessionEvent.RunUnparked _ -> {
        run.fruitless = 0;
        run.planned = true;
      }
      case SessionEvent.RunInterrupted cut -> {
        run.failedOver = cut.cause().equals("failover");
        assertEquals(run.noted || run.failedOver, cut.planned(),
            "a cut is planned when this very attempt has a note, or another harness takes over");
        assertEquals(run.failedOver, !cut.code().isEmpty());
        assertFalse(run.failedOver && run.stepped, "8: another harness takes over after a step");
        assertEquals(List.copyOf(run.openSteps), cut.uncertain().stream().map(OpenStep::stepId).toList(), "M4");
        run.openSteps.clear();
        run.planned = cut.planned();
        run.cutAt = cut.at();
      }
      case SessionEvent.ApprovalRequested ask -> run.questions.add(ask.approvalId());
      case SessionEvent.ApprovalDecided done ->
          assertTrue(run.questions.remove(done.approvalId()), "an answer to nothing, or a second one: " + done);
      default -> { }
    }
    assertTrue(!next.terminal() || run.questions.isEmpty(), "a run ended and left open " + run.questions);
    run.terminals += next.terminal() ? 1 : 0;
    assertTrue(run.terminals <= 1, "R2: a second end: " + event);
  }

  private void started(Seen run, SessionEvent.AttemptStarted start) {
    assertEquals(run.attempts + 1, start.attempt(), "attempts are counted one by one");
    assertEquals(run.failedOver ? "spare" : run.harness, start.harness(), "a run stays where it is unless that failed");
    run.harness = start.harness();
    run.failedOver = false;
    assertEquals(seq, start.fence());
    assertTrue(fences.add(start.fence()), "R9: a fence was used twice");
    for (var other : runs.entrySet()) {
      if (other.getKey().equals(start.runId())) {
        break;
      }
      assertFalse(
          other.getValue().status == RunStatus.QUEUED && run.status == RunStatus.QUEUED,
          "R3: " + other.getKey() + " was there before " + start);
    }
    if (run.status == RunStatus.INTERRUPTED && !run.planned) {
      var due = run.cutAt.plusSeconds(DELAYS[Math.min(run.fruitless, 2)]);
      assertFalse(start.at().isBefore(due), "M2: started too early: " + start);
      run.fruitless++;
      assertTrue(run.fruitless <= Settings.ATTEMPTS, "M2: too many attempts without progress: " + start);
    }
    run.attempts++;
    run.noted = false;
  }

  /** A row that a viewer sees now, after the newest event that was taken. */
  void row(SessionRow shown) {
    var statuses = runs.values().stream().map(run -> run.status).filter(status -> !status.terminal()).toList();
    assertEquals(Views.status(statuses), shown.status().equals("erased") ? "idle" : shown.status(), "A4");
    assertEquals(statuses.stream().anyMatch(Views::active), shown.hasActiveRun(), "A1");
    assertEquals(statuses.stream().anyMatch(status -> status != RunStatus.ABORTING), shown.abortable(), "A4");
    var ids = runs.entrySet().stream().filter(run -> Views.active(run.getValue().status)).map(Map.Entry::getKey);
    assertEquals(ids.toList(), shown.activeRunIds(), "A1");
    assertEquals(statuses.size(), shown.accepted() - shown.terminal(), "accepted = terminal + open");
    assertEquals(
        statuses.size(), shown.activeRunIds().size() + shown.queued() + shown.interrupted() + shown.parked());
    assertTrue(shown.rev() <= seq, "a row from the future");
    if (row != null) {
      assertTrue(shown.rev() >= row.rev(), "A3: an older row after a newer one");
      assertTrue(shown.rev() > row.rev() || shown.equals(row), "A3: two rows of one rev: " + row + " and " + shown);
    }
    row = shown;
  }

  /** Runs that are accepted and have not ended. */
  Map<String, RunStatus> open() {
    var open = new LinkedHashMap<String, RunStatus>();
    runs.forEach((id, run) -> {
      if (!run.status.terminal()) {
        open.put(id, run.status);
      }
    });
    return open;
  }

  /** The run that each key was bound to last. */
  Map<String, String> keys() {
    var bound = new HashMap<String, String>();
    keys.forEach((digest, key) -> bound.put(digest, key.runId()));
    return bound;
  }

  /** Where every run stands that was ever accepted. */
  Map<String, RunStatus> all() {
    var all = new LinkedHashMap<String, RunStatus>();
    runs.forEach((id, run) -> all.put(id, run.status));
    return all;
  }

  /** The words of a row, told a second time. */
  private static final class Views {
    static boolean active(RunStatus status) {
      return status == RunStatus.STARTING || status == RunStatus.RUNNING || status == RunStatus.ABORTING;
    }

    static String status(List<RunStatus> open) {
      return open.stream().filter(Views::active).findFirst().map(RunStatus::word).orElseGet(() ->
          open.contains(RunStatus.INTERRUPTED) ? "interrupted"
              : open.contains(RunStatus.QUEUED) ? "queued"
                  : open.contains(RunStatus.PARKED) ? "parked" : "idle");
    }
  }
}
