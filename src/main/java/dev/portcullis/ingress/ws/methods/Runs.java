package dev.portcullis.ingress.ws.methods;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Addressing;
import dev.portcullis.ingress.Digests;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Messages;
import dev.portcullis.ingress.Problem;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.ws.MethodCall;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.RunView;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.session.ControlReply;
import dev.portcullis.session.Quarantined;
import dev.portcullis.session.Receipt;
import dev.portcullis.session.SessionKey;
import dev.portcullis.session.Sessions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/** Turns in and runs out, for every method that has to do with one. */
final class Runs {
  /** Between two looks at a run that may have been parked. */
  private static final Duration LOOK = Duration.ofSeconds(10);

  private final Edge edge;
  private final Addressing addressing;

  Runs(Edge edge) {
    this.edge = edge;
    this.addressing = new Addressing(edge.config());
  }

  Addressing addressing() {
    return addressing;
  }

  /** @param replayed the same turn was taken before: nothing new was started */
  record Taken(RunView run, boolean replayed) {}

  /**
   * Takes a turn under the client's key, or finds the run that it was taken as, however long ago.
   *
   * @throws InputFault when the key stands for another turn, or the turn is not taken
   */
  CompletionStage<Taken> submit(MethodCall call, SessionKey session, String message, String key) {
    var text = Messages.checked("message", message, edge.config().session().messageChars());
    var principal = call.peer().principal();
    var id = RunNames.id(principal, RunNames.checked(key));
    return call.sessions().run(id).thenCompose(found -> found.isPresent()
        ? CompletableFuture.completedFuture(known(found.get(), session, text, key))
        : call.sessions().submit(new Sessions.Turn(
                session, principal.name(), text, List.of(),
                List.of(new Sessions.Key(
                    Digests.hex(principal.name(), "ws", session.text(), key), Digests.hex(text), id))))
            .thenCompose(receipt -> taken(call, session, receipt)));
  }

  private static Taken known(RunView run, SessionKey session, String message, String key) {
    boolean same = run.sessionKey().equals(session.text())
        && (run.trimmed() || run.message().equals(message));
    if (!same) {
      throw InputFault.of(Problems.keyConflict(key));
    }
    return new Taken(run, true);
  }

  private static CompletionStage<Taken> taken(MethodCall call, SessionKey session, Receipt receipt) {
    return switch (receipt) {
      case Receipt.Foreign _ -> refused(Problems.sessionNotFound(session.text()));
      case Receipt.Accepted accepted -> call.sessions().run(accepted.runId())
          .thenApply(found -> new Taken(
              found.orElseThrow(() -> InputFault.of(Problems.runNotFound(RunNames.shown(accepted.runId())))),
              accepted.replayed()));
      case Receipt.KeyReused reused -> refused(Problems.keyConflict(RunNames.shown(reused.runId())));
      case Receipt.Busy busy -> refused(Problems.of(busy));
      case Receipt.QueueFull full -> refused(Problems.of(full));
      case Receipt.Closed closed -> refused(Problems.of(closed));
      case Quarantined quarantined -> refused(Problems.of(quarantined));
    };
  }

  static <T> CompletionStage<T> refused(Problem problem) {
    return CompletableFuture.failedFuture(InputFault.of(problem));
  }

  /** The run that clients know as {@code shown}: the asker's own of this name first. */
  CompletionStage<RunView> find(MethodCall call, String shown) {
    return find(call, shown, RunNames.candidates(call.peer().principal(), shown));
  }

  private CompletionStage<RunView> find(MethodCall call, String shown, List<String> candidates) {
    return candidates.isEmpty()
        ? refused(Problems.runNotFound(shown))
        : call.sessions().run(candidates.getFirst()).thenCompose(found -> found
            .<CompletionStage<RunView>>map(CompletableFuture::completedFuture)
            .orElseGet(() -> find(call, shown, candidates.subList(1, candidates.size()))));
  }

  /** The run when it has ended or is parked, or as it stands after {@code atMost}. */
  CompletionStage<RunView> rest(MethodCall call, RunView run, Duration atMost) {
    return rest(call, run, edge.clock().instant().plus(atMost));
  }

  private CompletionStage<RunView> rest(MethodCall call, RunView run, Instant until) {
    var left = Duration.between(edge.clock().instant(), until);
    if (rests(run) || left.isNegative() || left.isZero()) {
      return CompletableFuture.completedFuture(run);
    }
    return call.sessions().awaitEnd(run.id(), left.compareTo(LOOK) < 0 ? left : LOOK)
        .thenCompose(found -> found.isEmpty()
            ? refused(Problems.runNotFound(RunNames.shown(run.id())))
            : rest(call, found.get(), until));
  }

  static boolean rests(RunView run) {
    return run.status().terminal() || run.status() == RunStatus.PARKED;
  }

  /**
   * How a run stands, in one vocabulary for every method: {@code ok}, {@code in_flight}, {@code error} or, as
   * the clients have it for an abort, {@code timeout} with {@code summary: aborted}.
   */
  static ObjectNode standing(RunView run) {
    var json = Json.object().put("runId", RunNames.shown(run.id()));
    switch (run.status()) {
      case COMPLETED -> json.put("status", "ok");
      case ABORTED -> json.put("status", "timeout").put("summary", "aborted").put("stopReason", "rpc");
      case FAILED -> {
        json.put("status", "error");
        run.error().ifPresent(error -> json.put("error", error.message()).put("summary", error.message())
            .put("errorCode", error.code()).put("reference", error.reference()));
      }
      case QUEUED, STARTING, RUNNING, ABORTING, INTERRUPTED, PARKED ->
          json.put("status", "in_flight").put("state", run.status().word());
    }
    run.times().startedAt().forEach(at -> json.put("startedAt", at.toEpochMilli()));
    run.times().endedAt().forEach(at -> json.put("endedAt", at.toEpochMilli()));
    return json;
  }

  /** Aborts what can be aborted of these; the ids that clients know of those that are ending now. */
  CompletionStage<List<String>> abort(MethodCall call, List<String> ids) {
    var by = call.peer().principal().name();
    CompletionStage<List<String>> done = CompletableFuture.completedFuture(new ArrayList<>());
    for (var id : ids) {
      done = done.thenCombine(call.sessions().abort(id, by), (ended, reply) -> {
        if (reply instanceof ControlReply.Done) {
          ended.add(RunNames.shown(id));
        }
        return ended;
      });
    }
    return done;
  }

  /** What an abort of the whole session is about: the active run, or else the one that goes on next. */
  static List<String> abortable(SessionRow row) {
    var ids = new LinkedHashSet<>(row.activeRunIds());
    if (ids.isEmpty() && row.abortable()) {
      ids.add(row.lastRunId());
    }
    return List.copyOf(ids);
  }

  /** The run of this session that clients know as {@code shown}, if it can be told of. */
  CompletionStage<List<String>> ofSession(MethodCall call, SessionKey session, String shown) {
    return call.sessions().row(session).thenCompose(row -> {
      var active = row.map(SessionRow::activeRunIds).orElse(List.of()).stream()
          .filter(id -> RunNames.shown(id).equals(shown))
          .toList();
      return !active.isEmpty()
          ? CompletableFuture.completedFuture(active)
          : find(call, shown)
              .thenApply(run ->
                  run.sessionKey().equals(session.text()) ? List.of(run.id()) : List.<String>of())
              .exceptionally(Runs::none);
    });
  }

  /** A run that nobody knows cannot be aborted, which is no mistake of the asker's. */
  private static List<String> none(Throwable thrown) {
    if (InputFault.class.isInstance(thrown) || InputFault.class.isInstance(thrown.getCause())) {
      return List.of();
    }
    throw new CompletionException(thrown);
  }
}
