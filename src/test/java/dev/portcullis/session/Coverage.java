package dev.portcullis.session;

import dev.portcullis.protocol.RunStatus;
import dev.portcullis.run.RunTable.Fact;
import dev.portcullis.run.RunTableTest;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Which cells of the run table the histories of one test run went through. */
final class Coverage {
  /** Allowed by the table, and no command of this version leads there. */
  static final Set<String> UNREACHED = Set.of("FAILED in QUEUED", "GIVEN_UP in PARKED");

  private static final Map<Fact, Map<RunStatus, RunStatus>> TABLE = RunTableTest.table();

  private final Set<String> written = new ConcurrentSkipListSet<>();
  private final Set<String> accepted = new ConcurrentSkipListSet<>();
  private final Set<String> refused = new ConcurrentSkipListSet<>();

  /** A command had this fact written. */
  void written(Fact fact, RunStatus status) {
    written.add(cell(fact, status));
  }

  /** The fold was shown this fact. */
  void shown(Fact fact, RunStatus status, boolean taken) {
    (taken ? accepted : refused).add(cell(fact, status));
  }

  private static String cell(Fact fact, RunStatus status) {
    return fact + " in " + status;
  }

  private static Set<String> cells(boolean allowed) {
    return Stream.of(Fact.values())
        .flatMap(fact -> Stream.of(RunStatus.values())
            .filter(status -> TABLE.get(fact).containsKey(status) == allowed)
            .map(status -> cell(fact, status)))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Empty when every cell was gone through; else the ones that were not. */
  String missing() {
    var commands = cells(true);
    commands.removeAll(UNREACHED);
    commands.removeAll(written);
    var taken = cells(true);
    taken.removeAll(accepted);
    var others = cells(false);
    others.removeAll(refused);
    return commands.isEmpty() && taken.isEmpty() && others.isEmpty()
        ? ""
        : "never written: " + commands + ", never taken: " + taken + ", never refused: " + others;
  }

  @Override
  public String toString() {
    return "run table: " + written.size() + " of " + (cells(true).size() - UNREACHED.size())
        + " reachable cells written, " + accepted.size() + " of " + cells(true).size() + " allowed cells taken, "
        + refused.size() + " of " + cells(false).size() + " other cells refused";
  }
}
