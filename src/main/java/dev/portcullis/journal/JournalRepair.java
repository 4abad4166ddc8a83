package dev.portcullis.journal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import org.iq80.leveldb.DBFactory;

/**
 * Builds a new store out of what can be read of a damaged one, and puts it in its place; the original is kept
 * beside it. Histories that are not chosen stay as damaged as they are.
 */
public final class JournalRepair {

  /** What becomes of a damaged history. */
  public sealed interface Way {
    /** It is taken from another data directory, where it is sound and as long as what is sound here. */
    record Restore(Path from) implements Way {}

    /** It ends with its last sound event. */
    record Cut() implements Way {}

    /** It is removed. */
    record Discard() implements Way {}
  }

  /**
   * What is done.
   *
   * @param changes one line for each history
   * @param refused one line for each history that was chosen and cannot be changed so
   * @param original where the damaged files are kept; empty when nothing was done
   */
  public record Outcome(List<String> changes, List<String> refused, List<Path> original) {}

  /** Index space of histories that were changed here; the gateway makes their rows anew from the history. */
  public static final String REINDEX = "reindex";

  private static final int BATCH_BYTES = 1 << 20;
  private static final long ROOM_BYTES = 64 << 20;

  private final LevelDbFiles files;

  JournalRepair(LevelDbFiles files) {
    this.files = files;
  }

  /**
   * Does it, or only says what would be done.
   *
   * @param chosen ids of histories; none means all that are damaged, or missing here and not there, or cut
   *     off here with a damaged file and longer there
   */
  public Outcome run(Way way, Set<String> chosen, boolean dry) {
    try (var raw = RawStore.open(files.directory());
        var other = RawStore.open(way instanceof Way.Restore(var from) ? storeOf(from) : files.directory())) {
      var check = StoreCheck.of(files);
      var plan = new Plan(raw, other, way, chosen);
      plan.make(!check.damage().isEmpty());
      if (dry || plan.stops() || plan.fates.isEmpty() && check.findings().isEmpty()) {
        return new Outcome(plan.lines(), plan.refused, List.of());
      }
      return new Outcome(plan.lines(), plan.refused, List.of(replace(raw, other, plan)));
    } catch (IOException e) {
      throw JournalFault.io(files.directory().toString(), "repairing", e);
    }
  }

  private static Path storeOf(Path from) throws IOException {
    var store = Files.isDirectory(from.resolve("journal")) ? from.resolve("journal") : from;
    if (new LevelDbFiles(store).isFresh()) {
      throw JournalFault.absent(store);
    }
    return store;
  }

  /** What happens to one history: kept to {@code end}, or taken from the other store, or neither. */
  private record Fate(Judgement here, Head head, boolean foreign, String line) {
    boolean keeps(StoreKey.Event event) {
      return !foreign && event.seq() > head.deletedTo() && event.seq() <= head.highest();
    }

    /** Both stores agree on what is sound here, so a snapshot of that fits either. */
    boolean keeps(StoreKey.Snapshot snapshot) {
      return snapshot.seq() <= Math.min(here.sound(), head.highest());
    }
  }

  /** Which histories change, and how. */
  private static final class Plan {
    private final RawStore raw;
    private final RawStore other;
    private final Way way;
    private final Set<String> chosen;
    private final Map<String, Fate> fates = new LinkedHashMap<>();
    private final List<String> refused = new ArrayList<>();
    private final Proof proof;

    Plan(RawStore raw, RawStore other, Way way, Set<String> chosen) {
      this.raw = raw;
      this.other = other;
      this.way = way;
      this.chosen = chosen;
      this.proof = Proof.of(raw, _ -> {});
    }

    /** @param cut whether files are damaged, so that a history may be sound and yet end too early */
    void make(boolean cut) {
      var damaged = new LinkedHashMap<String, Judgement>();
      proof.damagedHistories().forEach(here -> damaged.put(here.persistenceId(), here));
      if (way instanceof Way.Restore) {
        var present = Proof.owners(raw).keySet();
        Proof.owners(other).keySet().stream()
            .filter(id -> !present.contains(id) || cut && !damaged.containsKey(id) && goesOnThere(id))
            .forEach(id -> damaged.put(id, Judgement.of(raw, id)));
      }
      var ids = chosen.isEmpty() ? damaged.keySet() : chosen;
      for (var id : ids) {
        if (damaged.containsKey(id)) {
          decide(damaged.get(id));
        } else {
          refused.add(JournalFault.printable(id) + ": is not damaged, or not there");
        }
      }
    }

    private boolean goesOnThere(String id) {
      var there = Judgement.of(other, id);
      return there.whole() && there.head().highest() > new History(raw, id).head().highest();
    }

    /** Of those that nobody asked for by name, one that cannot be changed does not hold up the others. */
    boolean stops() {
      return !refused.isEmpty() && (!chosen.isEmpty() || fates.isEmpty());
    }

    List<String> lines() {
      return fates.values().stream().map(Fate::line).toList();
    }

    private void decide(Judgement here) {
      var id = JournalFault.printable(here.persistenceId());
      switch (way) {
        case Way.Cut _ -> {
          var head = here.sound() == 0 ? Head.NONE : here.head().next(here.sound(), here.digest());
          fates.put(here.persistenceId(), new Fate(here, head, false,
              id + ": ends with seq " + here.sound() + " now; " + lost(here)));
        }
        case Way.Discard _ -> fates.put(here.persistenceId(), new Fate(here, Head.NONE, false,
            id + ": removed, " + Math.max(here.events(), here.head().highest()) + " events; up to seq "
                + here.sound() + " they were sound"));
        case Way.Restore(var from) -> restore(here, from, id);
      }
    }

    private void restore(Judgement here, Path from, String id) {
      var there = Judgement.of(other, here.persistenceId());
      if (!there.whole() || there.head() == Head.NONE) {
        refused.add(id + ": is not sound in " + from);
      } else if (here.sound() > 0 && !agree(there, here)) {
        refused.add(id + ": differs in " + from + " from what is sound here, up to seq " + here.sound());
      } else {
        long highest = there.head().highest();
        long lost = Math.max(0, here.head().highest() - highest);
        fates.put(here.persistenceId(), new Fate(here, there.head(), true,
            id + ": taken from " + from + " up to seq " + highest + "; " + lost + " newer events are lost"));
      }
    }

    private boolean agree(Judgement there, Judgement here) {
      return there.head().highest() >= here.sound()
          && there.head().deletedTo() <= here.sound()
          && new History(other, here.persistenceId()).holds(here.sound(), here.digest());
    }

    private static String lost(Judgement here) {
      var times = here.lost().stream().sorted().toList();
      return here.missing() + " events are lost, from seq " + (here.sound() + 1)
          + (times.isEmpty() ? ", of unknown time" : times(times));
    }

    private static String times(List<Instant> times) {
      return ", written from " + times.getFirst() + " to " + times.getLast();
    }
  }

  private Path replace(RawStore raw, RawStore other, Plan plan) throws IOException {
    requireRoom();
    LevelDbFiles.delete(files.trial());
    Files.createDirectory(files.trial());
    DataDirectory.mode(files.trial(), "rwx------");
    var identity = UUID.randomUUID().toString();
    DBFactory factory = LevelDbStore.factory(JournalSettings.Implementation.AUTO);
    try (var store = LevelDbStore.open(files.trial(), factory, LevelDbStore.Checks.PARANOID, true)) {
      store.identity(identity);
      new Copy(store, plan).all(raw, other);
    }
    var aside = files.replace();
    GuardedStore.seal(files, identity, new TreeMap<>());
    return aside;
  }

  /** The native library ends the process on a full disk; while it compacts it holds what it has twice. */
  private void requireRoom() throws IOException {
    long needed = 2 * files.bytes().values().stream().mapToLong(Long::longValue).sum() + ROOM_BYTES;
    long usable = Files.getFileStore(files.directory()).getUsableSpace();
    if (usable < needed) {
      throw JournalFault.lowSpace(files.directory(), usable, needed);
    }
  }

  /** Takes over what a plan leaves, record by record and as it is. */
  private static final class Copy {
    private final LevelDbStore to;
    private final Plan plan;
    private final List<JournalStore.Change> batch = new ArrayList<>();
    private long bytes;

    Copy(LevelDbStore to, Plan plan) {
      this.to = to;
      this.plan = plan;
    }

    void all(RawStore raw, RawStore other) {
      raw.raw(LevelDbKeys.everything(), (key, value) -> {
        if (!LevelDbKeys.ofTheStore(key)) {
          keep(LevelDbKeys.decode(key), value);
        }
        return true;
      });
      if (raw.get(Journal.FORMAT).isEmpty()) {
        put(Journal.FORMAT, Journal.THIS_FORMAT.getBytes(StandardCharsets.UTF_8));
      }
      plan.fates.forEach((id, fate) -> rewrite(id, fate, other));
      // Blocks that cannot be read may have held rows of histories that are sound.
      var stale = raw.findings(Set.of()).isEmpty() ? plan.fates.keySet() : Proof.owners(raw).keySet();
      stale.forEach(this::reindex);
      plan.fates.keySet().forEach(this::reindex);
      flush();
    }

    private void reindex(String id) {
      put(new StoreKey.Index(REINDEX, id), new byte[0]);
    }

    private void keep(StoreKey key, byte[] value) {
      boolean kept = switch (key) {
        case StoreKey.Event event -> fate(event.persistenceId()).map(fate -> fate.keeps(event)).orElse(true);
        case StoreKey.HeadOf(var id) -> fate(id).isEmpty();
        case StoreKey.Base(var id) ->
            fate(id).map(fate -> !fate.foreign() && fate.head() != Head.NONE).orElse(true);
        case StoreKey.Snapshot snapshot -> SnapshotRecord.decode(snapshot, value).isPresent()
            && fate(snapshot.persistenceId()).map(fate -> fate.keeps(snapshot)).orElse(true);
        case StoreKey.Index _, StoreKey.Meta _ -> true;
      };
      if (kept) {
        put(key, value);
      }
    }

    private Optional<Fate> fate(String id) {
      return Optional.ofNullable(plan.fates.get(id));
    }

    private void rewrite(String id, Fate fate, RawStore other) {
      if (fate.foreign()) {
        other.scan(new JournalStore.Range.Events(id, fate.head().deletedTo() + 1, fate.head().highest()),
            (key, value) -> {
              put(key, value);
              return true;
            });
        for (var key : List.of(new StoreKey.HeadOf(id), new StoreKey.Base(id))) {
          other.get(key).ifPresent(value -> put(key, value));
        }
      } else if (fate.head() != Head.NONE) {
        put(new StoreKey.HeadOf(id), fate.head().encode());
      }
    }

    private void put(StoreKey key, byte[] value) {
      batch.add(new JournalStore.Change.Put(key, value));
      bytes += value.length;
      if (bytes > BATCH_BYTES) {
        flush();
      }
    }

    private void flush() {
      to.write(batch);
      batch.clear();
      bytes = 0;
    }
  }
}
