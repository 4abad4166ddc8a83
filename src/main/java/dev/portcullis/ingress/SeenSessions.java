package dev.portcullis.ingress;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.journal.JournalFigures;
import dev.portcullis.protocol.Approval;
import dev.portcullis.protocol.HistoryEntry;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunView;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.session.ControlReply;
import dev.portcullis.session.DecisionReply;
import dev.portcullis.session.Receipt;
import dev.portcullis.session.SessionKey;
import dev.portcullis.session.Sessions;
import java.time.Duration;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;

/**
 * The sessions as one principal may see and change them: its own, or all. What is another's is answered as
 * what is not there, before anything reaches its session (SEC-19). Why: docs/adr/0017.
 *
 * @param owner whose sessions they are; empty for one who sees all
 */
record SeenSessions(Sessions sessions, String owner, OpenRuns openRuns) implements Sessions {
  static SeenSessions of(Sessions sessions, Principal principal, OpenRuns openRuns) {
    return new SeenSessions(sessions, principal.seesAll() ? "" : principal.name(), openRuns);
  }

  private boolean everything() {
    return owner.isEmpty();
  }

  private boolean seen(String other) {
    return everything() || owner.equals(other);
  }

  /** Whoever sees only its own is asked by the session itself: two may begin the same one at once. */
  @Override
  public CompletionStage<Receipt> submit(Turn turn) {
    return openRuns.within(
        sessions, turn.principal(), () -> sessions.submit(turn.spoken(everything())));
  }

  @Override
  public CompletionStage<ControlReply> abort(String runId, String by) {
    return ofRun(runId, () -> sessions.abort(runId, by), new ControlReply.Unknown());
  }

  @Override
  public CompletionStage<ControlReply> resume(String runId, String by) {
    return ofRun(runId, () -> sessions.resume(runId, by), new ControlReply.Unknown());
  }

  @Override
  public CompletionStage<DecisionReply> decide(String approvalId, String digest, boolean allow, String by) {
    return everything()
        ? sessions.decide(approvalId, digest, allow, by)
        : approval(approvalId).thenCompose(found -> found.isEmpty()
            ? CompletableFuture.completedFuture(new DecisionReply.NotOpen())
            : sessions.decide(approvalId, digest, allow, by));
  }

  @Override
  public CompletionStage<Optional<Approval>> approval(String approvalId) {
    var approval = sessions.approval(approvalId);
    return everything() ? approval : approval.thenCompose(found -> found.isEmpty()
        ? CompletableFuture.completedFuture(found)
        : ofRun(found.get().runId(), () -> CompletableFuture.completedFuture(found), Optional.empty()));
  }

  @Override
  public CompletionStage<List<Approval>> approvals() {
    return everything() ? sessions.approvals() : sessions.approvals().thenCompose(this::own);
  }

  /** What is asked at a time is little: each of its sessions is looked at once. */
  private CompletionStage<List<Approval>> own(List<Approval> approvals) {
    var keys = approvals.stream().map(Approval::sessionKey).distinct().toList();
    var rows = keys.stream()
        .map(key -> row(new SessionKey(key)).toCompletableFuture())
        .toList();
    return CompletableFuture.allOf(rows.toArray(CompletableFuture[]::new)).thenApply(_ -> {
      var mine = rows.stream().flatMap(row -> row.join().stream()).map(SessionRow::key)
          .collect(Collectors.toSet());
      return approvals.stream().filter(approval -> mine.contains(approval.sessionKey())).toList();
    });
  }

  @Override
  public CompletionStage<Optional<SessionRow>> reset(SessionKey session, String by) {
    return ofSession(session, () -> sessions.reset(session, by), Optional.empty());
  }

  @Override
  public CompletionStage<Boolean> erase(SessionKey session, String by) {
    return ofSession(session, () -> sessions.erase(session, by), false);
  }

  @Override
  public CompletionStage<Optional<RunView>> run(String runId) {
    return ofRun(runId, () -> sessions.run(runId), Optional.empty());
  }

  @Override
  public CompletionStage<Optional<RunView>> awaitEnd(String runId, Duration atMost) {
    return ofRun(runId, () -> sessions.awaitEnd(runId, atMost), Optional.empty());
  }

  @Override
  public CompletionStage<Optional<String>> ownerOf(String runId) {
    return sessions.ownerOf(runId).thenApply(found -> found.filter(this::seen));
  }

  @Override
  public Source<RunEvent, NotUsed> events(String runId, long after) {
    return everything() ? sessions.events(runId, after) : Source
        .completionStageSource(ownerOf(runId).thenApply(found -> found.isPresent()
            ? sessions.events(runId, after)
            : Source.<RunEvent>failed(new NoSuchElementException("no run " + runId))
                .mapMaterializedValue(_ -> NotUsed.getInstance())))
        .mapMaterializedValue(_ -> NotUsed.getInstance());
  }

  @Override
  public CompletionStage<Page> list(Query query) {
    return sessions.list(everything() ? query
        : new Query(query.limit(), query.cursor(), query.activeOnly(), query.agent(), owner));
  }

  @Override
  public CompletionStage<Optional<SessionRow>> row(SessionKey session) {
    return sessions.row(session).thenApply(found -> found.filter(row -> seen(row.owner())));
  }

  @Override
  public Source<Change, NotUsed> watch(Watch watch) {
    return sessions.watch(everything() ? watch
        : new Watch(watch.after(), watch.activeOnly(), watch.agent(), owner));
  }

  /** Of what is another's nobody ever catches up, as of what is not there. */
  @Override
  public CompletionStage<Boolean> caughtUp(List<Seen> seen) {
    if (everything()) {
      return sessions.caughtUp(seen);
    }
    var asked = seen.stream()
        .map(one -> sessions.row(one.session())
            .thenApply(row -> row.isEmpty() || seen(row.get().owner()) ? one
                : new Seen(one.session(), Long.MAX_VALUE))
            .toCompletableFuture())
        .toList();
    return CompletableFuture.allOf(asked.toArray(CompletableFuture[]::new))
        .thenCompose(_ -> sessions.caughtUp(asked.stream().map(CompletableFuture::join).toList()));
  }

  /** A call is known by a digest that its principal is part of. */
  @Override
  public CompletionStage<Optional<String>> repeated(Call call) {
    return sessions.repeated(call);
  }

  @Override
  public CompletionStage<Optional<Turn>> turn(String runId) {
    return ofRun(runId, () -> sessions.turn(runId), Optional.empty());
  }

  @Override
  public CompletionStage<List<HistoryEntry>> history(SessionKey session, long after, int limit) {
    return ofSession(session, () -> sessions.history(session, after, limit), List.of());
  }

  @Override
  public CompletionStage<Totals> totals(String wanted) {
    return everything() || wanted.isEmpty() || wanted.equals(owner)
        ? sessions.totals(everything() ? wanted : owner)
        : CompletableFuture.completedFuture(new Totals(0, 0, 0, 0, 0, 0, 0, 0, 0));
  }

  @Override
  public CompletionStage<List<JsonNode>> recorded(SessionKey session, long after, int limit) {
    return ofSession(session, () -> sessions.recorded(session, after, limit), List.of());
  }

  @Override
  public CompletionStage<JournalFigures> figures() {
    return sessions.figures();
  }

  private <T> CompletionStage<T> ofRun(String runId, Supplier<CompletionStage<T>> there, T absent) {
    return everything() ? there.get() : ownerOf(runId).thenCompose(found ->
        found.isPresent() ? there.get() : CompletableFuture.completedFuture(absent));
  }

  private <T> CompletionStage<T> ofSession(
      SessionKey session, Supplier<CompletionStage<T>> there, T absent) {
    return everything() ? there.get() : row(session).thenCompose(found ->
        found.isPresent() ? there.get() : CompletableFuture.completedFuture(absent));
  }
}
