package dev.portcullis.session;

import dev.portcullis.protocol.RunStatus;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a session must do, told a second time in the plainest way: mutable lists and seconds. It shares the words with the
 * session and no decision.
 */
final class Model {
  /** One turn. Times are seconds since the start. */
  static final class Turn {
    String id;
    long deadline;
    RunStatus status = RunStatus.QUEUED;
    int attempt;
    int resumes;
    boolean planned;
    boolean noted;
    long cutAt;
    List<String> uncertain = new ArrayList<>();
    Map<String, String> steps = new LinkedHashMap<>();
    Set<String> approvals = new LinkedHashSet<>();

    private Turn copy() {
      var turn = new Turn();
      turn.id = id;
      turn.deadline = deadline;
      turn.status = status;
      turn.attempt = attempt;
      turn.resumes = resumes;
      turn.planned = planned;
      turn.noted = noted;
      turn.cutAt = cutAt;
      turn.uncertain = new ArrayList<>(uncertain);
      turn.steps = new LinkedHashMap<>(steps);
      turn.approvals = new LinkedHashSet<>(approvals);
      return turn;
    }

    @Override
    public String toString() {
      return id + " " + status + " n=" + attempt + " resumes=" + resumes + (noted ? " noted" : "")
          + " uncertain=" + uncertain + " steps=" + steps.values() + " approvals=" + approvals;
    }
  }

  private record Bound(String body, String runId, long until) {}

  private static final long[] DELAYS = {0, 30, 300};

  final String agent;
  final List<Turn> open = new ArrayList<>();
  final Map<String, RunStatus> ended = new LinkedHashMap<>();
  private final Map<String, Bound> keys = new TreeMap<>();
  boolean starts = true;
  boolean accepts = true;
  long now;
  boolean erased = true;

  Model(String agent) {
    this.agent = agent;
  }

  Model copy() {
    var copy = new Model(agent);
    open.forEach(turn -> copy.open.add(turn.copy()));
    copy.ended.putAll(ended);
    copy.keys.putAll(keys);
    copy.starts = starts;
    copy.accepts = accepts;
    copy.now = now;
    copy.erased = erased;
    return copy;
  }

  Optional<Turn> active() {
    return open.stream()
        .filter(turn -> turn.status == RunStatus.STARTING
            || turn.status == RunStatus.RUNNING
            || turn.status == RunStatus.ABORTING)
        .findFirst();
  }

  private List<Turn> in(RunStatus status) {
    return open.stream().filter(turn -> turn.status == status).toList();
  }

  // ---- commands
  Receipt submit(String runId, String key, String body) {
    var bound = keys.get(key);
    if (bound != null && (bound.until > now || open.stream().anyMatch(turn -> turn.id.equals(bound.runId)))) {
      return bound.body.equals(body) ? receipt(bound.runId, true) : new Receipt.KeyReused(bound.runId);
    }
    if (!accepts) {
      return new Receipt.Closed(starts ? Gate.State.STORAGE_LOW : Gate.State.DRAINING);
    }
    var ahead = active().or(() -> in(RunStatus.INTERRUPTED).stream().findFirst());
    if (agent.equals("careful") && ahead.isPresent()) {
      return new Receipt.Busy(ahead.get().id);
    }
    if (in(RunStatus.QUEUED).size() >= Settings.QUEUE) {
      return new Receipt.QueueFull(Settings.QUEUE);
    }
    if (agent.equals("pushy")) {
      active().ifPresent(turn -> turn.status = RunStatus.ABORTING);
    }
    var turn = new Turn();
    turn.id = runId;
    turn.deadline = now + Settings.DEADLINE.toSeconds();
    open.add(turn);
    erased = false;
    if (!key.isEmpty()) {
      keys.put(key, new Bound(body, runId, now + Settings.RETENTION.toSeconds()));
    }
    startNext();
    return receipt(runId, false);
  }

  private Receipt receipt(String runId, boolean replayed) {
    int ahead = 0;
    for (var turn : open) {
      if (turn.id.equals(runId)) {
        return new Receipt.Accepted(
            runId, key(), turn.status, turn.status == RunStatus.QUEUED ? ahead : 0, replayed);
      }
      ahead += turn.status == RunStatus.PARKED ? 0 : 1;
    }
    return new Receipt.Accepted(runId, key(), ended.getOrDefault(runId, RunStatus.COMPLETED), 0, replayed);
  }

  String key() {
    return "agent:" + agent + ":main";
  }

  private Optional<Turn> turn(String runId) {
    return open.stream().filter(turn -> turn.id.equals(runId)).findFirst();
  }

  ControlReply abort(String runId) {
    var turn = turn(runId);
    if (turn.isEmpty()) {
      return closed(runId);
    }
    switch (turn.get().status) {
      case STARTING, RUNNING, ABORTING -> turn.get().status = RunStatus.ABORTING;
      default -> end(turn.get(), RunStatus.ABORTED);
    }
    startNext();
    return new ControlReply.Done(turn.get().status);
  }

  ControlReply resume(String runId) {
    var turn = turn(runId);
    if (turn.isEmpty()) {
      return closed(runId);
    }
    if (turn.get().status != RunStatus.PARKED && turn.get().status != RunStatus.INTERRUPTED) {
      return new ControlReply.Refused(turn.get().status);
    }
    turn.get().status = RunStatus.INTERRUPTED;
    turn.get().planned = true;
    turn.get().resumes = 0;
    turn.get().noted = false;
    turn.get().deadline = Math.max(turn.get().deadline, now + Settings.DEADLINE.toSeconds());
    elapse(0);
    return new ControlReply.Done(RunStatus.INTERRUPTED);
  }

  ControlReply decide(String runId, String approval) {
    var turn = turn(runId);
    if (turn.isEmpty()) {
      return closed(runId);
    }
    boolean done = turn.get().status == RunStatus.RUNNING && turn.get().approvals.remove(approval);
    return done ? new ControlReply.Done(RunStatus.RUNNING) : new ControlReply.Refused(turn.get().status);
  }

  private ControlReply closed(String runId) {
    return ended.containsKey(runId) ? new ControlReply.Refused(ended.get(runId)) : new ControlReply.Unknown();
  }

  void clear(boolean erase) {
    if (!erased) {
      open.clear();
      ended.clear();
      erased = erase;
    }
  }

  int noteStop() {
    active().ifPresent(turn -> turn.noted = true);
    return active().isPresent() ? 1 : 0;
  }

  // ---- what the harness says
  void hear(String runId, int attempt, Word word) {
    var live = active().filter(turn -> turn.id.equals(runId) && turn.attempt == attempt);
    if (live.isEmpty()) {
      return;
    }
    var turn = live.get();
    boolean starting = turn.status == RunStatus.STARTING;
    boolean running = turn.status == RunStatus.RUNNING;
    switch (word.kind()) {
      case ATTACHED -> turn.status = starting ? RunStatus.RUNNING : turn.status;
      case STEP_STARTED -> {
        if (running) {
          turn.steps.put(word.id(), word.title());
        }
      }
      case STEP_FINISHED -> {
        if (!starting) {
          turn.steps.remove(word.id());
          turn.resumes = 0;
        }
      }
      case APPROVAL -> {
        if (running && !agent.equals("pushy")) {
          turn.approvals.add(word.id());
        }
      }
      case COMPLETED -> end(turn, starting ? RunStatus.FAILED : running ? RunStatus.COMPLETED : RunStatus.ABORTED);
      case FAILED, SILENT -> end(turn, starting || running ? RunStatus.FAILED : RunStatus.ABORTED);
      case ABORTED -> end(turn, RunStatus.ABORTED);
      case RESTED -> cut(turn);
      case TEXT, USAGE, UNKNOWN -> { }
    }
    startNext();
  }

  // ---- time and lives
  /** Time passes in one jump, and an attempt that it finds silent ends. */
  void elapseWithAttempts(long seconds) {
    now += seconds;
    active().ifPresent(turn -> {
      boolean aborting = turn.status == RunStatus.ABORTING;
      long patience = aborting ? Settings.ABORT.toSeconds() : Settings.SILENCE.toSeconds();
      // Before it is attached it may stand in a queue for the agent, which is not the agent's silence.
      boolean heard = turn.status == RunStatus.RUNNING && turn.approvals.isEmpty();
      if (seconds >= patience && (aborting || heard)) {
        hear(turn.id, turn.attempt, Word.of(aborting ? Word.Kind.ABORTED : Word.Kind.SILENT));
      }
    });
    elapse(0);
  }

  void elapse(long seconds) {
    now += seconds;
    for (var turn : List.copyOf(open)) {
      if (turn.deadline <= now && turn.status != RunStatus.PARKED && turn.status != RunStatus.ABORTING) {
        end(turn, RunStatus.FAILED);
      }
    }
    startNext();
  }

  /** A new life begins, after a crash or a drain. */
  void takeOver(boolean autoResume) {
    accepts = true;
    starts = true;
    active().ifPresent(this::cut);
    if (!autoResume) {
      in(RunStatus.INTERRUPTED).forEach(turn -> turn.status = RunStatus.PARKED);
    }
    startNext();
  }

  int count(RunStatus status) {
    return in(status).size();
  }

  private void cut(Turn turn) {
    if (turn.status == RunStatus.ABORTING) {
      end(turn, RunStatus.ABORTED);
      return;
    }
    turn.planned = turn.noted;
    turn.cutAt = now;
    turn.uncertain.addAll(turn.steps.values());
    turn.steps.clear();
    turn.approvals.clear();
    boolean parks = !turn.planned && turn.resumes >= Settings.ATTEMPTS || !turn.uncertain.isEmpty() && !agent.equals("main");
    turn.status = parks ? RunStatus.PARKED : RunStatus.INTERRUPTED;
  }

  private void end(Turn turn, RunStatus status) {
    turn.status = status;
    open.remove(turn);
    ended.put(turn.id, status);
  }

  private void startNext() {
    if (!starts || active().isPresent()) {
      return;
    }
    in(RunStatus.INTERRUPTED).stream().findFirst().or(() -> in(RunStatus.QUEUED).stream().findFirst())
        .filter(turn -> dueAt(turn) <= now && turn.deadline > now)
        .ifPresent(turn -> {
          turn.resumes += turn.attempt > 0 && !turn.planned ? 1 : 0;
          turn.attempt++;
          turn.noted = false;
          turn.status = RunStatus.STARTING;
        });
  }

  private static long dueAt(Turn turn) {
    boolean waits = turn.status == RunStatus.INTERRUPTED && !turn.planned;
    return waits ? turn.cutAt + DELAYS[Math.min(turn.resumes, 2)] : 0;
  }

  @Override
  public String toString() {
    var text = new StringBuilder();
    open.forEach(turn -> text.append(turn).append('\n'));
    // In one jump of the clock two runs may end; nobody promises which of them first.
    return text.append("ended ").append(new TreeMap<>(ended)).append(erased ? " erased" : "").toString();
  }

  /** The same words about a session's state. */
  static String of(SessionState state) {
    var text = new StringBuilder();
    for (var run : state.open().values()) {
      var attempt = run.attempt();
      text.append(run.runId()).append(' ').append(run.status())
          .append(" n=").append(attempt.number()).append(" resumes=").append(attempt.resumes())
          .append(attempt.stopNote().isEmpty() ? "" : " noted")
          .append(" uncertain=").append(attempt.cut().uncertain())
          .append(" steps=").append(run.openSteps().values())
          .append(" approvals=").append(run.questions().keySet()).append('\n');
    }
    var ended = new TreeMap<String, RunStatus>();
    state.ended().forEach(run -> ended.put(run.runId(), run.status()));
    return text.append("ended ").append(ended).append(state.erased() ? " erased" : "").toString();
  }
}
