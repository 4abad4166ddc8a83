package dev.portcullis.ingress;

import dev.portcullis.protocol.Need;
import dev.portcullis.session.Sessions;
import java.util.Set;

/** Whether an agent can take what a turn carries besides its text. Asked before the turn is accepted. */
public final class Intake {
  private Intake() {}

  /** @throws InputFault naming what none of the agent's harnesses takes */
  public static void require(Edge edge, Sessions.Turn turn) {
    var agent = turn.session().agent();
    var needs = turn.input().needs(turn.context());
    if (!takes(edge, agent, needs)) {
      var missing = needs.stream().filter(need -> !takes(edge, agent, Set.of(need))).findFirst()
          .orElseGet(() -> needs.iterator().next()); // Each is taken somewhere, and all of them nowhere.
      throw InputFault.of(Problems.notTaken(agent, missing));
    }
  }

  private static boolean takes(Edge edge, String agent, Set<Need> needs) {
    return edge.config().agents().get(agent).harnesses().stream()
        .anyMatch(harness -> edge.harnesses().takes(harness, needs));
  }
}
