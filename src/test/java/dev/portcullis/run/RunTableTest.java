package dev.portcullis.run;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.portcullis.protocol.RunStatus;
import dev.portcullis.run.RunTable.Fact;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The specification, written out a second time as it is drawn: a row per fact, a column per status. */
@Tag("INV-R1")
public class RunTableTest {
  private static final String STATUSES = "QSRAIPCFB";

  private static final String TABLE = """
                           Q S R A I P C F B
      ATTEMPT_STARTED      S - - - S - - - -
      ATTACHED             - R - - - - - - -
      TEXT_APPENDED        - - R A - - - - -
      STEP_STARTED         - - R - - - - - -
      STEP_FINISHED        - - R A - - - - -
      APPROVAL_REQUESTED   - S R - I - - - -
      APPROVAL_DECIDED     - S R A I P - - -
      STOP_NOTED           - S R A - - - - -
      ABORT_REQUESTED      - A A - - - - - -
      ABORTED              B - - B B B - - -
      COMPLETED            - - C - - - - - -
      STEERED              C - - - - - - - -
      FAILED               F F F - - - - - -
      GIVEN_UP             F F F - F F - - -
      INTERRUPTED          - I I - - - - - -
      PARKED               - - - - P - - - -
      UNPARKED             - - - - - I - - -
      """;

  private static final Map<Character, RunStatus> LETTERS = Map.of(
      'Q', RunStatus.QUEUED,
      'S', RunStatus.STARTING,
      'R', RunStatus.RUNNING,
      'A', RunStatus.ABORTING,
      'I', RunStatus.INTERRUPTED,
      'P', RunStatus.PARKED,
      'C', RunStatus.COMPLETED,
      'F', RunStatus.FAILED,
      'B', RunStatus.ABORTED);

  /** A copy that shares nothing with {@link RunTable}: fact to the statuses it may follow, and where it leads. */
  public static Map<Fact, Map<RunStatus, RunStatus>> table() {
    var table = new LinkedHashMap<Fact, Map<RunStatus, RunStatus>>();
    TABLE.lines().skip(1).forEach(line -> {
      var words = line.strip().split(" +");
      var row = new LinkedHashMap<RunStatus, RunStatus>();
      for (int i = 0; i < STATUSES.length(); i++) {
        if (!words[i + 1].equals("-")) {
          row.put(LETTERS.get(STATUSES.charAt(i)), LETTERS.get(words[i + 1].charAt(0)));
        }
      }
      table.put(Fact.valueOf(words[0]), row);
    });
    return table;
  }

  @Test
  void everyCellOfTheTableIsWhatTheSpecificationSays() {
    var table = table();
    assertEquals(EnumSet.allOf(Fact.class), table.keySet());
    for (var fact : Fact.values()) {
      for (var status : RunStatus.values()) {
        assertEquals(
            Optional.ofNullable(table.get(fact).get(status)), RunTable.next(status, fact), fact + " in " + status);
      }
    }
  }

  @Test
  void nothingFollowsAnEnd() {
    for (var fact : Fact.values()) {
      for (var end : EnumSet.of(RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.ABORTED)) {
        assertEquals(Optional.empty(), RunTable.next(end, fact), fact + " in " + end);
      }
    }
  }

  @Test
  void eachStatusHasItsWords() {
    assertWords(RunStatus::active, RunStatus.STARTING, RunStatus.RUNNING, RunStatus.ABORTING);
    assertWords(RunStatus::terminal, RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.ABORTED);
    assertWords(
        RunStatus::abortable,
        RunStatus.QUEUED,
        RunStatus.STARTING,
        RunStatus.RUNNING,
        RunStatus.INTERRUPTED,
        RunStatus.PARKED);
  }

  private static void assertWords(java.util.function.Predicate<RunStatus> word, RunStatus... statuses) {
    var said = EnumSet.noneOf(RunStatus.class);
    for (var status : RunStatus.values()) {
      if (word.test(status)) {
        said.add(status);
      }
    }
    assertEquals(Set.of(statuses), said);
  }
}
