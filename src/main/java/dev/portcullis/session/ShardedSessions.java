package dev.portcullis.session;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.journal.JournalFigures;
import dev.portcullis.protocol.Approval;
import dev.portcullis.protocol.HistoryEntry;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunView;
import dev.portcullis.protocol.SessionRow;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeoutException;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.apache.pekko.NotUsed;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.cluster.sharding.typed.javadsl.ClusterSharding;
import org.apache.pekko.cluster.sharding.typed.javadsl.EntityRef;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.japi.function.Function;
import org.apache.pekko.stream.javadsl.Source;

/**
 * {@link Sessions} over cluster sharding. A viewer is a cursor over the journal that a session wakes: it
 * reads only what the session has already told the directory of, at its own pace, on whatever node it is.
 */
public final class ShardedSessions implements Sessions {
  /** After this an answer is unknown. */
  public static final Duration ANSWER = Duration.ofSeconds(10);

  /** How long a viewer waits for a row that it has seen elsewhere. */
  private static final Duration CATCH_UP = Duration.ofSeconds(1);

  private static final Duration NEWS = Duration.ofSeconds(20);
  private static final int PAGE = 256;
  private static final String RUN_PREFIX = "run_";

  private final ActorSystem<?> system;
  private final ClusterSharding sharding;
  private final ActorRef<Directory.Command> directory;
  private final Transcripts transcripts;
  private final RandomGenerator random;
  private final Clock clock;
  private final Gate gate;
  private final boolean clustered;
  private final RowWatch rows;

  /** @param clustered whether a session may live on another node than who asks */
  public ShardedSessions(
      ActorSystem<?> system,
      ActorRef<Directory.Command> directory,
      Transcripts transcripts,
      RandomGenerator random,
      Clock clock,
      Gate gate,
      boolean clustered) {
    this.system = system;
    this.sharding = ClusterSharding.get(system);
    this.directory = directory;
    this.transcripts = transcripts;
    this.random = random;
    this.clock = clock;
    this.gate = gate;
    this.clustered = clustered;
    this.rows = new RowWatch(directory, system.scheduler(), Long.toHexString(random.nextLong()));
  }

  @Override
  public CompletionStage<Receipt> submit(Turn turn) {
    var runId = turn.key().stream().map(Key::runId).filter(id -> !id.isEmpty()).findFirst()
        .orElseGet(this::newRunId);
    return entity(turn.session())
        .<Receipt>ask(
            replyTo -> new Session.Submit(
                runId,
                turn.session().text(),
                turn.principal(),
                turn.message(),
                turn.context(),
                turn.input(),
                keys(turn, runId),
                gate.state(),
                replyTo,
                turn.note(),
                turn.anywhere()),
            ANSWER)
        .thenCompose(this::withStatus)
        .thenCompose(receipt -> known(turn.session(), receipt));
  }

  private static List<Key> keys(Turn turn, String runId) {
    return Stream.concat(
            turn.key().stream(),
            turn.call().stream().map(call ->
                new Key(Calls.name(call.digest(), runId), Integer.toString(call.count()))))
        .toList();
  }

  @Override
  public CompletionStage<Optional<String>> repeated(Call call) {
    return transcripts.calls(call.digest(), clock.instant()).thenCompose(found -> claim(call, found.stream()
        .filter(known -> Calls.repeats(call.count(), known.body()))
        .toList()));
  }

  /** The first that nobody else has claimed meanwhile. */
  private CompletionStage<Optional<String>> claim(Call call, List<SessionState.KeyEntry> found) {
    if (found.isEmpty()) {
      return CompletableFuture.completedFuture(Optional.empty());
    }
    var first = found.getFirst();
    return control(first.runId(), replyTo -> new Session.Repeat(
            first.runId(), call.digest(), call.count(), first.body(), first.until(), replyTo))
        .thenCompose(reply -> switch (reply) {
          case ControlReply.Done _ -> CompletableFuture.completedFuture(Optional.of(first.runId()));
          case ControlReply.Refused _, ControlReply.Unknown _ -> claim(call, found.subList(1, found.size()));
          // It may have been this very call; to run it once more would be worse than to say so.
          case Quarantined damaged -> CompletableFuture.failedFuture(new Damaged(damaged));
        });
  }

  @Override
  public CompletionStage<Optional<Turn>> turn(String runId) {
    return transcripts.locate(runId).thenCompose(found ->
        found.stream().findFirst().orElse(null) instanceof Transcripts.Located located
            ? turn(located)
            : CompletableFuture.completedFuture(Optional.empty()));
  }

  private CompletionStage<Optional<Turn>> turn(Transcripts.Located located) {
    return position(located.session(), -1, ANSWER).thenCompose(position ->
        located.firstSeq() <= position.erasedTo()
            ? CompletableFuture.completedFuture(Optional.empty())
            : transcripts.accepted(located).thenApply(found -> found.stream().findFirst().map(turn ->
                new Turn(located.session(), turn.principal(), turn.message(), turn.context(), List.of(),
                    turn.input(), List.of(), turn.note()))));
  }

  /** A session remembers only its newest runs; where an older one stands is in the journal. */
  private CompletionStage<Receipt> withStatus(Receipt receipt) {
    return receipt instanceof Receipt.Accepted(var runId, var key, var status, var position, boolean replayed)
            && replayed
        ? run(runId).thenApply(view -> new Receipt.Accepted(
            runId, key, view.map(RunView::status).orElse(status), position, true))
        : CompletableFuture.completedFuture(receipt);
  }

  @Override
  public CompletionStage<ControlReply> abort(String runId, String by) {
    return control(runId, replyTo -> new Session.Abort(runId, by, replyTo));
  }

  @Override
  public CompletionStage<ControlReply> resume(String runId, String by) {
    return control(runId, replyTo -> new Session.Resume(runId, by, replyTo));
  }

  @Override
  public CompletionStage<DecisionReply> decide(String approvalId, String digest, boolean allow, String by) {
    return transcripts.asked(approvalId).thenCompose(found -> found.isEmpty()
        ? CompletableFuture.completedFuture(new DecisionReply.NotOpen())
        : decide(found.getFirst(), digest, allow, by));
  }

  private CompletionStage<DecisionReply> decide(
      Transcripts.Asked asked, String digest, boolean allow, String by) {
    var id = asked.event().approvalId();
    return entity(asked.session())
        .<DecisionReply>ask(
            replyTo -> new Session.Decide(asked.event().runId(), id, digest, allow, by, replyTo), ANSWER)
        .thenCompose(reply -> reply instanceof DecisionReply.NotOpen
            ? run(asked.event().runId()).thenApply(run -> closed(run, id))
            : known(asked.session(), reply));
  }

  /** A session knows only what is open; what became of an older question is in the journal. */
  private static DecisionReply closed(Optional<RunView> run, String approvalId) {
    return run
        .<DecisionReply>map(view -> Optional.ofNullable(view.decisions().get(approvalId))
            .<DecisionReply>map(done -> new DecisionReply.Decided(done.allowed(), done.by()))
            .orElse(new DecisionReply.Refused(view.status())))
        .orElse(new DecisionReply.NotOpen());
  }

  @Override
  public CompletionStage<Optional<Approval>> approval(String approvalId) {
    return transcripts.asked(approvalId).thenCompose(found -> found.isEmpty()
        ? CompletableFuture.completedFuture(Optional.empty())
        : run(found.getFirst().event().runId())
            .thenApply(run -> run.map(view -> approval(found.getFirst(), view))));
  }

  private static Approval approval(Transcripts.Asked asked, RunView run) {
    var open = RunFold.approval(asked.event(), asked.session());
    return Optional.ofNullable(run.decisions().get(open.id())).map(open::decided).orElse(open);
  }

  @Override
  public CompletionStage<List<Approval>> approvals() {
    return transcripts.questions().thenApply(all ->
        all.stream().map(asked -> RunFold.approval(asked.event(), asked.session())).toList());
  }

  private CompletionStage<ControlReply> control(
      String runId, Function<ActorRef<ControlReply>, Session.Command> command) {
    return transcripts.locate(runId).thenCompose(found -> found.isEmpty()
        ? CompletableFuture.completedFuture(new ControlReply.Unknown())
        : switch (found.getFirst()) {
          case Transcripts.Located located -> entity(located.session()).ask(command, ANSWER)
              .thenCompose(reply -> known(located.session(), reply));
          case Transcripts.Trimmed(var run) ->
              CompletableFuture.completedFuture(new ControlReply.Refused(run.status()));
        });
  }

  /** An answer, once this node's directory knows what the session on another node has told its own. */
  private <T> CompletionStage<T> known(SessionKey session, T answer) {
    return clustered
        ? position(session, -1, ANSWER).handle((_, _) -> answer)
        : CompletableFuture.completedFuture(answer);
  }

  /** Whoever sees an event through this node must not find the row of before it in this node's list. */
  private CompletionStage<Session.Position> position(SessionKey session, long beyond, Duration atMost) {
    return entity(session)
        .<Session.PositionReply>ask(replyTo -> new Session.AwaitBeyond(beyond, replyTo), atMost)
        .thenApply(reply -> switch (reply) {
          case Session.Position position -> {
            if (clustered) {
              directory.tell(new Directory.Heard(position.rows()));
            }
            yield position;
          }
          case Quarantined answer -> throw new Damaged(answer);
        });
  }

  @Override
  public CompletionStage<Optional<SessionRow>> reset(SessionKey session, String by) {
    return clear(session, false, by);
  }

  @Override
  public CompletionStage<Boolean> erase(SessionKey session, String by) {
    return clear(session, true, by).thenApply(Optional::isPresent);
  }

  private CompletionStage<Optional<SessionRow>> clear(SessionKey session, boolean erase, String by) {
    return entity(session)
        .<Session.ClearReply>ask(replyTo -> new Session.Clear(erase, by, replyTo), ANSWER)
        .thenCompose(reply -> switch (reply) {
          case Session.Cleared(var rows) -> known(session, rows.stream().findFirst());
          case Quarantined answer -> throw new Damaged(answer);
        });
  }

  @Override
  public CompletionStage<Optional<RunView>> run(String runId) {
    return view(runId, this::catchUp);
  }

  @Override
  public CompletionStage<Optional<RunView>> awaitEnd(String runId, Duration atMost) {
    return view(runId, cursor -> untilEnd(cursor, clock.instant().plus(atMost)));
  }

  private CompletionStage<Optional<RunView>> view(
      String runId, java.util.function.Function<RunCursor, CompletionStage<Optional<RunView>>> read) {
    return transcripts.locate(runId).thenCompose(found -> found.isEmpty()
        ? CompletableFuture.completedFuture(Optional.empty())
        : switch (found.getFirst()) {
          case Transcripts.Located located -> read.apply(new RunCursor(transcripts, located, runId))
              .exceptionallyCompose(failure -> gone(runId, failure));
          case Transcripts.Trimmed(var run) -> CompletableFuture.completedFuture(Optional.of(run.view()));
        });
  }

  /** Erased, or trimmed since it was located: the index knows by now. */
  private CompletionStage<Optional<RunView>> gone(String runId, Throwable failure) {
    return failure instanceof NoSuchElementException || failure.getCause() instanceof NoSuchElementException
        ? transcripts.locate(runId).thenApply(found -> found.stream()
            .filter(Transcripts.Trimmed.class::isInstance)
            .map(trimmed -> ((Transcripts.Trimmed) trimmed).run().view())
            .findFirst())
        : CompletableFuture.failedFuture(failure);
  }

  private CompletionStage<Optional<RunView>> untilEnd(RunCursor cursor, Instant until) {
    var left = Duration.between(clock.instant(), until);
    if (cursor.ended() || left.isNegative() || left.isZero()) {
      return catchUp(cursor);
    }
    return advance(cursor, cursor.read(), left.compareTo(NEWS) < 0 ? left : NEWS)
        .thenCompose(_ -> untilEnd(cursor, until));
  }

  /** Reads everything that there is now. */
  private CompletionStage<Optional<RunView>> catchUp(RunCursor cursor) {
    // Silence is no answer here: "there is no such run" would be a wrong one.
    return look(cursor, 0, ANSWER).thenCompose(_ -> cursor.behind()
        ? catchUp(cursor)
        : CompletableFuture.completedFuture(cursor.view()));
  }

  @Override
  public Source<RunEvent, NotUsed> events(String runId, long after) {
    return Source.completionStageSource(transcripts.locate(runId).thenApply(found -> {
      if (found.isEmpty()) {
        throw new NoSuchElementException("no run " + runId);
      }
      return switch (found.getFirst()) {
        case Transcripts.Located located ->
            Source.unfoldAsync(new RunCursor(transcripts, located, runId), this::nextEvents)
                .mapConcat(events -> events);
        case Transcripts.Trimmed(var run) -> Source.single(run.end());
      };
    }))
        .filter(event -> event.seq() > after)
        .mapMaterializedValue(_ -> NotUsed.getInstance());
  }

  private CompletionStage<Optional<Pair<RunCursor, List<RunEvent>>>> nextEvents(RunCursor cursor) {
    return cursor.ended()
        ? CompletableFuture.completedFuture(Optional.empty())
        : advance(cursor, cursor.read(), NEWS).thenApply(events -> Optional.of(Pair.create(cursor, events)));
  }

  /** Reads on, once the session stands beyond {@code beyond} or {@code atMost} has passed. */
  private CompletionStage<List<RunEvent>> advance(RunCursor cursor, long beyond, Duration atMost) {
    return look(cursor, beyond, atMost).exceptionallyCompose(ShardedSessions::silence);
  }

  private CompletionStage<List<RunEvent>> look(RunCursor cursor, long beyond, Duration atMost) {
    return cursor.behind()
        ? cursor.advance(PAGE)
        : position(cursor.session(), beyond, atMost)
            .thenCompose(position -> cursor.upTo(position).advance(PAGE));
  }

  /** No news in time is no fault: the viewer asks again. */
  private static CompletionStage<List<RunEvent>> silence(Throwable failure) {
    return failure instanceof TimeoutException || failure.getCause() instanceof TimeoutException
        ? CompletableFuture.completedFuture(List.of())
        : CompletableFuture.failedFuture(failure);
  }

  @Override
  public CompletionStage<Page> list(Query query) {
    // What cannot be read would end the directory, and with it every list.
    return Directory.isCursor(query.cursor())
        ? AskPattern.ask(
            directory, replyTo -> new Directory.ListRows(query, replyTo), ANSWER, system.scheduler())
        : CompletableFuture.failedFuture(new IllegalArgumentException("no cursor: " + query.cursor()));
  }

  @Override
  public CompletionStage<Optional<SessionRow>> row(SessionKey session) {
    return AskPattern.<Directory.Command, List<SessionRow>>ask(
            directory, replyTo -> new Directory.GetRow(session.text(), replyTo), ANSWER, system.scheduler())
        .thenApply(rows -> rows.stream().findFirst());
  }

  @Override
  public CompletionStage<Optional<String>> ownerOf(String runId) {
    return transcripts.locate(runId).thenCompose(found -> found.isEmpty()
        ? CompletableFuture.completedFuture(Optional.empty())
        : found(found.getFirst().session()).thenApply(row -> row.map(SessionRow::owner)));
  }

  /** The row of a session that there is, though this node's directory may not have heard of it yet. */
  private CompletionStage<Optional<SessionRow>> found(SessionKey session) {
    return row(session).thenCompose(row -> row.isPresent() || !clustered
        ? CompletableFuture.completedFuture(row)
        : position(session, -1, ANSWER).thenApply(position ->
            position.rows().stream().filter(known -> !known.erased()).findFirst()));
  }

  @Override
  public CompletionStage<Boolean> caughtUp(List<Seen> seen) {
    return seen.stream()
        .map(this::caughtUp)
        .reduce(CompletableFuture.completedFuture(true),
            (all, one) -> all.thenCombine(one, Boolean::logicalAnd));
  }

  /** Only the owner knows what this directory has not heard yet; it is not woken for what is known. */
  private CompletionStage<Boolean> caughtUp(Seen seen) {
    return row(seen.session()).thenCompose(row -> row.isPresent() && row.get().rev() >= seen.rev()
        ? CompletableFuture.completedFuture(true)
        : position(seen.session(), seen.rev() - 1, CATCH_UP).handle((_, failure) -> failure == null));
  }

  @Override
  public Source<Change, NotUsed> watch(Watch watch) {
    return rows.of(watch);
  }

  @Override
  public CompletionStage<List<HistoryEntry>> history(SessionKey session, long after, int limit) {
    var entityId = session.entityId();
    return position(session, -1, ANSWER)
        .thenCompose(position -> transcripts.async(() ->
            transcripts.history(entityId, Math.max(after, position.since()), position.seq(), limit).stream()
                .map(HistoryEntry::told)
                .toList()));
  }

  @Override
  public CompletionStage<Totals> totals(String owner) {
    return AskPattern.ask(
        directory, replyTo -> new Directory.GetTotals(owner, replyTo), ANSWER, system.scheduler());
  }

  @Override
  public CompletionStage<List<JsonNode>> recorded(SessionKey session, long after, int limit) {
    return transcripts.recorded(session.entityId(), after + 1, limit);
  }

  @Override
  public CompletionStage<JournalFigures> figures() {
    return transcripts.figures();
  }

  private EntityRef<Session.Command> entity(SessionKey session) {
    return sharding.entityRefFor(Session.TYPE_KEY, session.entityId());
  }

  private String newRunId() {
    var bytes = new byte[20];
    random.nextBytes(bytes);
    return RUN_PREFIX + SessionKey.base32(bytes, 26);
  }
}
