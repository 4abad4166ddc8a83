package dev.portcullis.session;

import dev.portcullis.journal.IndexEntry;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.JournalFault;
import dev.portcullis.journal.JournalRepair;
import dev.portcullis.protocol.SessionRow;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the journal's index says of sessions, read at boot. Histories are read only of sessions in doubt: in
 * quarantine, changed by a repair, or with a row that cannot be read. Blocks.
 */
public final class SessionIndex {
  private static final String HISTORIES = Session.persistenceId("").id();
  private static final Logger LOG = LoggerFactory.getLogger(SessionIndex.class);

  private final Journal journal;
  private final Clock clock;
  private final Set<String> quarantined = new LinkedHashSet<>();
  private final Set<String> repaired = new LinkedHashSet<>();
  private final Set<String> unreadable = new LinkedHashSet<>();

  /**
   * @param rows every session's row; one in quarantine is shown so
   * @param open sessions with runs that have not ended: those that somebody must wake
   * @param damaged entity ids of sessions in quarantine
   * @param released entity ids of sessions that were in quarantine and are sound again
   */
  public record Found(
      List<SessionRow> rows, List<SessionKey> open, Map<String, Damage> damaged, List<String> released) {
    public Found {
      rows = List.copyOf(rows);
      open = List.copyOf(open);
      damaged = Map.copyOf(damaged);
      released = List.copyOf(released);
    }
  }

  private SessionIndex(Journal journal, Clock clock) {
    this.journal = journal;
    this.clock = clock;
  }

  /** Makes the index right where it is in doubt, then reads it. */
  public static Found read(Journal journal, Clock clock) {
    return new SessionIndex(journal, clock).read();
  }

  private Found read() {
    journal.scan(Damage.SPACE, (entityId, _) -> quarantined.add(entityId));
    journal.scan(JournalRepair.REINDEX, (history, _) -> {
      if (history.startsWith(HISTORIES)) {
        repaired.add(history.substring(HISTORIES.length()));
      }
    });
    var rows = new ArrayList<SessionRow>();
    journal.scan(Rows.ROW, (text, json) ->
        Rows.parse(text, json).ifPresentOrElse(rows::add, () -> unreadable(text)));
    var doubted = new LinkedHashSet<>(quarantined);
    doubted.addAll(repaired);
    doubted.addAll(unreadable);
    if (doubted.isEmpty()) {
      return new Found(rows, open(journal), Map.of(), List.of());
    }
    var traces = Traces.of(journal, doubted);
    var damaged = new LinkedHashMap<String, Damage>();
    doubted.forEach(entityId -> look(entityId, traces.get(entityId))
        .ifPresent(damage -> damaged.put(entityId, damage)));
    var released = quarantined.stream().filter(entityId -> !damaged.containsKey(entityId)).toList();
    return new Found(rows(damaged.keySet(), traces), open(journal), damaged, released);
  }

  /** The rows as the index has them now, for one who has made it right before. */
  public static List<SessionRow> rows(Journal journal) {
    var damaged = damaged(journal);
    var rows = new ArrayList<SessionRow>();
    journal.scan(Rows.ROW, (text, json) -> Rows.parse(text, json).ifPresent(row ->
        rows.add(isIn(damaged, new SessionKey(text)) ? Rows.quarantined(row) : row)));
    return rows;
  }

  /** Sessions that somebody must wake, as the index has them now. */
  public static List<SessionKey> open(Journal journal) {
    var damaged = damaged(journal);
    var keys = new ArrayList<SessionKey>();
    journal.scan(Rows.OPEN, (text, _) ->
        SessionKey.parse(text).filter(key -> !isIn(damaged, key)).ifPresent(keys::add));
    return keys;
  }

  /** No key is hashed for nothing: there may be very many, and a cluster reads them again and again. */
  private static boolean isIn(Set<String> damaged, SessionKey key) {
    return !damaged.isEmpty() && damaged.contains(key.entityId());
  }

  private static Set<String> damaged(Journal journal) {
    var damaged = new HashSet<String>();
    journal.scan(Damage.SPACE, (entityId, _) -> damaged.add(entityId));
    return damaged;
  }

  private void unreadable(String key) {
    LOG.warn("session.row_unreadable key=\"{}\"", key.replaceAll("\\p{Cntrl}", "?"));
    SessionKey.parse(key).map(SessionKey::entityId).ifPresent(unreadable::add);
  }

  /** Makes the index what the history says, or gives the reason why the history says nothing. */
  private Optional<Damage> look(String entityId, Traces traces) {
    var events = new ArrayList<SessionEvent>();
    SessionState base;
    SessionState state;
    try {
      journal.snapshots(HISTORIES + entityId); // It refuses a history that ends before one of them.
      var transcripts = new Transcripts(journal, Runnable::run);
      base = transcripts.base(entityId);
      transcripts.read(
          entityId, base.seq() + 1, Long.MAX_VALUE, Long.MAX_VALUE, (_, event) -> events.add(event));
      state = base.applyAll(events);
    } catch (JournalFault fault) {
      if (fault.code() != JournalFault.Code.CORRUPT) {
        throw fault;
      }
      return Optional.of(damaged(entityId, Damage.of(fault)));
    } catch (IllegalStateException | IllegalArgumentException nonsense) {
      // Every record is genuine and yet they make no session. That must not keep the gate closed for others.
      return Optional.of(damaged(entityId, new Damage(0, nonsense.toString())));
    }
    if (state.seq() < traces.highest() && !repaired.contains(entityId)) {
      return Optional.of(damaged(entityId, new Damage(state.seq() + 1,
          "the history ends before event " + traces.highest() + ", which the index knows of")));
    }
    write(traces.becoming(Rows.whole(base, state, events)), entityId);
    LOG.info("session.reindexed session={} events={}", entityId, events.size());
    return Optional.empty();
  }

  private void write(List<IndexEntry> changes, String entityId) {
    var all = new ArrayList<>(changes);
    all.add(new IndexEntry.Remove(Damage.SPACE, entityId));
    all.add(new IndexEntry.Remove(JournalRepair.REINDEX, HISTORIES + entityId));
    journal.index(all).toCompletableFuture().join();
  }

  private Damage damaged(String entityId, Damage damage) {
    if (!quarantined.contains(entityId)) {
      journal.index(List.of(damage.note(entityId, clock.instant()))).toCompletableFuture().join();
    }
    return damage;
  }

  /** The rows, and one for each session in quarantine that has lost its own. */
  private List<SessionRow> rows(Set<String> damaged, Map<String, Traces> traces) {
    var rows = rows(journal);
    var lost = new HashSet<>(damaged);
    rows.stream()
        .filter(row -> row.status().equals(SessionRow.QUARANTINED))
        .forEach(row -> lost.remove(new SessionKey(row.key()).entityId()));
    lost.forEach(entityId -> traces.get(entityId).key().ifPresent(key ->
        rows.add(Rows.lost(key, clock.instant()))));
    return rows;
  }

  /** The key of a session of which little is left; reads the whole index. */
  static Optional<SessionKey> keyOf(Journal journal, String entityId) {
    return Traces.of(journal, Set.of(entityId)).get(entityId).key();
  }
}
