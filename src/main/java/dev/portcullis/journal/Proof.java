package dev.portcullis.journal;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.LongConsumer;

/**
 * What can be proved of everything that a store holds, whatever store it is.
 *
 * @param damagedHistories in order of the id
 * @param findings all, those of the damaged histories included
 */
record Proof(
    long histories, long events, long snapshots, long entries, List<Judgement> damagedHistories,
    List<JournalFinding> findings) {

  /** So many histories between two words on how far it is. */
  private static final int STEP = 100;

  long damaged() {
    return damagedHistories.size();
  }

  /** @throws JournalFault {@code CORRUPT} at the first thing that cannot be proved */
  static void require(JournalStore store) {
    var proof = of(store, _ -> {});
    proof.findings().stream()
        .filter(finding -> finding.kind() != JournalFinding.Kind.DAMAGED_SNAPSHOT) // Only a cache.
        .findFirst()
        .ifPresent(finding -> {
          throw JournalFault.corruptStore(store.name(), finding.toString());
        });
    store.check();
  }

  /** @param progress is told now and then how many histories have been read */
  static Proof of(JournalStore store, LongConsumer progress) {
    var damaged = new ArrayList<Judgement>();
    long read = 0;
    var owners = owners(store);
    for (var owner : owners.keySet()) {
      var judgement = Judgement.of(store, owner);
      if (!judgement.whole()) {
        damaged.add(judgement);
      }
      if (++read % STEP == 0) {
        progress.accept(read);
      }
    }
    var findings = new ArrayList<JournalFinding>();
    damaged.forEach(judgement -> findings.addAll(judgement.findings()));
    long snapshots = snapshots(store, findings);
    long entries = entries(store, findings);
    long events = owners.values().stream().mapToLong(Long::longValue).sum();
    return new Proof(owners.size(), events, snapshots, entries, damaged, findings);
  }

  /** Every id that has a recorded end, a base or an event, and how many events. */
  static Map<String, Long> owners(JournalStore store) {
    var ids = new TreeSet<String>();
    store.scan(new JournalStore.Range.Heads(), (key, _) -> {
      ids.add(((StoreKey.HeadOf) key).persistenceId());
      return true;
    });
    store.scan(new JournalStore.Range.AllBases(), (key, _) -> {
      ids.add(((StoreKey.Base) key).persistenceId());
      return true;
    });
    var events = new LinkedHashMap<String, Long>();
    ids.forEach(id -> events.put(id, 0L));
    store.scan(new JournalStore.Range.AllEvents(), (key, _) ->
        events.merge(((StoreKey.Event) key).persistenceId(), 1L, Long::sum) > 0);
    return events;
  }

  private static long snapshots(JournalStore store, List<JournalFinding> findings) {
    var count = new long[1];
    store.scan(new JournalStore.Range.AllSnapshots(), (key, value) -> {
      count[0]++;
      if (SnapshotRecord.decode((StoreKey.Snapshot) key, value).isEmpty()) {
        var at = (StoreKey.Snapshot) key;
        findings.add(JournalFinding.event(JournalFinding.Kind.DAMAGED_SNAPSHOT, at.persistenceId(), at.seq(),
            "it is not what was written"));
      }
      return true;
    });
    return count[0];
  }

  private static long entries(JournalStore store, List<JournalFinding> findings) {
    var count = new long[1];
    store.scan(new JournalStore.Range.AllIndexes(), (key, value) -> {
      count[0]++;
      try {
        StoreText.decode(value, 0, value.length);
      } catch (IndexOutOfBoundsException e) {
        findings.add(JournalFinding.file(JournalFinding.Kind.DAMAGED_INDEX,
            ((StoreKey.Index) key).space() + " " + JournalFault.printable(((StoreKey.Index) key).key()),
            "the value is no text"));
      }
      return true;
    });
    return count[0];
  }
}
