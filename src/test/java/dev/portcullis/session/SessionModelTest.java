package dev.portcullis.session;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tag;
import net.jqwik.api.lifecycle.AfterContainer;

/**
 * Random histories of one session, played to a plain model at the same time: faults, crashes, drains and late words
 * included. A failure prints its seed and the shortest history that fails.
 */
@Tag("INV-R1")
@Tag("INV-R2")
@Tag("INV-R3")
@Tag("INV-R4")
@Tag("INV-R7")
@Tag("INV-R8")
@Tag("INV-R9")
@Tag("INV-A1")
@Tag("INV-A3")
@Tag("INV-A4")
@Tag("INV-I2")
@Tag("INV-I3")
@Tag("INV-I10")
@Tag("INV-J4")
@Tag("INV-M1")
@Tag("INV-M2")
@Tag("INV-M7")
class SessionModelTest {
  private static final Coverage COVERAGE = new Coverage();
  private static long histories;
  private static long steps;

  @Provide
  Arbitrary<List<Step>> histories() {
    return Step.histories();
  }

  @Provide
  Arbitrary<String> agents() {
    return Arbitraries.of("main", "careful", "pushy", "chatty");
  }

  @Property(tries = 2500, edgeCases = EdgeCasesMode.NONE)
  void theDecisionsAgreeWithTheModel(@ForAll("agents") String agent, @ForAll("histories") List<Step> history) {
    play(new PureSubject("agent:" + agent + ":main"), agent, history);
  }

  private static void play(Subject subject, String agent, List<Step> history) {
    Play.through(subject, COVERAGE, agent, history);
    histories++;
    steps += history.size();
  }

  @AfterContainer
  static void everyCellOfTheRunTableWasGoneThrough() {
    System.out.println("model: " + histories + " histories, " + steps + " steps; " + COVERAGE);
    assertEquals("", COVERAGE.missing());
  }
}
