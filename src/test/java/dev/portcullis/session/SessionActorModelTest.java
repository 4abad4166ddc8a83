package dev.portcullis.session;

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
 * The histories of {@link SessionModelTest}, played to the real actors: sessions, attempts, harness actor, directory and
 * journal. A failed write fences the node, which is then left and booted again on what the disk holds.
 */
@Tag("INV-R5")
@Tag("INV-A2")
@Tag("INV-J2")
@Tag("INV-J4")
@Tag("INV-J6")
@Tag("INV-M1")
@Tag("INV-M3")
@Tag("INV-M4")
@Tag("INV-M7")
class SessionActorModelTest {
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

  @Property(tries = 200, edgeCases = EdgeCasesMode.NONE)
  void theSessionAgreesWithTheModel(@ForAll("agents") String agent, @ForAll("histories") List<Step> history) {
    Play.through(new ActorSubject("agent:" + agent + ":main").untrimmed(), COVERAGE, agent, history);
    histories++;
    steps += history.size();
  }

  @AfterContainer
  static void report() {
    System.out.println("model, with actors: " + histories + " histories, " + steps + " steps; " + COVERAGE);
  }
}
