package dev.portcullis.session;

import dev.portcullis.alert.Alerts;
import dev.portcullis.journal.Journal;
import dev.portcullis.journal.JournalFault;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import org.apache.pekko.actor.typed.ActorRef;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sessions of this node whose history cannot be proved (INV-J1). Each is noted in the journal's index,
 * told to the operator and shown in the directory; it leaves quarantine at a boot that finds it sound.
 * Thread-safe.
 */
public final class Quarantine {
  private static final Logger LOG = LoggerFactory.getLogger(Quarantine.class);

  private final Map<String, Quarantined> held = new ConcurrentHashMap<>();
  private final Journal journal;
  private final Executor blocking;
  private final Alerts alerts;
  private final Clock clock;
  private final ActorRef<Directory.Command> directory;

  /**
   * @param blocking runs work that waits for the disk
   * @param found what boot has found: the damaged are held, of those sound again the operator is told
   */
  public Quarantine(
      Journal journal,
      Executor blocking,
      Alerts alerts,
      Clock clock,
      ActorRef<Directory.Command> directory,
      SessionIndex.Found found) {
    this.journal = journal;
    this.blocking = blocking;
    this.alerts = alerts;
    this.clock = clock;
    this.directory = directory;
    found.damaged().forEach(this::hold);
    found.released().forEach(this::release);
  }

  /** What a session in quarantine answers; empty for any other. */
  Optional<Quarantined> of(String entityId) {
    return Optional.ofNullable(held.get(entityId));
  }

  /**
   * Takes in a session that could not be recovered; once, for Pekko tells of one failure twice. Does not
   * block: the note is on its way to the disk.
   */
  Quarantined add(String entityId, JournalFault fault) {
    return held.containsKey(entityId) ? held.get(entityId) : take(entityId, Damage.of(fault));
  }

  private Quarantined take(String entityId, Damage damage) {
    var answer = hold(entityId, damage);
    journal.index(List.of(damage.note(entityId, clock.instant())));
    directory.tell(new Directory.Quarantined(entityId));
    // Its row may be lost with the history: then what is left of the index may still name the session.
    CompletableFuture.supplyAsync(() -> SessionIndex.keyOf(journal, entityId), blocking)
        .whenComplete((key, failure) -> {
          if (failure != null) {
            LOG.warn("session.key_unknown session={} cause={}", entityId, failure.toString());
          } else {
            key.map(found -> Rows.lost(found, clock.instant()))
                .ifPresent(row -> directory.tell(new Directory.Changed(row)));
          }
        });
    return answer;
  }

  private Quarantined hold(String entityId, Damage damage) {
    LOG.error("session.quarantined session={} seq={} cause={}", entityId, damage.seq(), damage.cause());
    var reference = alerts.raise(topic(entityId), "session " + entityId
        + " is quarantined, its history is damaged: " + damage.cause()
        + "; stop the gateway and run `portcullis journal repair`");
    var answer = new Quarantined(reference);
    held.put(entityId, answer);
    return answer;
  }

  private void release(String entityId) {
    LOG.info("session.released session={}", entityId);
    alerts.resolve(topic(entityId), "the history of session " + entityId + " is sound again");
  }

  private static String topic(String entityId) {
    return "session." + entityId;
  }
}
