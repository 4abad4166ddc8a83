package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.config.GatewayConfig;
import dev.portcullis.harness.AttemptSpec;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.journal.MemoryDisk;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.OpenStep;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.run.Run;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import org.apache.pekko.actor.typed.ActorRef;

/** The real session on the real journal plugin, attempts and a harness actor included; only time and disk are played. */
final class ActorSubject implements Subject {
  private static final Duration GRACE = Duration.ofSeconds(10);

  private final GatewayConfig config;
  private final String key;
  private final String entityId;
  private final MemoryDisk disk = new MemoryDisk();
  private final World.TestClock clock = new World.TestClock();
  private World world;
  private Gate gate;
  private ActorRef<Directory.Command> directory;
  private ActorRef<Session.Command> session;
  private Quarantine quarantine;
  private long incarnation;
  private boolean trims = true;

  ActorSubject(String key) {
    this(key, Settings.CONFIG);
  }

  ActorSubject(String key, GatewayConfig config) {
    this.config = config;
    this.key = key;
    this.entityId = new SessionKey(key).entityId();
    this.world = new World(disk, clock);
    boot(true);
    gate.moveTo(Gate.State.OPEN);
  }

  /** Keeps the whole journal readable, also what was erased. */
  ActorSubject untrimmed() {
    trims = false;
    world.trims = false;
    return this;
  }

  MemoryDisk disk() {
    return disk;
  }

  World world() {
    return world;
  }

  ActorRef<Session.Command> session() {
    return session;
  }

  private void boot(boolean autoResume) {
    incarnation++;
    gate = new Gate();
    var found = SessionIndex.read(world.journal, clock);
    directory = world.kit.spawn(Directory.create(found.rows()));
    quarantine = world.quarantine(directory, found);
    session = spawn(entityId, autoResume);
  }

  private ActorRef<Session.Command> spawn(String id, boolean autoResume) {
    return world.kit.spawn(Session.create(
        id, world.kit.system().ignoreRef(), world.node(config, gate, incarnation, autoResume, directory, quarantine)));
  }

  /** Another session of the same node and life. */
  ActorRef<Session.Command> neighbour(String other) {
    return spawn(new SessionKey(other).entityId(), true);
  }

  @Override
  public Receipt submit(String runId, List<Sessions.Key> keys) {
    return world.ask(session, replyTo ->
        new Session.Submit(runId, key, "me", "message of " + runId, List.of(), Input.NONE, keys, gate.state(), replyTo, "", false));
  }

  @Override
  public ControlReply abort(String runId) {
    return world.ask(session, replyTo -> new Session.Abort(runId, "me", replyTo));
  }

  @Override
  public ControlReply resume(String runId) {
    return world.ask(session, replyTo -> new Session.Resume(runId, "me", replyTo));
  }

  @Override
  public DecisionReply decide(String runId, String approvalId, String digest, boolean allow) {
    return world.ask(session, replyTo -> new Session.Decide(runId, approvalId, digest, allow, "me", replyTo));
  }

  @Override
  public void clear(boolean erase) {
    world.<Session.Command, Session.ClearReply>ask(session, replyTo -> new Session.Clear(erase, "me", replyTo));
  }

  @Override
  public int noteStop() {
    return world.<Session.Command, Session.StopNoted>ask(
        session, replyTo -> new Session.NoteStop("restart", replyTo)).runs();
  }

  @Override
  public void hear(String runId, int attempt, Word word) {
    long before = state().seq();
    var live = state().active().filter(run -> run.runId().equals(runId) && run.attempt().number() == attempt);
    if (word.kind() == Word.Kind.STEERED) {
      takeWaiting(runId, attempt);
    } else {
      world.harness.attempt(runId, attempt)
          .ifPresent(played -> played.updates().accept(word.update(runId, attempt)));
    }
    if (live.isPresent()) { // Text waits for its interval, and its write must not meet a fault meant for a later one.
      assertTrue(
          !writes(live.get().status(), word.kind()) || world.await(() -> state().seq() > before),
          () -> word + " was not written");
    } else { // Also past the attempt, which is gone: the session itself must know what is late.
      journal().stream()
          .filter(SessionEvent.AttemptStarted.class::isInstance)
          .map(SessionEvent.AttemptStarted.class::cast)
          .filter(start -> start.runId().equals(runId) && start.attempt() == attempt)
          .forEach(start -> session.tell(new Session.Reported(new Run.Report(
              runId, start.fence(), List.of(word.news(runId, attempt)), world.kit.system().ignoreRef()))));
    }
  }

  private void takeWaiting(String runId, int attempt) {
    var offers = world.harness.attempt(runId, attempt).orElseThrow().offers();
    var waiting = state().in(RunStatus.QUEUED).getFirst().message();
    assertTrue(world.await(() -> offers.containsKey(waiting)), () -> waiting + " was not offered, but " + offers);
    offers.get(waiting).complete(true);
  }

  private static boolean writes(RunStatus status, Word.Kind kind) {
    return switch (kind) {
      case ATTACHED -> status == RunStatus.STARTING;
      case TEXT, STEP_FINISHED -> status != RunStatus.STARTING;
      case STEP_STARTED, STEERED -> status == RunStatus.RUNNING;
      case APPROVAL -> status != RunStatus.ABORTING;
      case COMPLETED, FAILED, DECLINED, ABORTED -> true;
      case WITHDRAWN, USAGE, UNKNOWN, SILENT, RESTED -> false;
    };
  }

  @Override
  public void rest() {
    world.<Session.Command, Session.Rested>ask(session, replyTo -> new Session.Rest(GRACE, replyTo));
  }

  @Override
  public void elapse(long seconds) {
    world.jump(Duration.ofSeconds(seconds));
    if (seconds < Settings.SILENCE.toSeconds()) { // The harness is slow, not silent.
      state().active()
          .flatMap(run -> world.harness.attempt(run.runId(), run.attempt().number()))
          .ifPresent(played -> played.updates().accept(new HarnessUpdate.Unknown("still here")));
    }
  }

  @Override
  public void gate(Gate.State state) {
    gate.moveTo(state);
  }

  @Override
  public Session.Recovered crash(boolean autoResume) {
    disk.failNext(MemoryDisk.Fault.NONE);
    if (world.fenced.isDone()) {
      world.close();
      world = new World(disk, clock);
      world.trims = trims;
    } else {
      world.kit.stop(session);
      world.kit.stop(directory);
    }
    boot(autoResume);
    var recovered = world.<Session.Command, Session.Recovered>ask(session, Session.Recover::new);
    gate.moveTo(Gate.State.OPEN);
    return recovered;
  }

  @Override
  public void failNextWrite(MemoryDisk.Fault fault) {
    disk.failNext(fault);
  }

  @Override
  public void callOffFault() {
    if (disk.failNext(MemoryDisk.Fault.NONE) == MemoryDisk.Fault.NONE) {
      world.await(() -> false); // Somebody is about to learn of it.
    }
  }

  @Override
  public List<SessionEvent> journal() {
    return world.events(entityId);
  }

  SessionState state() {
    return SessionState.empty().applyAll(journal());
  }

  @Override
  public List<SessionRow> row() {
    return world.<Directory.Command, List<SessionRow>>ask(
        directory, replyTo -> new Directory.GetRow(key, replyTo));
  }

  @Override
  public List<String> index(String space, String name) {
    return world.journal.get(space, name).stream().toList();
  }

  @Override
  public boolean runsAttempts() {
    return true;
  }

  @Override
  public void settle(String expected) {
    world.await(() -> Model.of(state()).equals(expected));
    // Everything that follows from the last write has been sent when the session answers again.
    world.<Session.Command, Session.PositionReply>ask(session, replyTo -> new Session.AwaitBeyond(-1, replyTo));
    var state = state();
    assertEquals(expected, Model.of(state));
    state.active().ifPresent(run -> {
      boolean started = world.await(() -> run.status() == RunStatus.ABORTING
          || world.harness.attempt(run.runId(), run.attempt().number()).isPresent());
      assertTrue(started, () -> "the harness was never told of " + run);
      world.harness.attempt(run.runId(), run.attempt().number()).ifPresent(played -> {
        told(run, played);
        var answers = answers(run);
        assertTrue(
            world.await(() -> played.asked().containsAll(answers)), () -> "told " + played.asked() + ", not " + answers);
      });
      var running = world.harness.played.stream().filter(played -> !over(played)).count();
      assertTrue(running <= 1, "M3: " + running + " attempts live");
    });
  }

  private boolean over(PlayedHarness.Played played) {
    return played.asked().contains("stop") || state().active()
        .filter(run -> run.runId().equals(played.spec().runId())
            && run.attempt().number() == played.spec().attempt())
        .isEmpty();
  }

  /** What the harness of the newest attempt must have been told by now: each answer under its own id. */
  private List<String> answers(OpenRun run) {
    var requests = new HashMap<String, String>();
    var answers = new ArrayList<String>();
    for (var event : journal()) {
      switch (event) {
        case SessionEvent.ApprovalRequested ask when ask.attempt() == run.attempt().number()
            && ask.runId().equals(run.runId()) ->
            requests.put(ask.approvalId(), ask.request().isEmpty() ? ask.approvalId() : ask.request());
        case SessionEvent.ApprovalDecided done when requests.containsKey(done.approvalId())
            && !done.by().equals(Approvals.HARNESS) ->
            answers.add("decide " + requests.remove(done.approvalId()) + " " + done.allowed());
        default -> { }
      }
    }
    return answers;
  }

  /** What a harness must know of the attempt before its own (M4). */
  private static void told(OpenRun run, PlayedHarness.Played played) {
    var spec = played.spec();
    assertEquals(run.attempt().harness(), played.harness());
    // What went into it since then it knows.
    assertTrue(run.message().startsWith(spec.message()), () -> spec.message() + " of " + run.message());
    assertTrue(spec.message().startsWith("message of " + run.runId()), spec::message);
    if (spec.attempt() == 1 || run.attempt().cut().cause().equals("failover")) {
      assertEquals(new AttemptSpec.Interruption.None(), spec.interruption());
    } else {
      var cut = (AttemptSpec.Interruption.Cut) spec.interruption();
      assertEquals(run.attempt().cut().uncertain().stream().map(OpenStep::words).toList(), cut.uncertain());
    }
  }

  @Override
  public void close() {
    world.close();
  }
}
