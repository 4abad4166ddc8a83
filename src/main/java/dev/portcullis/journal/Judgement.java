package dev.portcullis.journal;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * What can be proved of one history.
 *
 * @param head the recorded end; {@link Head#NONE} when it cannot be read
 * @param sound the last event that can be proved, with all before it
 * @param digest of that event
 * @param events those that are stored, sound or not
 * @param lost times of the stored events that cannot be proved, as far as they can be read
 * @param findings empty when the history is whole
 */
record Judgement(
    String persistenceId, Head head, long sound, byte[] digest, long events, List<Instant> lost,
    List<JournalFinding> findings) {

  boolean whole() {
    return findings.isEmpty();
  }

  /** How many events it should have had beyond what is sound; at least one when that is not known. */
  long missing() {
    return Math.max(head.highest() - sound, whole() ? 0 : lost.size());
  }

  static Judgement of(JournalStore store, String persistenceId) {
    var history = new History(store, persistenceId);
    try {
      var head = history.head();
      history.base();
      long events = history.replay(1, Long.MAX_VALUE, Long.MAX_VALUE, _ -> {});
      return new Judgement(persistenceId, head, head.highest(), head.digest(), events, List.of(),
          beforeTheBeginning(store, persistenceId, head));
    } catch (JournalFault fault) {
      return new Walk(store, persistenceId).judge(onlyCorrupt(fault));
    }
  }

  /** Where no replay looks. What is deleted never comes back, so a head that is older now is good enough. */
  private static List<JournalFinding> beforeTheBeginning(
      JournalStore store, String persistenceId, Head head) {
    var count = new long[1];
    if (head.deletedTo() > 0) {
      store.scan(new JournalStore.Range.Events(persistenceId, 1, head.deletedTo()), (_, _) -> ++count[0] > 0);
    }
    return count[0] == 0 ? List.of() : List.of(JournalFinding.event(
        JournalFinding.Kind.ORPHAN_EVENTS, persistenceId, 1,
        count[0] + " events lie before the recorded beginning " + head.deletedTo()));
  }

  /** A store that fails has not said that anything is damaged. */
  private static JournalFault onlyCorrupt(JournalFault fault) {
    if (fault.code() != JournalFault.Code.CORRUPT) {
      throw fault;
    }
    return fault;
  }

  /** Goes through a damaged history to see how much of it holds. */
  private static final class Walk {
    private final JournalStore store;
    private final String persistenceId;
    private final List<Instant> lost = new ArrayList<>();
    private Head head = Head.NONE;
    private long sound;
    private byte[] digest;
    private long events;
    private boolean broken;

    Walk(JournalStore store, String persistenceId) {
      this.store = store;
      this.persistenceId = persistenceId;
    }

    Judgement judge(JournalFault fault) {
      try {
        head = new History(store, persistenceId).head();
      } catch (JournalFault unreadable) {
        onlyCorrupt(unreadable);
      }
      sound = head.deletedTo();
      digest = head.anchor();
      boolean based = hasItsBase();
      if (!based) { // What follows a beginning that is lost says nothing.
        sound = 0;
        digest = Head.NONE.digest();
        broken = true;
      }
      var range = new JournalStore.Range.Events(persistenceId, head.deletedTo() + 1, Long.MAX_VALUE);
      store.scan(range, (key, value) -> {
        take((StoreKey.Event) key, value);
        return true;
      });
      var finding = JournalFinding.event(kind(based), persistenceId, sound + 1, fault.detail());
      return new Judgement(persistenceId, head, sound, digest, events, lost, List.of(finding));
    }

    private JournalFinding.Kind kind(boolean based) {
      if (head == Head.NONE) {
        return events > 0 ? JournalFinding.Kind.ORPHAN_EVENTS
            : store.get(new StoreKey.Base(persistenceId)).isPresent()
                ? JournalFinding.Kind.ORPHAN_BASE : JournalFinding.Kind.DAMAGED_EVENT;
      }
      if (!based) {
        return JournalFinding.Kind.DAMAGED_BASE;
      }
      return events + head.deletedTo() < head.highest()
          ? JournalFinding.Kind.HOLE
          : JournalFinding.Kind.DAMAGED_EVENT;
    }

    /** Without a head that can be read there is nothing that a base could be missed by. */
    private boolean hasItsBase() {
      try {
        return head == Head.NONE || new History(store, persistenceId).base().isPresent() == head.hasBase();
      } catch (JournalFault unreadable) {
        onlyCorrupt(unreadable);
        return false;
      }
    }

    private void take(StoreKey.Event key, byte[] record) {
      events++;
      broken |= key.seq() != sound + 1 || head != Head.NONE && key.seq() > head.highest();
      if (!broken) {
        try {
          EventRecord.decode(store.name(), key, record, digest);
          sound = key.seq();
          digest = EventRecord.digestOf(record);
        } catch (JournalFault damaged) {
          broken = true;
        }
      }
      if (broken) {
        EventRecord.timestamp(store.name(), key, record).ifPresent(lost::add);
      }
    }
  }
}
