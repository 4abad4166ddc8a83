package dev.portcullis.session;

import dev.portcullis.protocol.SessionRow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeoutException;
import org.apache.pekko.NotUsed;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Scheduler;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.javadsl.Source;

/**
 * A viewer of rows: it asks the directory for what stands above the position it has seen, whenever whoever
 * reads it wants more. Why: docs/adr/0018.
 *
 * @param life names this life of the directory: positions of another mean nothing here
 */
record RowWatch(ActorRef<Directory.Command> directory, Scheduler scheduler, String life) {
  private static final Duration NEWS = Duration.ofSeconds(20);
  private static final int PAGE = 256;

  /** @param begun whether the viewer was told where it begins; complete, whether it has caught up once */
  private record Cursor(long seen, long snapshot, boolean begun, boolean complete) {}

  Source<Sessions.Change, NotUsed> of(Sessions.Watch watch) {
    return Source.lazySource(() -> {
          var viewer = new Directory.Viewer();
          var start = new Cursor(position(watch.after()), 0, false, false);
          return Source.unfoldAsync(start, cursor -> next(viewer, watch, cursor))
              .mapConcat(changes -> changes);
        })
        .mapMaterializedValue(_ -> NotUsed.getInstance());
  }

  /** Where a viewer goes on that has seen {@code id}; below zero when it must begin anew. */
  private long position(String id) {
    int dot = id.indexOf('.');
    return dot > 0 && id.substring(0, dot).equals(life) && id.substring(dot + 1).matches("[0-9]{1,18}")
        ? Long.parseLong(id.substring(dot + 1))
        : -1;
  }

  private CompletionStage<Optional<Pair<Cursor, List<Sessions.Change>>>> next(
      Directory.Viewer viewer, Sessions.Watch watch, Cursor cursor) {
    return AskPattern.<Directory.Command, Directory.Told>ask(
            directory,
            replyTo -> new Directory.Next(
                viewer, cursor.seen(), cursor.snapshot(), watch, PAGE, cursor.complete(), replyTo),
            NEWS,
            scheduler)
        .thenApply(told -> Optional.of(changes(cursor, told)))
        .exceptionallyCompose(failure ->
            failure instanceof TimeoutException || failure.getCause() instanceof TimeoutException
                ? CompletableFuture.completedFuture(Optional.of(Pair.create(cursor, List.of())))
                : CompletableFuture.failedFuture(failure));
  }

  private Pair<Cursor, List<Sessions.Change>> changes(Cursor cursor, Directory.Told told) {
    var changes = new ArrayList<Sessions.Change>();
    boolean begins = told.full() || !cursor.begun();
    if (begins) {
      changes.add(new Sessions.Change.Begin(told.full()));
    }
    boolean whole = told.full() || cursor.snapshot() > 0 && !cursor.complete();
    var id = life + "." + told.seen();
    for (int i = 0; i < told.rows().size(); i++) {
      // Who breaks off within a snapshot has not seen what stands below, and begins anew.
      boolean resumable = !whole && i == told.rows().size() - 1;
      changes.add(new Sessions.Change.Row(told.rows().get(i), resumable ? id : ""));
    }
    boolean catchesUp = told.head() && (begins || !cursor.complete());
    if (catchesUp) {
      changes.add(new Sessions.Change.Complete(id));
    }
    var next = new Cursor(
        told.seen(), told.snapshot(), true, catchesUp || cursor.complete() && !told.full());
    return Pair.create(next, changes);
  }

  /** Rows alone. */
  static Source<SessionRow, NotUsed> rows(Source<Sessions.Change, NotUsed> changes) {
    return changes.mapConcat(change -> switch (change) {
      case Sessions.Change.Row(var row, _) -> List.of(row);
      case Sessions.Change.Begin _, Sessions.Change.Complete _ -> List.of();
    });
  }
}
