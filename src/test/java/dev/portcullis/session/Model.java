package dev.portcullis.session;

import static java.util.stream.Collectors.joining;

import dev.portcullis.protocol.OpenStep;
import dev.portcullis.protocol.RunStatus;
import java.util.ArrayList;
import java.util.LinkedHashMap;
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
    Map<String, Asked> approvals = new LinkedHashMap<>();
    String message;
    String harness = "";
    String next = "echo";
    boolean stepped;

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
      turn.approvals = new LinkedHashMap<>(approvals);
      turn.message = message;
      turn.harness = harness;
      turn.next = next;
      turn.stepped = stepped;
      return turn;
    }

    /** The live attempt waits for a person. */
    boolean waits() {
      return approvals.values().stream().anyMatch(asked -> asked.answer.isEmpty() && asked.attempt == attempt);
    }

    @Override
    public String toString() {
      return id + " " + status + " n=" + attempt + " resumes=" + resumes + (noted ? " noted" : "")
          + " uncertain=" + uncertain + " steps=" + steps.values() + " approvals=" + approvals
          + " on " + harness + ": " + message;
    }
  }

  /** @param answer of a person, while no attempt has heard it: empty, true or false */
  private record Asked(int attempt, String digest, long expires, String answer) {
    @Override
    public String toString() {
      return attempt + answer;
    }
  }

  private record Bound(String body, String runId, long until) {}

  private static final long[] DELAYS = {0, 30, 300};

  final String agent;
  final List<Turn> open = new ArrayList<>();
  final Map<String, RunStatus> ended = new LinkedHashMap<>();
  /** Every approval that was ever asked for, in order, and its run. */
  final Map<String, String> asked = new LinkedHashMap<>();
  /** The harness's newest id of each question. */
  private final Map<String, String> requests = new LinkedHashMap<>();
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
    copy.asked.putAll(asked);
    copy.requests.putAll(requests);
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
    turn.message = "message of " + runId;
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
    return goOn(turn.get());
  }

  private ControlReply goOn(Turn turn) {
    turn.status = RunStatus.INTERRUPTED;
    turn.planned = true;
    turn.resumes = 0;
    turn.noted = false;
    turn.approvals.remove(resumeQuestion(turn));
    turn.deadline = Math.max(turn.deadline, now + Settings.DEADLINE.toSeconds());
    elapse(0);
    return new ControlReply.Done(RunStatus.INTERRUPTED);
  }

  private static String resumeQuestion(Turn turn) {
    return "resume-" + turn.id + "-" + turn.attempt;
  }

  DecisionReply decide(String runId, String approval, String digest, boolean allow) {
    if (!pending(runId, approval)) {
      return new DecisionReply.NotOpen();
    }
    var turn = turn(runId).orElseThrow();
    var question = turn.approvals.get(approval);
    if (turn.status == RunStatus.ABORTING) {
      return new DecisionReply.Refused(RunStatus.ABORTING);
    }
    if (!digest.isEmpty() && !digest.equals(question.digest)) {
      return new DecisionReply.Changed(question.digest);
    }
    if (approval.equals(resumeQuestion(turn))) {
      turn.approvals.remove(approval);
      if (allow) {
        goOn(turn);
      } else {
        abort(runId);
      }
      return new DecisionReply.Taken(allow ? RunStatus.INTERRUPTED : RunStatus.ABORTED, false);
    }
    boolean heard = question.attempt == turn.attempt
        && (turn.status == RunStatus.STARTING || turn.status == RunStatus.RUNNING);
    if (heard) {
      turn.approvals.remove(approval);
    } else {
      turn.approvals.put(
          approval, new Asked(question.attempt, question.digest, question.expires, Boolean.toString(allow)));
    }
    return new DecisionReply.Taken(turn.status, !heard);
  }

  /** Nobody has answered it yet. */
  boolean pending(String runId, String approval) {
    return turn(runId)
        .filter(turn -> turn.approvals.containsKey(approval) && turn.approvals.get(approval).answer.isEmpty())
        .isPresent();
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
          turn.stepped = true;
          turn.steps.put(word.id(), word.title());
        }
      }
      case STEP_FINISHED -> {
        if (!starting) {
          turn.stepped = true;
          turn.steps.remove(word.id());
          turn.resumes = 0;
        }
      }
      case APPROVAL -> {
        if (starting || running) {
          ask(turn, word);
        }
      }
      case WITHDRAWN -> withdraw(turn, word.request(runId, attempt));
      case COMPLETED -> {
        if (running) {
          end(turn, RunStatus.COMPLETED);
        } else {
          fail(turn, true);
        }
      }
      case FAILED, SILENT -> fail(turn, true);
      case DECLINED -> fail(turn, false);
      case STEERED -> {
        var waiting = in(RunStatus.QUEUED).getFirst();
        turn.message += "+" + waiting.message;
        end(waiting, RunStatus.COMPLETED);
      }
      case ABORTED -> end(turn, RunStatus.ABORTED);
      case RESTED -> cut(turn);
      case TEXT, USAGE, UNKNOWN -> { }
    }
    startNext();
  }

  /** An answer from before a cut is used, once; else a question from before it is asked again under its own id. */
  private void ask(Turn turn, Word word) {
    var id = word.request(turn.id, turn.attempt);
    var answered = carried(turn, word.digest(), true);
    var key = answered.or(() -> carried(turn, word.digest(), false)).orElse(id);
    asked.putIfAbsent(key, turn.id);
    requests.put(key, id);
    if (agent.equals("pushy") || answered.isPresent()) {
      turn.approvals.remove(key);
    } else {
      turn.approvals.put(key, new Asked(turn.attempt, word.digest(), now + Settings.EXPIRY.toSeconds(), ""));
    }
  }

  private Optional<String> carried(Turn turn, String digest, boolean answered) {
    return turn.approvals.entrySet().stream()
        .filter(entry -> entry.getValue().attempt < turn.attempt && entry.getValue().expires > now)
        .filter(entry -> entry.getValue().digest.equals(digest) && entry.getValue().answer.isEmpty() != answered)
        .map(Map.Entry::getKey)
        .findFirst();
  }

  private void withdraw(Turn turn, String request) {
    turn.approvals.entrySet().removeIf(entry -> entry.getValue().attempt == turn.attempt
        && entry.getValue().answer.isEmpty()
        && request.equals(requests.get(entry.getKey())));
  }

  // ---- time and lives
  /** Time passes in one jump, and an attempt that it finds silent ends. */
  void elapseWithAttempts(long seconds) {
    now += seconds;
    active().ifPresent(turn -> {
      boolean aborting = turn.status == RunStatus.ABORTING;
      long patience = aborting ? Settings.ABORT.toSeconds() : Settings.SILENCE.toSeconds();
      // Before it is attached it may stand in a queue for the agent, which is not the agent's silence.
      boolean heard = turn.status == RunStatus.RUNNING && !turn.waits();
      if (seconds >= patience && (aborting || heard)) {
        hear(turn.id, turn.attempt, Word.of(aborting ? Word.Kind.ABORTED : Word.Kind.SILENT));
      }
    });
    elapse(0);
  }

  void elapse(long seconds) {
    now += seconds;
    for (var turn : List.copyOf(open)) {
      if (turn.status != RunStatus.ABORTING) {
        turn.approvals.values().removeIf(question -> question.answer.isEmpty() && question.expires <= now);
      }
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
    boolean loops = !turn.planned && turn.resumes >= Settings.ATTEMPTS;
    boolean waits = !turn.uncertain.isEmpty() && Set.of("careful", "pushy").contains(agent);
    turn.status = loops || waits ? RunStatus.PARKED : RunStatus.INTERRUPTED;
    if (!loops && waits && agent.equals("pushy")) {
      turn.approvals.put(resumeQuestion(turn), new Asked(turn.attempt, "", Long.MAX_VALUE, ""));
      asked.put(resumeQuestion(turn), turn.id);
    }
  }

  private void fail(Turn turn, boolean elsewhere) {
    if (turn.status == RunStatus.ABORTING) {
      end(turn, RunStatus.ABORTED);
    } else if (elsewhere && agent.equals("chatty") && !turn.stepped && turn.harness.equals("echo")) {
      turn.status = RunStatus.INTERRUPTED;
      turn.planned = true;
      turn.cutAt = now;
      turn.next = "spare";
    } else {
      end(turn, RunStatus.FAILED);
    }
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
          turn.harness = turn.next;
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
          .append(" uncertain=").append(attempt.cut().uncertain().stream().map(OpenStep::title).toList())
          .append(" steps=").append(run.openSteps().values().stream().map(OpenStep::title).toList())
          .append(" approvals={").append(run.questions().entrySet().stream()
              .map(entry -> entry.getKey() + "=" + entry.getValue().attempt()
                  + entry.getValue().answer().stream().map(given -> "" + given.allowed()).collect(joining()))
              .collect(joining(", "))).append("}")
          .append(" on ").append(attempt.harness()).append(": ").append(run.message().replace("\n\n", "+"))
          .append('\n');
    }
    var ended = new TreeMap<String, RunStatus>();
    state.ended().forEach(run -> ended.put(run.runId(), run.status()));
    return text.append("ended ").append(ended).append(state.erased() ? " erased" : "").toString();
  }
}
