package dev.portcullis.ingress;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.journal.JournalFigures;
import dev.portcullis.protocol.Approval;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.HistoryEntry;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.RunView;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.protocol.Usage;
import dev.portcullis.session.ControlReply;
import dev.portcullis.session.DecisionReply;
import dev.portcullis.session.Receipt;
import dev.portcullis.session.SessionKey;
import dev.portcullis.session.Sessions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;

/** Sessions in memory, with honest keys and events. What happens to a turn is its script. */
public final class RecordedSessions implements Sessions {
  public static final Instant START = Instant.parse("2026-01-02T03:04:05Z");

  private record Bound(String body, String runId) {}

  /** Run events that viewers have taken. */
  public final AtomicLong handed = new AtomicLong();
  /** Viewers of runs that are gone. */
  public final AtomicLong left = new AtomicLong();
  private final Map<String, Turn> turns = new LinkedHashMap<>();
  private final Map<String, Recording<RunEvent>> runs = new LinkedHashMap<>();
  private final Map<String, Map<String, Bound>> keys = new LinkedHashMap<>();
  private final Map<String, String> sessions = new LinkedHashMap<>();
  private final Map<String, Integer> counts = new LinkedHashMap<>();
  private final Recording<SessionRow> rows = new Recording<>();
  private final List<String> asked = new ArrayList<>();
  private Function<Turn, List<RunEvent.Body>> script = turn -> echo(turn.message());
  private Optional<Receipt> refusal = Optional.empty();
  private Optional<RuntimeException> fault = Optional.empty();
  private long rev;

  /** An answer as the echo harness gives it. */
  public static List<RunEvent.Body> echo(String message) {
    var events = new ArrayList<RunEvent.Body>();
    events.add(new RunEvent.Started(1, "echo"));
    Stream.of(("echo: " + message).split("(?<= )")).forEach(word -> events.add(new RunEvent.Text(1, word)));
    events.add(new RunEvent.Completed("end_turn", new Usage(3, 4)));
    return events;
  }

  public synchronized void script(RunEvent.Body... bodies) {
    script = _ -> List.of(bodies);
  }

  /** Every further turn gets this answer. */
  public synchronized void refuse(Receipt receipt) {
    refusal = Optional.of(receipt);
  }

  /** Every further call fails. */
  public synchronized void fail(RuntimeException thrown) {
    fault = Optional.of(thrown);
  }

  public synchronized List<Turn> submitted() {
    return List.copyOf(turns.values());
  }

  public synchronized List<String> runIds() {
    return List.copyOf(runs.keySet());
  }

  /** Calls that were sent again and answered with the run of the first time. */
  public synchronized int claimed() {
    return counts.size();
  }

  /** Control calls in order, as {@code verb id by}. */
  public synchronized List<String> asked() {
    return List.copyOf(asked);
  }

  /** Something happens to a run. */
  public synchronized void play(String runId, RunEvent.Body... bodies) {
    var run = runs.get(runId);
    for (var body : bodies) {
      var event = new RunEvent(runId, run.all().size() + 1L, START.plusSeconds(run.all().size()), body);
      run.add(event, event.terminal());
    }
    rows.add(rowOf(turns.get(runId).session().text()), false);
  }

  @Override
  public synchronized CompletionStage<Receipt> submit(Turn turn) {
    if (fault.isPresent()) {
      return CompletableFuture.failedFuture(fault.get());
    }
    if (refusal.isPresent()) {
      return CompletableFuture.completedFuture(refusal.get());
    }
    var owner = ownerOf(turn.session());
    if (!turn.anywhere() && sessions.containsKey(turn.session().text()) && !owner.equals(turn.principal())) {
      return CompletableFuture.completedFuture(new Receipt.Foreign());
    }
    var bound = keys.computeIfAbsent(turn.session().text(), _ -> new LinkedHashMap<>());
    for (var key : turn.key()) {
      if (bound.containsKey(key.digest())) {
        var known = bound.get(key.digest());
        return CompletableFuture.completedFuture(known.body().equals(key.body())
            ? accepted(known.runId(), true)
            : new Receipt.KeyReused(known.runId()));
      }
    }
    var id = turn.key().stream().map(Key::runId).filter(wanted -> !wanted.isEmpty()).findFirst()
        .orElse("run-" + (turns.size() + 1));
    turns.put(id, turn);
    runs.put(id, new Recording<>());
    sessions.putIfAbsent(turn.session().text(), "s-1");
    turn.key().forEach(key -> bound.put(key.digest(), new Bound(key.body(), id)));
    play(id, new RunEvent.Accepted(turn.session().text(), turn.session().agent()));
    var receipt = accepted(id, false);
    play(id, script.apply(turn).toArray(RunEvent.Body[]::new));
    return CompletableFuture.completedFuture(receipt);
  }

  @Override
  public synchronized CompletionStage<Optional<String>> repeated(Call call) {
    var newest = turns.entrySet().stream()
        .filter(turn -> turn.getValue().call().stream().anyMatch(known -> known.digest().equals(call.digest())))
        .map(Map.Entry::getKey)
        .filter(id -> counts.getOrDefault(id, turns.get(id).call().getFirst().count()) < call.count())
        .reduce((_, later) -> later);
    newest.ifPresent(id -> counts.put(id, call.count()));
    return CompletableFuture.completedFuture(newest);
  }

  @Override
  public synchronized CompletionStage<Optional<Turn>> turn(String runId) {
    return CompletableFuture.completedFuture(Optional.ofNullable(turns.get(runId)));
  }

  private Receipt accepted(String id, boolean replayed) {
    return new Receipt.Accepted(id, turns.get(id).session().text(), view(id).status(), 0, replayed);
  }

  @Override
  public synchronized CompletionStage<ControlReply> abort(String runId, String by) {
    asked.add("abort " + runId + " " + by);
    if (!runs.containsKey(runId) || view(runId).status().terminal()) {
      return CompletableFuture.completedFuture(new ControlReply.Unknown());
    }
    play(runId, new RunEvent.Aborted(by));
    return CompletableFuture.completedFuture(new ControlReply.Done(RunStatus.ABORTED));
  }

  @Override
  public synchronized CompletionStage<ControlReply> resume(String runId, String by) {
    asked.add("resume " + runId + " " + by);
    if (!runs.containsKey(runId) || view(runId).status().terminal()) {
      return CompletableFuture.completedFuture(new ControlReply.Unknown());
    }
    if (view(runId).status() != RunStatus.PARKED) {
      return CompletableFuture.completedFuture(new ControlReply.Refused(view(runId).status()));
    }
    play(runId, new RunEvent.Resumed(2, "echo", "crash"));
    return CompletableFuture.completedFuture(new ControlReply.Done(RunStatus.RUNNING));
  }

  /** A question about {@code ls}, its id repeated to fill a digest. */
  public static RunEvent.ApprovalRequested asked(String id) {
    return new RunEvent.ApprovalRequested(
        id, "execute", "Run?", "ls", "/work", digest(id), START.plusSeconds(3_600));
  }

  public static String digest(String id) {
    return Digests.hex(id);
  }

  @Override
  public synchronized CompletionStage<DecisionReply> decide(
      String approvalId, String digest, boolean allow, String by) {
    asked.add("decide " + approvalId + " " + allow + " " + by);
    return CompletableFuture.completedFuture(all().stream()
        .filter(approval -> approval.id().equals(approvalId))
        .findFirst()
        .map(approval -> decide(approval, digest, allow, by))
        .orElse(new DecisionReply.NotOpen()));
  }

  private DecisionReply decide(Approval approval, String digest, boolean allow, String by) {
    if (!approval.pending()) {
      var done = approval.decision().getFirst();
      return new DecisionReply.Decided(done.allowed(), done.by());
    }
    if (!digest.isEmpty() && !digest.equals(approval.digest())) {
      return new DecisionReply.Changed(approval.digest());
    }
    var status = view(approval.runId()).status();
    boolean kept = status == RunStatus.INTERRUPTED;
    play(approval.runId(), new RunEvent.ApprovalDecided(approval.id(), allow, by, "", kept));
    return new DecisionReply.Taken(status, kept);
  }

  private List<Approval> all() {
    return runs.keySet().stream().flatMap(id -> approvalsOf(id).stream()).toList();
  }

  private List<Approval> approvalsOf(String id) {
    var approvals = new LinkedHashMap<String, Approval>();
    for (var event : runs.get(id).all()) {
      switch (event.body()) {
        case RunEvent.ApprovalRequested ask -> approvals.put(ask.approvalId(), new Approval(
            ask.approvalId(), id, turns.get(id).session().text(), turns.get(id).session().agent(), ask.kind(),
            ask.title(), ask.input(), ask.directory(), ask.digest(), event.at(), ask.expiresAt(), List.of()));
        case RunEvent.ApprovalDecided done -> approvals.computeIfPresent(done.approvalId(), (_, asked) ->
            asked.decided(new Approval.Decision(
                done.allowed(), done.by(), done.reason(), done.kept(), event.at())));
        default -> { }
      }
    }
    return List.copyOf(approvals.values());
  }

  @Override
  public synchronized CompletionStage<Optional<Approval>> approval(String approvalId) {
    return CompletableFuture.completedFuture(
        all().stream().filter(approval -> approval.id().equals(approvalId)).findFirst());
  }

  @Override
  public synchronized CompletionStage<List<Approval>> approvals() {
    return CompletableFuture.completedFuture(all().stream().filter(Approval::pending).toList());
  }

  @Override
  public synchronized CompletionStage<Optional<SessionRow>> reset(SessionKey session, String by) {
    asked.add("reset " + session.text() + " " + by);
    sessions.computeIfPresent(session.text(), (_, id) -> id + "+");
    return row(session);
  }

  @Override
  public synchronized CompletionStage<Boolean> erase(SessionKey session, String by) {
    asked.add("erase " + session.text() + " " + by);
    return CompletableFuture.completedFuture(sessions.remove(session.text()) != null);
  }

  @Override
  public synchronized CompletionStage<Optional<RunView>> run(String runId) {
    return fault.isPresent()
        ? CompletableFuture.failedFuture(fault.get())
        : CompletableFuture.completedFuture(Optional.of(runId)
            .filter(runs::containsKey)
            .filter(id -> sessions.containsKey(turns.get(id).session().text()))
            .map(this::view));
  }

  @Override
  public CompletionStage<Optional<RunView>> awaitEnd(String runId, Duration atMost) {
    var ended = new CompletableFuture<Void>();
    Recording<RunEvent> run;
    synchronized (this) {
      if (!runs.containsKey(runId)) {
        return CompletableFuture.completedFuture(Optional.empty());
      }
      run = runs.get(runId);
    }
    awaitTerminal(run, 0, ended);
    return ended.completeOnTimeout(null, atMost.toMillis(), TimeUnit.MILLISECONDS)
        .thenCompose(_ -> run(runId));
  }

  private static void awaitTerminal(Recording<RunEvent> run, long n, CompletableFuture<Void> ended) {
    run.at(n).thenAccept(next -> next.ifPresentOrElse(
        pair -> awaitTerminal(run, pair.first(), ended), () -> ended.complete(null)));
  }

  @Override
  public synchronized Source<RunEvent, NotUsed> events(String runId, long after) {
    return runs.get(runId).from(after)
        .map(event -> {
          handed.incrementAndGet();
          return event;
        })
        .watchTermination((_, end) -> {
          end.whenComplete((_, _) -> left.incrementAndGet());
          return NotUsed.getInstance();
        });
  }

  @Override
  public synchronized CompletionStage<Page> list(Query query) {
    if (!query.cursor().matches("\\d*")) {
      return CompletableFuture.failedFuture(new IllegalArgumentException("cursor"));
    }
    int from = query.cursor().isEmpty() ? 0 : Integer.parseInt(query.cursor());
    var all = sessions.keySet().stream()
        .map(this::rowOf)
        .filter(row -> query.agent().isEmpty() || row.agent().equals(query.agent()))
        .filter(row -> query.owner().isEmpty() || row.owner().equals(query.owner()))
        .filter(row -> !query.activeOnly() || row.hasActiveRun())
        .sorted(Comparator.comparing(SessionRow::key))
        .toList();
    var page = all.stream().skip(from).limit(query.limit()).toList();
    var next = from + page.size() < all.size() ? Integer.toString(from + page.size()) : "";
    return CompletableFuture.completedFuture(new Page(page, next));
  }

  @Override
  public synchronized CompletionStage<Optional<SessionRow>> row(SessionKey session) {
    return CompletableFuture.completedFuture(
        Optional.of(session.text()).filter(sessions::containsKey).map(this::rowOf));
  }

  @Override
  public synchronized CompletionStage<Optional<String>> ownerOf(String runId) {
    return CompletableFuture.completedFuture(
        Optional.ofNullable(turns.get(runId)).map(turn -> ownerOf(turn.session())));
  }

  @Override
  public synchronized Source<Change, NotUsed> watch(Watch watch) {
    var known = rows.all();
    boolean full = !watch.after().matches("rec\\.\\d+");
    var missed = known.subList(full ? 0 : Integer.parseInt(watch.after().substring(4)), known.size());
    var before = new ArrayList<Change>(List.of(new Change.Begin(full)));
    missed.stream().filter(watch::wants).forEach(row -> before.add(new Change.Row(row, "")));
    before.add(new Change.Complete("rec." + known.size()));
    return Source.from(before).concat(rows.from(known.size()).filter(watch::wants).zipWithIndex()
        .map(next -> new Change.Row(next.first(), "rec." + (known.size() + 1 + next.second()))));
  }

  /** Rows that nobody here will ever know of have a number above 10^6. */
  @Override
  public CompletionStage<Boolean> caughtUp(List<Seen> seen) {
    return CompletableFuture.completedFuture(seen.stream().allMatch(row -> row.rev() <= 1_000_000));
  }

  /** Three events of every session, and one of which the second cannot be proved. */
  @Override
  public CompletionStage<List<JsonNode>> recorded(SessionKey session, long after, int limit) {
    if (!session.text().endsWith(":three") && !session.text().endsWith(":damaged")) {
      return CompletableFuture.completedFuture(List.of());
    }
    long last = session.text().endsWith(":damaged") ? 1 : 3;
    if (after == 1 && last == 1) {
      return CompletableFuture.failedFuture(new IllegalStateException("cannot be proved"));
    }
    return CompletableFuture.completedFuture(Stream.iterate(after + 1, seq -> seq <= last, seq -> seq + 1)
        .<JsonNode>map(seq -> Json.object().put("seq", seq))
        .limit(Math.min(limit, 2))
        .toList());
  }

  @Override
  public CompletionStage<JournalFigures> figures() {
    return CompletableFuture.completedFuture(
        new JournalFigures(2, 9, 1, 4, Map.of("tables", 77L), Instant.parse("2026-11-20T10:00:00Z")));
  }

  @Override
  public synchronized CompletionStage<List<HistoryEntry>> history(SessionKey session, long after, int limit) {
    var entries = new ArrayList<HistoryEntry>();
    turns.forEach((id, turn) -> {
      if (turn.session().equals(session)) {
        entries.add(new HistoryEntry(entries.size() + 1L, id, "user", turn.message(), START,
            turn.input().told().images(), List.of(), turn.input().results()));
        entries.add(new HistoryEntry(entries.size() + 1L, id, "assistant", view(id).text(), START));
      }
    });
    return CompletableFuture.completedFuture(
        entries.stream().filter(entry -> entry.seq() > after).limit(limit).toList());
  }

  @Override
  public synchronized CompletionStage<Totals> totals(String owner) {
    var owned = runs.keySet().stream()
        .filter(id -> owner.isEmpty() || owner.equals(ownerOf(turns.get(id).session())))
        .toList();
    long terminal = owned.stream().filter(id -> view(id).status().terminal()).count();
    long open = owned.size() - terminal;
    long there = sessions.keySet().stream()
        .filter(key -> owner.isEmpty() || owner.equals(ownerOf(new SessionKey(key)))).count();
    return CompletableFuture.completedFuture(
        new Totals(there, owned.size(), terminal, open, open, 0, 0, 0, 0));
  }

  /** Who spoke first. */
  private String ownerOf(SessionKey session) {
    return turns.values().stream().filter(turn -> turn.session().equals(session)).findFirst()
        .map(Turn::principal).orElse("");
  }

  private SessionRow rowOf(String key) {
    var ids = runs.keySet().stream().filter(id -> turns.get(id).session().text().equals(key)).toList();
    var active = ids.stream().filter(id -> view(id).status().active()).toList();
    return new SessionRow(
        key, sessions.getOrDefault(key, "s-1"), key.split(":")[1], "", active.isEmpty() ? "idle" : "running",
        !active.isEmpty(), !active.isEmpty(), active, 0, 0, 0, ids.isEmpty() ? "" : ids.getLast(),
        Usage.NONE, ids.size(), ids.stream().filter(id -> view(id).status().terminal()).count(), START, START,
        ++rev, ownerOf(new SessionKey(key)));
  }

  private RunView view(String id) {
    var events = runs.get(id).all();
    var status = RunStatus.QUEUED;
    RunView.Outcome outcome = new RunView.Outcome.Open();
    var text = new StringBuilder();
    var stopReason = "";
    var usage = Usage.NONE;
    var calls = List.<FunctionCall>of();
    var started = new ArrayList<Instant>();
    int attempt = 0;
    var harness = "";
    for (var event : events) {
      switch (event.body()) {
        case RunEvent.Started start -> {
          status = RunStatus.RUNNING;
          attempt = start.attempt();
          harness = start.harness();
          started.add(event.at());
        }
        case RunEvent.Text piece -> {
          if (piece.attempt() > attempt) {
            text.setLength(0);
            attempt = piece.attempt();
          }
          text.append(piece.text());
        }
        case RunEvent.TextReplaced whole -> {
          text.setLength(0);
          text.append(whole.text());
        }
        case RunEvent.Interrupted _ -> status = RunStatus.INTERRUPTED;
        case RunEvent.Resumed again -> {
          status = RunStatus.RUNNING;
          harness = again.harness();
          outcome = new RunView.Outcome.Open();
        }
        case RunEvent.Parked parked -> {
          status = RunStatus.PARKED;
          outcome = new RunView.Outcome.Parked(parked.reason(), parked.reference());
        }
        case RunEvent.Completed completed -> {
          status = RunStatus.COMPLETED;
          usage = completed.usage();
          stopReason = completed.stopReason();
          outcome = completed.into().isEmpty() ? outcome : new RunView.Outcome.Steered(completed.into());
          calls = completed.calls();
        }
        case RunEvent.Failed failed -> {
          status = RunStatus.FAILED;
          outcome = new RunView.Outcome.Error(failed.error());
        }
        case RunEvent.Aborted _ -> status = RunStatus.ABORTED;
        case RunEvent.Accepted _, RunEvent.StepStarted _, RunEvent.StepFinished _,
            RunEvent.ApprovalRequested _, RunEvent.ApprovalDecided _ -> { }
      }
    }
    var turn = turns.get(id);
    return new RunView(
        id, turn.session().text(), turn.session().agent(), harness, status, attempt, turn.message(),
            text.toString(),
        List.of(), outcome, stopReason, usage, events.size(),
        new RunView.Times(
            START,
            started.stream().limit(1).toList(),
            status.terminal() ? List.of(events.getLast().at()) : List.of()),
        approvalsOf(id).stream().filter(Approval::pending).toList(),
        Map.of(), turn.input().told(), calls);
  }
}
