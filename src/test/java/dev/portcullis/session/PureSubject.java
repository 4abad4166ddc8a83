package dev.portcullis.session;

import dev.portcullis.journal.EventCodec;
import dev.portcullis.journal.IndexEntry;
import dev.portcullis.journal.MemoryDisk.Fault;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.run.Run;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.pekko.actor.typed.ActorRef;

/** The decisions and the fold alone, in one thread: no actor, no journal, no timer. */
final class PureSubject implements Subject {
  private final EventCodec codec = new EventCodec(SessionEvent.TYPES);
  private final String sessionKey;
  private final List<SessionEvent> journal = new ArrayList<>();
  private final Map<String, String> index = new HashMap<>();
  private SessionState state = SessionState.empty();
  private Instant now = Settings.START;
  private Gate.State gate = Gate.State.OPEN;
  private long incarnation = 1;
  private Turns turns = turns(true);
  private Fault fault = Fault.NONE;

  PureSubject(String sessionKey) {
    this.sessionKey = sessionKey;
  }

  private Turns turns(boolean autoResume) {
    var config = Settings.CONFIG;
    return new Turns(config, new Agenda(config.run(), config.agents(), _ -> true, incarnation, autoResume));
  }

  SessionState state() {
    return state;
  }

  @Override
  public Receipt submit(String runId, List<Sessions.Key> keys) {
    var submit = new Session.Submit(runId, sessionKey, "me", "message of " + runId, List.of(), Input.NONE, keys, gate, none(), "", false);
    return switch (turns.submit(state, submit, stored(keys), gate, now)) {
      case Turns.Answer(var receipt) -> receipt;
      case Turns.Accept(var events) -> {
        write(events);
        var receipt = turns.accepted(state, submit);
        wake();
        yield receipt;
      }
    };
  }

  private Map<String, SessionState.KeyEntry> stored(List<Sessions.Key> keys) {
    var stored = new HashMap<String, SessionState.KeyEntry>();
    keys.forEach(key -> index(Rows.KEY, Rows.keyName(new SessionKey(sessionKey).entityId(), key.digest()))
        .forEach(json -> stored.put(key.digest(), Rows.readKey(json))));
    return stored;
  }

  private static <T> ActorRef<T> none() {
    return null;
  }

  @Override
  public ControlReply abort(String runId) {
    return control(turns.abort(state, runId, "me", now));
  }

  @Override
  public ControlReply resume(String runId) {
    return control(turns.resume(state, runId, "me", now));
  }

  @Override
  public DecisionReply decide(String runId, String approvalId, String digest, boolean allow) {
    return control(turns.approvals().decide(
        state, new Session.Decide(runId, approvalId, digest, allow, "me", none()), now));
  }

  private <R> R control(Turns.Control<R> control) {
    persist(control.events());
    return control.reply();
  }

  @Override
  public void clear(boolean erase) {
    if (!state.erased()) {
      persist(turns.clear(state, erase, "me", now));
    }
  }

  @Override
  public int noteStop() {
    persist(turns.noteStop(state, "restart", now));
    return state.active().isPresent() ? 1 : 0;
  }

  @Override
  public void hear(String runId, int attempt, Word word) {
    var fence = journal.stream()
        .filter(SessionEvent.AttemptStarted.class::isInstance)
        .map(SessionEvent.AttemptStarted.class::cast)
        .filter(start -> start.runId().equals(runId) && start.attempt() == attempt)
        .mapToLong(SessionEvent.AttemptStarted::fence)
        .findFirst()
        .orElse(-1);
    var news = word.kind() == Word.Kind.STEERED
        ? new Run.Steered(state.in(RunStatus.QUEUED).getFirst().runId())
        : word.news(runId, attempt);
    persist(turns.facts(state, new Run.Report(runId, fence, List.of(news), none()), now).events());
  }

  @Override
  public void rest() {
    state.active().ifPresent(run -> hear(run.runId(), run.attempt().number(), Word.of(Word.Kind.RESTED)));
  }

  @Override
  public void elapse(long seconds) {
    now = now.plusSeconds(seconds);
    persist(turns.expired(state, now));
  }

  @Override
  public void gate(Gate.State next) {
    gate = next;
  }

  @Override
  public Session.Recovered crash(boolean autoResume) {
    fault = Fault.NONE;
    incarnation++;
    gate = Gate.State.OPEN;
    turns = turns(autoResume);
    state = SessionState.empty().applyAll(journal);
    int before = state.open().size();
    int parkedBefore = parked();
    write(turns.agenda().takeOver(state, now));
    int open = state.open().size();
    int parked = parked();
    wake();
    return new Session.Recovered(open - parked, parked - parkedBefore, before);
  }

  private int parked() {
    return (int) state.open().values().stream().filter(run -> run.status().word().equals("parked")).count();
  }

  private void persist(List<SessionEvent> events) {
    write(events);
    wake();
  }

  /** What the session's timer does, as far as it is due now. */
  private void wake() {
    boolean starts = gate.compareTo(Gate.State.DRAINING) < 0;
    for (int i = 0; turns.nextWake(state, starts, now).filter(Duration::isZero).isPresent(); i++) {
      if (i > 20) {
        throw new AssertionError("the timer fires for nothing in " + Model.of(state));
      }
      write(turns.expired(state, now));
    }
  }

  private void write(List<SessionEvent> events) {
    boolean starts = gate.compareTo(Gate.State.DRAINING) < 0;
    var records = Recorded.of(state, turns.withNext(state, events, starts, now));
    if (records.isEmpty()) {
      return;
    }
    if (fault != Fault.LOST) {
      for (var record : records) {
        var read = (SessionEvent) codec.decode(codec.manifestOf(record.event()), codec.encode(record.event()));
        if (!read.equals(record.event())) {
          throw new AssertionError("written " + record.event() + ", read " + read);
        }
        journal.add(read);
        record.index().forEach(this::index);
      }
    }
    if (fault != Fault.NONE) {
      fault = Fault.NONE;
      throw new Fenced();
    }
    state = state.applyAll(records.stream().map(Recorded::event).toList());
  }

  private void index(IndexEntry entry) {
    switch (entry) {
      case IndexEntry.Put(var space, var key, var value) -> index.put(space + " " + key, value);
      case IndexEntry.Remove(var space, var key) -> index.remove(space + " " + key);
    }
  }

  @Override
  public void failNextWrite(Fault next) {
    fault = next;
  }

  @Override
  public void callOffFault() {
    fault = Fault.NONE;
  }

  @Override
  public List<SessionEvent> journal() {
    return journal;
  }

  @Override
  public List<SessionRow> row() {
    return state.erased() ? List.of() : List.of(Rows.of(state));
  }

  @Override
  public List<String> index(String space, String key) {
    var found = index.get(space + " " + key);
    return found == null ? List.of() : List.of(found);
  }

  @Override
  public boolean runsAttempts() {
    return false;
  }

  @Override
  public void settle(String expected) {}

  @Override
  public void close() {}
}
