package dev.portcullis.ingress.openai;

import dev.portcullis.ingress.http.Call;
import dev.portcullis.protocol.RunView;
import dev.portcullis.session.Sessions;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.apache.pekko.NotUsed;
import org.apache.pekko.actor.ClassicActorSystemProvider;
import org.apache.pekko.stream.javadsl.Source;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who still waits for the answers that nobody else will ever look for. A run whose last client has gone is
 * aborted, unless somebody comes for it in time. It saves cost and is no promise: after a restart, and for
 * clients that come back through another node, nobody knows who waited, and the run goes on to its end.
 */
final class Attendance {
  private static final Logger LOG = LoggerFactory.getLogger(Attendance.class);
  private static final String BY = "client-gone";

  /** @param came how often somebody has come; {@code there} how many of them are still there */
  private record Seats(long came, int there) {}

  private final Duration patience;
  private final ClassicActorSystemProvider system;
  private final ConcurrentMap<String, Seats> runs = new ConcurrentHashMap<>();

  Attendance(Duration patience, ClassicActorSystemProvider system) {
    this.patience = patience;
    this.system = system;
  }

  /** From now on somebody has to be there for this run. */
  void require(RunView run) {
    if (!run.status().terminal()) {
      runs.putIfAbsent(run.id(), new Seats(0, 0));
    }
  }

  /** The caller waits for {@code answer}, unless its connection ends before. */
  <T> CompletionStage<T> waits(Call call, String runId, CompletionStage<T> answer) {
    var end = come(call, runId);
    answer.whenComplete((_, _) -> end.complete(true));
    return answer;
  }

  /** The caller is there until the stream has ended, or is not read any more. */
  <T> Source<T, NotUsed> reads(Call call, String runId, Source<T, NotUsed> stream) {
    var end = come(call, runId);
    return stream
        .concatLazy(Source.lazySource(() -> {
          end.complete(true);
          return Source.empty();
        }))
        .watchTermination((_, over) -> {
          over.whenComplete((_, _) -> end.complete(false)); // Unless it was read to its end.
          return NotUsed.getInstance();
        });
  }

  /** The caller has looked how it stands, and may look again. */
  void looks(Call call, String runId) {
    come(call, runId).complete(false);
  }

  /** Completed with whether the caller was answered. A stream that nobody begins to read ends so too. */
  private CompletableFuture<Boolean> come(Call call, String runId) {
    runs.computeIfPresent(runId, (_, seats) -> new Seats(seats.came() + 1, seats.there() + 1));
    var end = new CompletableFuture<Boolean>();
    call.gone().thenRun(() -> end.complete(false));
    end.thenAccept(answered -> goes(call.sessions(), runId, answered));
    return end;
  }

  private void goes(Sessions sessions, String runId, boolean answered) {
    var left = runs.computeIfPresent(runId, (_, seats) -> answered
        ? null // It has come to rest, or the gateway has cut it and will see to it.
        : new Seats(seats.came(), seats.there() - 1));
    if (left != null && left.there() == 0) {
      system.classicSystem().scheduler().scheduleOnce(
          patience, () -> abandon(sessions, runId, left), system.classicSystem().dispatcher());
    }
  }

  private void abandon(Sessions sessions, String runId, Seats left) {
    if (runs.remove(runId, left)) {
      LOG.info("openai.abandoned runId={}", runId);
      sessions.abort(runId, BY);
    }
  }
}
