package dev.portcullis.session;

import dev.portcullis.journal.Durable;
import dev.portcullis.protocol.RunStatus;
import dev.portcullis.protocol.Usage;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * What a session's events add up to. Immutable; its size is bounded by what is open, by {@link #KEYS_KEPT}
 * and by {@link #ENDED_MAX}, not by the session's history.
 *
 * @param generation rises with every reset; 0 before the first turn
 * @param since journal position at which the current generation begins
 * @param seq number of events folded, so also the journal position of the newest
 * @param rev {@code seq} of the newest event that changed the public row
 * @param open runs that have not ended, in the order in which they were accepted
 * @param keys idempotency keys of open runs and of the newest bound ones, oldest first; the index has all
 * @param ended the newest ended runs, oldest first
 * @param erasedTo position up to which nothing may be shown any more
 * @param owner principal of the first turn since the session began or was erased; absent in states of older
 *     versions, for nobody
 */
public record SessionState(
    String key,
    String agent,
    String title,
    int generation,
    long since,
    long seq,
    long rev,
    Map<String, OpenRun> open,
    Map<String, KeyEntry> keys,
    List<EndedRun> ended,
    Native nativeSession,
    Usage usage,
    long accepted,
    long terminal,
    boolean erased,
    Instant createdAt,
    Instant updatedAt,
    long erasedTo,
    String owner)
    implements Durable {
  /** Ended runs that are remembered, for late aborts and for the transcript of the next attempt. */
  static final int ENDED_MAX = 50;

  /** Newest bound runs whose keys are remembered, for retries that follow at once; the index has all. */
  static final int KEYS_KEPT = 16;

  private static final int TITLE_CHARS = 80;

  /** @param body digest of what the key stands for */
  record KeyEntry(String body, String runId, Instant until) {}

  /** @param into the run that a steered turn went into, empty for others */
  record EndedRun(String runId, RunStatus status, long firstSeq, String into) {
    EndedRun {
      into = Objects.requireNonNullElse(into, ""); // States of older versions have none.
    }
  }

  /** The peer's own conversation; both empty when there is none. */
  record Native(String harness, String id) {
    static final Native NONE = new Native("", "");
  }

  public SessionState {
    owner = Objects.requireNonNullElse(owner, "");
    // Wrapped, not copied: most events leave most of it as it is.
    open = Collections.unmodifiableMap(open);
    keys = Collections.unmodifiableMap(keys);
    ended = List.copyOf(
        ended.size() > ENDED_MAX ? ended.subList(ended.size() - ENDED_MAX, ended.size()) : ended);
  }

  static SessionState empty() {
    return new SessionState(
        "",
        "",
        "",
        0,
        0,
        0,
        0,
        Map.of(),
        Map.of(),
        List.of(),
        Native.NONE,
        Usage.NONE,
        0,
        0,
        true,
        Instant.EPOCH,
        Instant.EPOCH,
        0,
        "");
  }

  /** Pure: the same fold runs live, on every recovery and in tests. */
  SessionState apply(SessionEvent event) {
    return switch (event) {
      case SessionEvent.TurnAccepted turn -> accepted(turn);
      case SessionEvent.OfRun ofRun -> ofRun(ofRun);
      case SessionEvent.CallRepeated again -> repeated(again);
      case SessionEvent.SessionReset reset -> restarted(reset.at(), false);
      case SessionEvent.SessionErased erase -> restarted(erase.at(), true);
    };
  }

  SessionState applyAll(List<SessionEvent> events) {
    var state = this;
    for (var event : events) {
      state = state.apply(event);
    }
    return state;
  }

  /** The run that has an attempt under way. */
  Optional<OpenRun> active() {
    for (var run : open.values()) { // Asked many times for each event, so without a stream.
      if (run.status().active()) {
        return Optional.of(run);
      }
    }
    return Optional.empty();
  }

  /** Whether {@code principal} may not know of it: it is another's, or nobody knows whose. */
  boolean foreignTo(String principal) {
    return !erased && !owner.equals(principal);
  }

  /** Runs in {@code status}, in order of acceptance. */
  List<OpenRun> in(RunStatus status) {
    var runs = new ArrayList<OpenRun>();
    for (var run : open.values()) {
      if (run.status() == status) {
        runs.add(run);
      }
    }
    return runs;
  }

  /** Whether each of these keys was bound lately, or to an open run, or is new: the index knows no more. */
  boolean knows(List<Sessions.Key> asked) {
    return asked.stream().allMatch(key -> Calls.isCall(key.digest()) || keys.containsKey(key.digest()));
  }

  /** The entry of a key whose retention has not ended, or whose run has not. */
  Optional<KeyEntry> bound(String digest, Instant now) {
    return Optional.ofNullable(keys.get(digest))
        .filter(entry -> entry.until().isAfter(now) || open.containsKey(entry.runId()));
  }

  /** Where {@code runId} stands, as far back as this state remembers. */
  Optional<RunStatus> statusOf(String runId) {
    var run = open.get(runId);
    return run != null
        ? Optional.of(run.status())
        : ended.stream().filter(old -> old.runId().equals(runId)).map(EndedRun::status).findFirst();
  }

  String sessionId(String entityId) {
    return entityId.substring(0, 12) + "-" + generation;
  }

  private SessionState accepted(SessionEvent.TurnAccepted turn) {
    var runs = new LinkedHashMap<>(open);
    runs.put(turn.runId(), OpenRun.of(turn, seq + 1));
    boolean first = erased;
    return new SessionState(
        turn.sessionKey(),
        turn.agent(),
        first || title.isEmpty() ? titleOf(turn.message()) : title,
        first ? generation + 1 : generation,
        first ? seq : since,
        seq + 1,
        seq + 1,
        runs,
        turn.keys().isEmpty() ? keys : bind(turn.runId(), turn.keys()),
        ended,
        nativeSession,
        usage,
        accepted + 1,
        terminal,
        false,
        first ? turn.at() : createdAt,
        turn.at(),
        erasedTo,
        first ? turn.principal() : owner);
  }

  private SessionState repeated(SessionEvent.CallRepeated again) {
    return new SessionState(key, agent, title, generation, since, seq + 1, rev, open,
        bind(again.runId(), List.of(again.call())), ended, nativeSession, usage, accepted, terminal, erased,
        createdAt, updatedAt, erasedTo, owner);
  }

  private Map<String, KeyEntry> bind(String runId, List<SessionEvent.BoundKey> more) {
    var bound = new LinkedHashMap<>(keys);
    more.forEach(key -> bound.putLast(key.digest(), new KeyEntry(key.body(), runId, key.until())));
    var runs = bound.values().stream().map(KeyEntry::runId).distinct().toList();
    var newest = Set.copyOf(runs.subList(Math.max(0, runs.size() - KEYS_KEPT), runs.size()));
    bound.values().removeIf(entry -> !newest.contains(entry.runId()) && !open.containsKey(entry.runId()));
    return bound;
  }

  private SessionState ofRun(SessionEvent.OfRun event) {
    var run = open.get(event.runId());
    if (run == null) {
      throw new IllegalStateException("no open run for " + event);
    }
    var next = run.apply(event);
    var runs = new LinkedHashMap<>(open);
    runs.put(event.runId(), next);
    var done = ended;
    var into = event instanceof SessionEvent.TurnSteered steered ? steered.into() : "";
    runs.computeIfPresent(into, (_, other) -> other.joinedBy(run.message()));
    if (next.status().terminal()) {
      runs.remove(event.runId());
      done = new ArrayList<>(ended);
      done.add(new EndedRun(event.runId(), next.status(), run.firstSeq(), into));
    }
    boolean visible = visible(run, next, event);
    return new SessionState(
        key,
        agent,
        title,
        generation,
        since,
        seq + 1,
        visible ? seq + 1 : rev,
        runs,
        keys,
        done,
        event instanceof SessionEvent.HarnessAttached attached ? attach(next, attached) : nativeSession,
        event instanceof SessionEvent.RunCompleted end ? usage.plus(end.usage()) : usage,
        accepted,
        terminal + (next.status().terminal() ? 1 : 0),
        erased,
        createdAt,
        visible ? event.at() : updatedAt,
        erasedTo,
        owner);
  }

  private static boolean visible(OpenRun before, OpenRun after, SessionEvent event) {
    return before.status() != after.status() || event instanceof SessionEvent.AttemptStarted;
  }

  private static Native attach(OpenRun run, SessionEvent.HarnessAttached attached) {
    return new Native(run.attempt().harness(), attached.nativeSession());
  }

  /** Keys outlive both a reset and an erasure: a retry must never become a second run. */
  private SessionState restarted(Instant at, boolean gone) {
    return new SessionState(
        key,
        agent,
        "",
        gone ? generation : generation + 1,
        seq + 1,
        seq + 1,
        seq + 1,
        open,
        keys,
        List.of(),
        Native.NONE,
        Usage.NONE,
        gone ? 0 : accepted,
        gone ? 0 : terminal,
        gone,
        createdAt,
        at,
        gone ? seq + 1 : erasedTo,
        owner);
  }

  private static String titleOf(String message) {
    var line = message.strip().lines().findFirst().orElse("").strip();
    int chars = Math.min(TITLE_CHARS, line.length());
    // Never between the two halves of one character.
    boolean split = chars > 0 && chars < line.length() && Character.isHighSurrogate(line.charAt(chars - 1));
    return line.substring(0, split ? chars - 1 : chars);
  }
}
