package dev.portcullis.session;

import dev.portcullis.config.AgentConfig;
import dev.portcullis.protocol.RunError;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which harness a run is on: its agent's own at first, the same after a crash, the next of the agent's after
 * a failure that another one may not have; never one that cannot take what the turn carries, if there is
 * another. Pure. Why: docs/adr/0014.
 */
record Fallbacks(Map<String, AgentConfig> agents, Abilities abilities) {
  /** Cause of a cut after which the next harness takes the run. */
  static final String FAILOVER = "failover";

  /** How an attempt can fail of which the harness has not said why, and another one would perhaps not. */
  private static final Set<String> WITHOUT_A_WORD = Set.of("harness_unavailable", "harness_timeout");

  Fallbacks {
    agents = Map.copyOf(agents);
  }

  /** Of the next attempt. An agent that was removed from the settings has none: that fails at dispatch. */
  String harness(OpenRun run) {
    var agent = agents.get(run.agent());
    if (agent == null) {
      return "";
    }
    var last = run.attempt().harness();
    if (run.attempt().cut().cause().equals(FAILOVER)) {
      return after(agent, run).orElse(agent.harness());
    }
    return agent.harnesses().contains(last) ? last : agent.harnesses().stream()
        .filter(name -> abilities.takes(name, run.needs()))
        .findFirst()
        .orElse(agent.harness());
  }

  /**
   * The harness that may take over from the active attempt. None once a step has begun in any attempt of the
   * run: nobody else can know what it did.
   */
  Optional<String> next(OpenRun run) {
    return Optional.ofNullable(agents.get(run.agent()))
        .filter(_ -> !run.hasStepped())
        .flatMap(agent -> after(agent, run));
  }

  private Optional<String> after(AgentConfig agent, OpenRun run) {
    var all = agent.harnesses();
    return all.stream()
        .skip(all.indexOf(run.attempt().harness()) + 1L)
        .filter(name -> abilities.takes(name, run.needs()))
        .findFirst();
  }

  /** What a failure of the attempt, which ended without a word of the harness, makes of the run. */
  SessionEvent.OfRun failed(OpenRun run, RunError error, Instant now) {
    return failed(run, error, WITHOUT_A_WORD.contains(error.code()), now);
  }

  /** @param elsewhere whether another harness may succeed where this one failed */
  SessionEvent.OfRun failed(OpenRun run, RunError error, boolean elsewhere, Instant now) {
    // Planned: the fault of a harness is no crash, so it costs no resume and the next one need not wait.
    return elsewhere && next(run).isPresent()
        ? new SessionEvent.RunInterrupted(
            run.runId(), run.attempt().number(), FAILOVER, true, now, List.of(), error.code())
        : new SessionEvent.RunFailed(run.runId(), whole(run, error), false, now);
  }

  /** The last harness has the last word; the others are named, or nobody would look at them. */
  private static RunError whole(OpenRun run, RunError error) {
    var tried = run.attempt().cut().tried();
    if (tried.isEmpty()) {
      return error;
    }
    var before = tried.stream()
        .map(attempt -> attempt.harness() + " (" + attempt.code() + ")")
        .collect(Collectors.joining(", "));
    var sentence = error.message().replaceAll("[.\\s]+$", "");
    return new RunError(
        error.code(),
        run.attempt().harness() + ": " + sentence + "; tried before: " + before,
        error.reference());
  }
}
