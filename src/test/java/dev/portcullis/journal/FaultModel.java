package dev.portcullis.journal;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CompletionStage;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/** What must be in a journal after a sequence of commands, kept beside it. */
final class FaultModel {
  private static final int KEPT = 30;

  /** One command to the journal, repeatable on a copy of the model. */
  sealed interface Command {
    String id();

    /** Events of one atomic write, with the index entry that follows from them. */
    record Append(String id, long from, int count) implements Command {}

    record DeleteTo(String id, long seq) implements Command {}

    record Snapshot(String id, long seq) implements Command {}

    record DropSnapshots(String id, long to) implements Command {}

    /** Takes the index entry out without an event. */
    record Unindex(String id) implements Command {}
  }

  /** @param index the value of the history's index entry */
  record One(long highest, long deletedTo, TreeSet<Long> snapshots, Optional<String> index) {
    static final One NEW = new One(0, 0, new TreeSet<>(), Optional.empty());

    One after(Command command) {
      return switch (command) {
        case Command.Append(_, var from, var count) -> new One(
            from + count - 1, deletedTo, snapshots, Optional.of(indexOf(from + count - 1)));
        case Command.DeleteTo(_, var seq) ->
            new One(highest, Math.max(deletedTo, Math.min(seq, highest)), snapshots, index);
        case Command.Snapshot(_, var seq) -> {
          var more = new TreeSet<>(snapshots);
          more.add(seq);
          yield new One(highest, deletedTo, more, index);
        }
        case Command.DropSnapshots(_, var to) ->
            new One(highest, deletedTo, new TreeSet<>(snapshots.tailSet(to, false)), index);
        case Command.Unindex _ -> new One(highest, deletedTo, snapshots, Optional.empty());
      };
    }
  }

  private final Map<String, One> all;

  FaultModel() {
    this(Map.of());
  }

  private FaultModel(Map<String, One> all) {
    this.all = new HashMap<>(all);
  }

  FaultModel copy() {
    return new FaultModel(all);
  }

  One of(String id) {
    return all.getOrDefault(id, One.NEW);
  }

  void apply(Command command) {
    all.put(command.id(), of(command.id()).after(command));
  }

  /** Something that may follow. */
  Command next(RandomGenerator random, List<String> ids) {
    var id = ids.get(random.nextInt(ids.size()));
    var now = of(id);
    var append = new Command.Append(id, now.highest() + 1, 1 + random.nextInt(3));
    if (now.highest() - now.deletedTo() > KEPT) {
      return new Command.DeleteTo(id, now.highest() - random.nextInt(KEPT));
    }
    return switch (random.nextInt(10)) {
      case 0 -> now.highest() > now.deletedTo() ? new Command.Snapshot(id, now.highest()) : append;
      case 1 -> new Command.DropSnapshots(id, Math.max(0, now.highest() - random.nextInt(KEPT)));
      case 2 -> new Command.Unindex(id);
      default -> append;
    };
  }

  static CompletionStage<Void> send(Journal journal, Command command) {
    return switch (command) {
      case Command.Append(var id, var from, var count) -> journal.append(
          IntStream.range(0, count).mapToObj(i -> Samples.event(id, from + i)).toList(),
          List.of(new IndexEntry.Put("fault", id, indexOf(from + count - 1))));
      case Command.DeleteTo(var id, var seq) -> journal.deleteTo(id, seq);
      case Command.Snapshot(var id, var seq) ->
          journal.putSnapshot(new StoredSnapshot(id, seq, 7, "state", new byte[] {1}, Samples.AT));
      case Command.DropSnapshots(var id, var to) -> journal.deleteSnapshots(id, 0, to, _ -> true);
      case Command.Unindex(var id) -> journal.index(List.of(new IndexEntry.Remove("fault", id)));
    };
  }

  /** What a journal says, in the words of this model; every history is replayed, and so proved. */
  static FaultModel read(Journal journal, List<String> ids) {
    var read = new FaultModel();
    for (var id : ids) {
      var seqs = new ArrayList<Long>();
      journal.replay(id, 1, Long.MAX_VALUE, Long.MAX_VALUE, event -> seqs.add(event.seq()));
      long highest = journal.highest(id);
      var snapshots = new TreeSet<Long>();
      journal.snapshots(id).forEach(snapshot -> snapshots.add(snapshot.seq()));
      read.all.put(id, new One(highest, highest - seqs.size(), snapshots, journal.get("fault", id)));
    }
    return read;
  }

  boolean agrees(FaultModel other, List<String> ids) {
    return ids.stream().allMatch(id -> of(id).equals(other.of(id)));
  }

  private static String indexOf(long highest) {
    return "highest " + highest;
  }

  @Override
  public String toString() {
    return all.toString();
  }
}
