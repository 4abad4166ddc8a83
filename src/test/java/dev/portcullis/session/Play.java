package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.journal.EventCodec;
import dev.portcullis.journal.MemoryDisk.Fault;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.run.RunTable.Fact;
import dev.portcullis.run.RunTableTest;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/** A history played to the model and to a session at the same time; after each step the two must agree. */
final class Play {
  /** One step, made concrete: what the model answers and what the session does. */
  private record Act(Function<Model, Object> expected, Supplier<Object> actual) {}

  private static final Object NOTHING = List.of();
  private static final Map<Fact, Map<RunStatus, RunStatus>> TABLE = RunTableTest.table();
  private static final EventCodec CODEC = new EventCodec(SessionEvent.TYPES);

  private final Subject subject;
  private final Coverage coverage;
  private final JournalCheck check;
  private final List<String> ids = new ArrayList<>();
  private final Set<RunStatus> shown = EnumSet.noneOf(RunStatus.class);
  private Model model;

  Play(Subject subject, Coverage coverage, String agent) {
    this.subject = subject;
    this.coverage = coverage;
    this.check = new JournalCheck(coverage);
    this.model = new Model(agent);
  }

  /** Plays all of it, and the quiet end. */
  static void through(Subject subject, Coverage coverage, String agent, List<Step> history) {
    try (subject) {
      var play = new Play(subject, coverage, agent);
      history.forEach(play::play);
      play.finish();
    }
  }

  void play(Step step) {
    switch (step) {
      case Step.Failing(var fault, var inner) -> failing(fault, inner);
      case Step.Crash(var autoResume) -> crash(autoResume);
      default -> {
        var act = act(step);
        assertEquals(act.expected().apply(model), act.actual().get(), step.toString());
      }
    }
    compare();
  }

  private Act act(Step step) {
    return switch (step) {
      case Step.Submit(var key, var body) -> submit(key, "body-" + body);
      case Step.Abort(var which) -> act(m -> m.abort(id(which)), () -> subject.abort(id(which)));
      case Step.Resume(var which) -> act(m -> m.resume(id(which)), () -> subject.resume(id(which)));
      case Step.Decide(var which, var allow, var changed) -> decide(which, changed ? "another" : "", allow);
      case Step.Hear(var word) -> hear(word);
      case Step.Late(var which, var word) -> late(which, word);
      case Step.Wait(var seconds) -> elapse(seconds);
      case Step.Storage(var low) -> storage(low);
      case Step.Drain() -> drain();
      case Step.Rest() -> model.starts ? drain() : rest();
      case Step.Clear(var erase) -> act(done(m -> m.clear(erase)), done(() -> subject.clear(erase)));
      case Step.Crash _, Step.Failing _ -> act(_ -> NOTHING, () -> NOTHING);
    };
  }

  private static Act act(Function<Model, Object> expected, Supplier<Object> actual) {
    return new Act(expected, actual);
  }

  private static Function<Model, Object> done(Consumer<Model> effect) {
    return m -> {
      effect.accept(m);
      return NOTHING;
    };
  }

  private static Supplier<Object> done(Runnable effect) {
    return () -> {
      effect.run();
      return NOTHING;
    };
  }

  private Act submit(int key, String body) {
    var runId = "run-" + (ids.size() + 1);
    ids.add(runId);
    var keys = key == 0 ? List.<Sessions.Key>of() : List.of(new Sessions.Key("key-" + key, body));
    return act(m -> m.submit(runId, key == 0 ? "" : "key-" + key, body), () -> subject.submit(runId, keys));
  }

  private String id(int which) {
    return which >= ids.size() ? "run-unknown" : ids.get(ids.size() - 1 - which);
  }

  private Act decide(int which, String digest, boolean allow) {
    if (model.asked.isEmpty()) {
      return act(m -> m.decide(id(0), "none", digest, allow), () -> subject.decide(id(0), "none", digest, allow));
    }
    var ids = List.copyOf(model.asked.keySet());
    var approval = ids.get(Math.max(0, ids.size() - 1 - which));
    var runId = model.asked.get(approval);
    // The model does not know the words of the question whether a run may go on, so neither its digest.
    var about = approval.startsWith("resume-") ? "" : digest;
    return act(m -> m.decide(runId, approval, about, allow), () -> subject.decide(runId, approval, about, allow));
  }

  private Act hear(Word word) {
    return model.active().map(turn -> {
      boolean offered = model.agent.equals("chatty") && turn.status == RunStatus.RUNNING && !turn.noted
          && model.count(RunStatus.QUEUED) > 0;
      boolean unheard = word.kind() == Word.Kind.STEERED && !offered;
      var said = unheard ? Word.of(Word.Kind.UNKNOWN) : word;
      return heard(turn.id, turn.attempt, said);
    }).orElseGet(() -> act(_ -> NOTHING, () -> NOTHING));
  }

  private Act heard(String runId, int attempt, Word word) {
    return act(done(m -> m.hear(runId, attempt, word)), done(() -> subject.hear(runId, attempt, word)));
  }

  private Act late(int which, Word word) {
    var attempts = subject.journal().stream()
        .filter(SessionEvent.AttemptStarted.class::isInstance)
        .map(SessionEvent.AttemptStarted.class::cast)
        .filter(start -> model.active()
            .filter(turn -> turn.id.equals(start.runId()) && turn.attempt == start.attempt())
            .isEmpty())
        .toList();
    if (attempts.isEmpty()) {
      return act(_ -> NOTHING, () -> NOTHING);
    }
    var start = attempts.get(which % attempts.size());
    boolean steered = word.kind() == Word.Kind.STEERED;
    return heard(start.runId(), start.attempt(), steered ? Word.of(Word.Kind.UNKNOWN) : word);
  }

  private Act elapse(int seconds) {
    return act(
        done(m -> {
          if (subject.runsAttempts()) {
            m.elapseWithAttempts(seconds);
          } else {
            m.elapse(seconds);
          }
        }),
        done(() -> subject.elapse(seconds)));
  }

  private Act storage(boolean low) {
    if (!model.starts) {
      return act(_ -> NOTHING, () -> NOTHING);
    }
    return act(
        done(m -> m.accepts = !low),
        done(() -> subject.gate(low ? Gate.State.STORAGE_LOW : Gate.State.OPEN)));
  }

  private Act drain() {
    return act(
        m -> {
          m.accepts = false;
          m.starts = false;
          return m.noteStop();
        },
        () -> {
          subject.gate(Gate.State.DRAINING);
          return subject.noteStop();
        });
  }

  private Act rest() {
    return act(
        done(m -> m.active().ifPresent(turn -> m.hear(turn.id, turn.attempt, Word.of(Word.Kind.RESTED)))),
        done(subject::rest));
  }

  private void crash(boolean autoResume) {
    int open = model.open.size();
    int parked = model.count(RunStatus.PARKED);
    model.takeOver(autoResume);
    int parkedNow = model.count(RunStatus.PARKED);
    var expected = new Session.Recovered(model.open.size() - parkedNow, parkedNow - parked, open);
    model.elapse(0);
    assertEquals(expected, subject.crash(autoResume));
  }

  /** Whether the write was there after all decides which of two lives the next boot goes on with. */
  private void failing(Fault fault, Step inner) {
    var act = act(inner);
    var without = model.copy();
    var expected = act.expected().apply(model);
    subject.failNextWrite(fault);
    try {
      assertEquals(expected, act.actual().get());
      subject.settle(model.toString());
      subject.callOffFault();
    } catch (Subject.Fenced unknown) {
      without.now = model.now; // Time is the one thing that no disk can lose.
      model = fault == Fault.LOST ? without : model;
      if (inner instanceof Step.Wait) {
        crashAmidDeadlines();
      } else {
        crash(true);
      }
    }
  }

  /**
   * A jump of time may end one run by its deadline and another by its attempt's silence, in two writes of which only
   * the first is known to be there. The rest happens at the boot; only what that boot finds differs.
   */
  private void crashAmidDeadlines() {
    check.follow(subject.journal());
    int open = check.open().size();
    model.takeOver(true);
    model.elapse(0);
    assertEquals(open, subject.crash(true).open());
  }

  /** A drain does not wait for an answer: a live attempt that asked is stopped by itself. */
  private void restWhatWaitsForAPerson() {
    if (subject.runsAttempts() && !model.starts) {
      model.active()
          .filter(turn -> turn.noted && turn.waits())
          .ifPresent(turn -> model.hear(turn.id, turn.attempt, Word.of(Word.Kind.RESTED)));
    }
  }

  // ---- what must hold after every step
  private void compare() {
    restWhatWaitsForAPerson();
    subject.settle(model.toString());
    var journal = subject.journal();
    var state = SessionState.empty().applyAll(journal);
    assertEquals(model.toString(), Model.of(state));
    check.follow(journal);
    var row = subject.row();
    assertEquals(model.erased, row.isEmpty(), "an erased session is in no view, any other is");
    row.forEach(check::row);
    assertEquals(model.open.isEmpty(), subject.index(Rows.OPEN, model.key()).isEmpty(), "M7: the index of open runs");
    assertEquals(row.stream().map(Rows::write).toList(), subject.index(Rows.ROW, model.key()));
    for (var run : check.all().keySet()) {
      var entry = subject.index(Rows.RUN, run).getFirst();
      var first = (SessionEvent.TurnAccepted) journal.get(
          Integer.parseInt(entry.substring(0, entry.indexOf(' '))) - 1);
      assertEquals(run, first.runId(), "the index points at another run's beginning");
    }
    model.asked.forEach((approval, runId) -> {
      assertEquals(model.pending(runId, approval), !subject.index(Rows.QUESTION, approval).isEmpty(), approval);
      var entry = subject.index(Rows.APPROVAL, approval).getFirst();
      var ask = (SessionEvent.ApprovalRequested) journal.get(
          Integer.parseInt(entry.substring(0, entry.indexOf(' '))) - 1);
      assertEquals(approval, ask.approvalId(), "the index points at another question");
    });
    check.keys().forEach((digest, runId) -> assertEquals(
        List.of(runId),
        subject.index(Rows.KEY, Rows.keyName(new SessionKey(model.key()).entityId(), digest)).stream()
            .map(json -> Rows.readKey(json).runId())
            .toList(),
        "I2: the index of keys"));
    assertEquals(state, CODEC.decode("session-state", CODEC.encode(state)), "J4: a snapshot is the state");
    show(state);
  }

  /** Shows the fold every fact in every status, once in each history: what the table refuses must not get in. */
  private void show(SessionState state) {
    check.all().forEach((runId, status) -> {
      if (!shown.add(status)) {
        return;
      }
      for (var fact : Fact.values()) {
        var event = Facts.of(fact, runId);
        boolean allowed = TABLE.get(fact).containsKey(status);
        if (allowed) {
          var next = state.apply(event);
          assertEquals(state.seq() + 1, next.seq());
        } else {
          assertThrows(IllegalStateException.class, () -> state.apply(event), () -> fact + " in " + status);
        }
        coverage.shown(fact, status, allowed);
      }
    });
  }

  /** The faults stop: every accepted turn comes to an end, or waits for a person. */
  void finish() {
    play(new Step.Crash(true));
    play(new Step.Storage(false));
    for (int i = 0; model.active().isPresent() || model.count(RunStatus.QUEUED) + model.count(RunStatus.INTERRUPTED) > 0;
        i++) {
      assertTrue(i < 100, () -> "R4: no end in sight of " + model);
      play(model.active().<Step>map(turn -> new Step.Hear(Word.of(switch (turn.status) {
        case STARTING -> Word.Kind.ATTACHED;
        case RUNNING -> Word.Kind.COMPLETED;
        default -> Word.Kind.ABORTED;
      }))).orElse(new Step.Wait(320)));
    }
    assertTrue(check.open().values().stream().allMatch(status -> status == RunStatus.PARKED), "R4 " + check.open());
    var journal = subject.journal();
    var whole = SessionState.empty().applyAll(journal);
    for (int i = 0; i <= journal.size(); i += 7) {
      var snapshot = SessionState.empty().applyAll(journal.subList(0, i));
      var restored = (SessionState) CODEC.decode("session-state", CODEC.encode(snapshot));
      assertEquals(whole, restored.applyAll(journal.subList(i, journal.size())), "J4: snapshot and tail");
    }
    play(new Step.Crash(true));
    assertEquals(whole, SessionState.empty().applyAll(subject.journal()), "a boot at rest changes nothing");
  }
}
