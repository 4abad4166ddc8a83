package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.harness.RealAgent;
import dev.portcullis.harness.StandInModel;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Real agents, whose gateway is killed in the middle of an answer. */
class RealAgentKillTest {
  private static final String REMEMBER = "remember mango [[say fine]]";
  private static final String COUNT = "count [[slow 12 250]]";

  @TempDir Path directory;

  private GatewayProcess start(RealAgent agent, StandInModel model) {
    var environment = agent.environment(model, directory.resolve("home")).entrySet().stream()
        .map(entry -> entry.getKey() + " = " + quoted(entry.getValue()))
        .collect(Collectors.joining(", ", "{", "}"));
    return GatewayProcess.on(directory.resolve("data"))
        .set("portcullis.agents.main.harness", "real")
        .set("portcullis.harnesses.real.kind", kind(agent))
        .set("portcullis.harnesses.real.command", quoted(agent.command().toString()))
        .set("portcullis.harnesses.real.args", "[" + String.join(", ", agent.arguments()) + "]")
        .set("portcullis.harnesses.real.processes", "2")
        .set("portcullis.harnesses.real.env", environment)
        .set("portcullis.run.resume-delays", "[0s]")
        .start();
  }

  private static String kind(RealAgent agent) {
    return switch (agent) {
      case OPENCODE, GEMINI, CLAUDE_ACP -> "acp";
      case CLAUDE -> "claude-code";
      case CODEX -> "codex";
    };
  }

  private static String quoted(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  private static String answer(int parts) {
    return Stream.iterate(1, i -> i + 1).limit(parts).map(i -> "part" + i).collect(Collectors.joining(" "));
  }

  /** Gemini is none of these: its session is not reopened so soon, for it would destroy it. */
  @ParameterizedTest
  @EnumSource(names = {"OPENCODE", "CLAUDE_ACP", "CLAUDE", "CODEX"})
  @Tag("K-1")
  @Tag("N6")
  @Tag("INV-H3")
  @Tag("INV-M3")
  void aRealAgentContinuesItsOwnConversationAfterItsGatewayWasKilled(RealAgent agent) throws IOException {
    agent.command(); // Or the test is skipped.
    String cut;
    String marker;
    try (var model = StandInModel.start()) {
      try (var gateway = start(agent, model).awaitReady(); var client = gateway.client()) {
        var first = client.submit("talk", REMEMBER).text("runId");
        assertEquals("fine", client.awaitEnd(first).path("text").asText());
        marker = Agents.marker(agents().getFirst());
        cut = client.submit("talk", COUNT).text("runId");
        // By the second piece the question is older than what Claude Code loses when it is killed.
        Await.until("words", GatewayProcess.PATIENCE, () -> client.run(cut).path("text").asText().contains("part2 "));
        gateway.kill9();
      }
      try (var gateway = start(agent, model).awaitReady(); var client = gateway.client()) {
        assertEquals(List.of(), Agents.with(marker), "left of the killed gateway");
        var run = client.awaitEnd(cut);
        assertEquals("completed", run.path("status").asText(), run::toString);
        assertEquals(2, run.path("attempts").asInt());
        assertEquals(answer(12), run.path("text").asText().strip());
        var events = client.events(cut).stream().map(event -> event.path("type").asText()).toList();
        assertEquals(1, Collections.frequency(events, "resumed"), events::toString);
        assertEquals(1, Collections.frequency(events, "completed"), events::toString);
        var sessions = attached(client);
        assertEquals(3, sessions.size());
        assertEquals(1, Set.copyOf(sessions).size(), () -> "not the same session: " + sessions);
        given(model);
        gateway.sigterm();
        assertEquals(0, gateway.exitCode(GatewayProcess.PATIENCE), gateway::tail);
      }
    }
    assertEquals(List.of(), agents());
  }

  /** The agent's own session, of each attempt. */
  private static List<String> attached(Client client) {
    return client.journal("talk").stream().map(line -> line.path("event"))
        .filter(event -> event.has("nativeSession")).map(event -> event.path("nativeSession").asText()).toList();
  }

  /** Last the model was told the whole conversation, and what was cut off once more, with a note that says so. */
  private static void given(StandInModel model) {
    var said = model.calls().stream().filter(StandInModel.Call::turn).toList().getLast().userMessages();
    assertEquals(3, said.size(), said::toString);
    assertTrue(said.get(0).endsWith(REMEMBER), said::toString); // Claude Code says something of its own first.
    assertTrue(said.get(1).endsWith(COUNT), said::toString);
    assertTrue(said.get(2).endsWith(COUNT), said::toString);
    assertEquals(List.of(false, false, true),
        said.stream().map(message -> message.contains("Note from the gateway: ")).toList());
  }

  /** Most of them wait for a place among the agent's processes, and are active all the same. */
  @Test
  @Tag("torture")
  @Tag("K-1")
  void fiftyTurnsOfARealAgentSurviveAKill() throws IOException {
    var agent = RealAgent.OPENCODE;
    agent.command();
    var runs = new ArrayList<String>();
    try (var model = StandInModel.start()) {
      try (var gateway = start(agent, model).awaitReady(); var client = gateway.client()) {
        for (int i = 0; i < 50; i++) {
          runs.add(client.submit("talk-" + i, "count [[slow 6 250]]").text("runId"));
        }
        assertEquals(50, client.counts().path("active").asInt());
        Await.until("words", GatewayProcess.PATIENCE, () ->
            runs.stream().anyMatch(run -> !client.run(run).path("text").asText().isEmpty()));
        gateway.kill9();
      }
      try (var gateway = start(agent, model).awaitReady(); var client = gateway.client()) {
        Await.until("no open run", Duration.ofMinutes(15), () -> client.counts().path("open").asLong(-1) == 0);
        for (var run : runs) {
          assertEquals("completed", client.run(run).path("status").asText(), () -> client.run(run).toString());
          assertEquals(answer(6), client.run(run).path("text").asText().strip());
        }
        System.out.println("RealAgentKillTest runs=50 rest_s=" + gateway.age().toSeconds());
      }
    }
    Await.until("the agents to be gone", Duration.ofSeconds(10), () -> agents().isEmpty());
  }

  private List<Long> agents() {
    return Agents.with("HOME=" + directory.resolve("home"));
  }
}
