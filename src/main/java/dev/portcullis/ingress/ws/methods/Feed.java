package dev.portcullis.ingress.ws.methods;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.ws.Announcer;
import dev.portcullis.ingress.ws.Broadcast;
import dev.portcullis.ingress.ws.Topic;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.RunView;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.session.SessionKey;
import dev.portcullis.session.Sessions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.PreRestart;
import org.apache.pekko.actor.typed.SupervisorStrategy;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.stream.KillSwitches;
import org.apache.pekko.stream.SharedKillSwitch;
import org.apache.pekko.stream.javadsl.Sink;

/**
 * What this node tells its sockets: every changed row, and every event of every open run, each translated
 * once. It follows the directory and what its rows name; it holds no truth of its own, and whoever missed
 * something reads the list and the transcript. While nobody listens it only keeps the rows. A row goes out
 * before the end of the run that it tells of, and never after a newer one (INV-A2, INV-A3).
 */
public final class Feed {
  // ---- protocol
  public sealed interface Command {}

  record Changed(SessionRow row) implements Command {}

  record RowsEnded() implements Command {}

  record Found(String runId, Optional<RunView> run) implements Command {}

  /** It could not be looked up. */
  record NotFound(String runId) implements Command {}

  record Again(String runId, boolean fresh) implements Command {}

  record Heard(RunEvent event) implements Command {}

  /** A run has ended; the row as of then, or none if the session is gone. */
  record Ended(RunEvent event, RunTelling telling, Optional<SessionRow> row) implements Command {}

  /** The events ended, or broke off: then the next row names the run again. */
  record Silent(String runId) implements Command {}

  /** Somebody listens where nobody did. */
  record Wanted() implements Command {}

  record Stop() implements Command {}

  /** What is told, in whose words, to whom and by which clock. */
  record Parts(Sessions sessions, Agents agents, Announcer announcer, Clock clock) {}

  // ---- state
  private static final Duration AGAIN = Duration.ofSeconds(1);
  private static final Duration LONGEST = Duration.ofSeconds(30);

  private final ActorContext<Command> context;
  private final Parts parts;
  private final Instant since;
  private final SharedKillSwitch following = KillSwitches.shared("feed");
  private final Map<String, SessionRow> sessions = new HashMap<>();
  private final Map<String, RunTelling> runs = new HashMap<>();
  /** Runs that are being looked up; whether they are new. */
  private final Map<String, Boolean> sought = new HashMap<>();
  /** New runs that have not begun, by the session they wait in: nothing is heard of them until they do. */
  private final Map<String, String> waiting = new HashMap<>();

  // ---- behaviour
  static Behavior<Command> create(Parts parts) {
    return Behaviors.supervise(Behaviors.<Command>setup(context -> new Feed(context, parts).following()))
        .onFailure(SupervisorStrategy.restartWithBackoff(AGAIN, LONGEST, 0.2));
  }

  private Feed(ActorContext<Command> context, Parts parts) {
    this.context = context;
    this.parts = parts;
    this.since = parts.clock().instant();
  }

  private Behavior<Command> following() {
    followRows();
    return Behaviors.receive(Command.class)
        .onAnyMessage(command -> {
          on(command);
          return command instanceof Stop ? Behaviors.stopped() : Behaviors.same();
        })
        .onSignal(PostStop.class, _ -> silenced())
        .onSignal(PreRestart.class, _ -> silenced())
        .build();
  }

  private Behavior<Command> silenced() {
    following.shutdown();
    return Behaviors.same();
  }

  private void on(Command command) {
    switch (command) {
      case Changed(var row) -> changed(row);
      case RowsEnded _ -> followRows(); // Every row comes again; those that are known are passed over.
      case Found(var runId, var run) -> found(runId, run);
      case Heard(var event) -> heard(event);
      case Ended(var event, var telling, var row) -> ended(event, telling, row);
      case NotFound(var runId) -> context.scheduleOnce(AGAIN, context.getSelf(),
          new Again(runId, Optional.ofNullable(sought.remove(runId)).orElse(false)));
      case Again(var runId, var fresh) -> seek(runId, fresh);
      case Silent(var runId) -> silent(runId);
      case Wanted _ -> sessions.values().stream()
          .flatMap(row -> row.activeRunIds().stream())
          .forEach(runId -> seek(runId, false));
      case Stop _ -> following.shutdown();
    }
  }

  private void followRows() {
    var self = context.getSelf();
    parts.sessions().changes()
        .via(following.flow())
        .runWith(Sink.foreach(row -> self.tell(new Changed(row))), context.getSystem())
        .whenComplete((_, failure) -> {
          if (failure != null) {
            self.tell(new RowsEnded());
          }
        });
  }

  // ---- sessions
  private void changed(SessionRow row) {
    var before = Optional.ofNullable(sessions.get(row.key()));
    if (before.isPresent() && row.rev() <= before.get().rev()) {
      return;
    }
    if (!parts.announcer().heard()) {
      remember(row);
      return;
    }
    // The first row of a session; any other that is not known yet is one from before this feed began.
    boolean begun = before.isEmpty()
        && (row.createdAt().isAfter(since) || row.createdAt().equals(row.updatedAt()));
    tell(row, before, begun);
    boolean fresh = before.map(known -> row.accepted() > known.accepted()).orElse(begun);
    if (before.isPresent() && row.queued() < before.get().queued()) { // What waited has just begun.
      row.activeRunIds().stream()
          .filter(runId -> !runs.containsKey(runId))
          .forEach(runId -> waiting.putIfAbsent(runId, row.key()));
    }
    row.activeRunIds().forEach(runId -> seek(runId, false));
    if (fresh && !row.lastRunId().isEmpty()) {
      seek(row.lastRunId(), true);
    }
    if (before.isPresent() && row.terminal() > before.get().terminal()) {
      // One that never began may be among those that ended.
      waiting.entrySet().stream()
          .filter(entry -> entry.getValue().equals(row.key()))
          .map(Map.Entry::getKey)
          .toList()
          .forEach(runId -> seek(runId, false));
    }
  }

  /** Their events went with the session; whoever watches them hears of an end all the same. */
  private void endRuns(SessionRow erased) {
    var gone = runs.entrySet().stream()
        .filter(entry -> entry.getValue().sessionKey().equals(erased.key()))
        .toList();
    gone.forEach(entry -> {
      runs.remove(entry.getKey());
      entry.getValue().erased(erased.updatedAt()).forEach(parts.announcer()::announce);
    });
  }

  private void remember(SessionRow row) {
    if (row.erased()) {
      sessions.remove(row.key());
    } else {
      sessions.put(row.key(), row);
    }
    if (row.erased() || row.activeRunIds().isEmpty() && row.queued() == 0) {
      waiting.values().removeIf(row.key()::equals); // Whatever of it was still to begin has ended.
    }
  }

  private void tell(SessionRow row, Optional<SessionRow> before, boolean begun) {
    if (row.erased()) {
      remember(row);
      endRuns(row);
      announce(row, head(row).put("reason", "delete"));
      return;
    }
    sessions.put(row.key(), row);
    // Every piece of an answer makes a new revision; a row is told when something else is in it.
    if (begun || before.isPresent() && !shown(before.get()).equals(shown(row))) {
      announce(row, payload(row, RowCodec.row(row, parts.agents())).put("reason", reason(row, before)));
    }
  }

  /** What of a row clients can see, but for its revision and time. */
  private ObjectNode shown(SessionRow row) {
    return RowCodec.row(row, parts.agents()).without(List.of("rev", "updatedAt"));
  }

  private static String reason(SessionRow row, Optional<SessionRow> before) {
    if (before.isEmpty()) {
      return "create";
    }
    var known = before.get();
    if (!known.sessionId().equals(row.sessionId())) {
      return "reset";
    }
    if (row.accepted() > known.accepted()) {
      return "send";
    }
    if (row.hasActiveRun() != known.hasActiveRun()) {
      return row.hasActiveRun() ? "agent.run.started" : "agent.input.settled";
    }
    return "update";
  }

  private ObjectNode head(SessionRow row) {
    return Json.object()
        .put("sessionKey", row.key())
        .put("agentId", row.agent())
        .put("sessionId", row.sessionId())
        .put("ts", parts.clock().millis());
  }

  private ObjectNode payload(SessionRow row, ObjectNode session) {
    var payload = head(row)
        .put("updatedAt", row.updatedAt().toEpochMilli())
        .put("hasActiveRun", row.hasActiveRun());
    payload.set("activeRunIds", session.get("activeRunIds"));
    payload.set("status", session.has("status") ? session.get("status") : session.nullNode());
    payload.set("session", session);
    return payload;
  }

  private void announce(SessionRow row, ObjectNode payload) {
    var audience = Broadcast.Audience.readersOf(row.key(), row.owner()).on(new Topic.SessionList());
    parts.announcer().announce(new Broadcast("sessions.changed", audience, true, payload));
  }

  // ---- runs
  private void seek(String runId, boolean fresh) {
    if (runs.containsKey(runId)) {
      return;
    }
    boolean underway = sought.containsKey(runId);
    sought.merge(runId, fresh, Boolean::logicalOr);
    if (!underway) {
      context.pipeToSelf(parts.sessions().run(runId),
          (run, failure) -> failure == null ? new Found(runId, run) : new NotFound(runId));
    }
  }

  /** A new run is told from its beginning, one that was there before from where it stands. */
  private void found(String runId, Optional<RunView> found) {
    boolean fresh = Optional.ofNullable(sought.remove(runId)).orElse(false);
    if (found.isEmpty() || found.get().trimmed()) {
      waiting.remove(runId);
      return;
    }
    var run = found.get();
    if (fresh) {
      parts.announcer().announce(new RunTelling(run, owner(run), 0).asked());
    }
    if (run.status() == RunStatus.QUEUED) {
      queued(run, fresh);
      return;
    }
    boolean fromStart = waiting.remove(runId) != null || fresh;
    if (fromStart || !run.status().terminal()) {
      follow(new RunTelling(run, owner(run), fromStart ? 0 : run.lastSeq()), runId);
    }
  }

  /** Empty when its session is gone: then only those hear of it who see all. */
  private String owner(RunView run) {
    var known = sessions.get(run.sessionKey());
    return known == null ? "" : known.owner();
  }

  /** It is heard of when it begins; to follow it now would read along with everything before it. */
  private void queued(RunView run, boolean fresh) {
    if (fresh) {
      waiting.put(run.id(), run.sessionKey());
    }
    var known = sessions.get(run.sessionKey());
    if (known != null && known.activeRunIds().contains(run.id())) {
      seek(run.id(), false); // It has begun while it was looked up.
    }
  }

  /** From its first event on, also where only the newest are told: what they add to is in those before. */
  private void follow(RunTelling telling, String runId) {
    runs.put(runId, telling);
    var self = context.getSelf();
    parts.sessions().events(runId, 0)
        .via(following.flow())
        .runWith(Sink.foreach(event -> self.tell(new Heard(event))), context.getSystem())
        .whenComplete((_, _) -> self.tell(new Silent(runId)));
  }

  /** Without an end it broke off, or is gone. */
  private void silent(String runId) {
    if (runs.remove(runId) != null) {
      seek(runId, false);
    }
  }

  private void heard(RunEvent event) {
    var telling = runs.get(event.runId());
    if (telling == null) {
      return;
    }
    if (!event.terminal()) {
      telling.tell(event).forEach(parts.announcer()::announce);
      return;
    }
    runs.remove(event.runId());
    // The session has told the directory of the end before it told anybody else.
    context.pipeToSelf(parts.sessions().row(new SessionKey(telling.sessionKey())), (row, failure) ->
        new Ended(event, telling, failure == null ? row : Optional.empty()));
  }

  private void ended(RunEvent event, RunTelling telling, Optional<SessionRow> row) {
    row.filter(known -> sessions.containsKey(known.key())).ifPresent(this::changed); // Else it is erased.
    telling.tell(event).forEach(parts.announcer()::announce);
    Optional.ofNullable(sessions.get(telling.sessionKey())).ifPresent(newest ->
        announce(newest, payload(newest, RowCodec.row(newest, parts.agents()))
            .put("phase", event.body() instanceof RunEvent.Failed ? "error" : "end")
            .put("runId", RunNames.shown(event.runId()))));
  }
}
