package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.harness.RealAgent;
import dev.portcullis.harness.StandInModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real agent, OpenCode, whose gateway is killed in the middle of an answer. */
class RealAgentKillTest {
  @TempDir Path directory;

  private GatewayProcess start(Path agent, StandInModel model) {
    var environment = RealAgent.OPENCODE.environment(model, directory.resolve("home")).entrySet().stream()
        .map(entry -> entry.getKey() + " = " + quoted(entry.getValue()))
        .collect(Collectors.joining(", ", "{", "}"));
    return GatewayProcess.on(directory.resolve("data"))
        .set("portcullis.agents.main.harness", "opencode")
        .set("portcullis.harnesses.opencode.kind", "acp")
        .set("portcullis.harnesses.opencode.command", quoted(agent.toString()))
        .set("portcullis.harnesses.opencode.args", "[acp]")
        .set("portcullis.harnesses.opencode.processes", "2")
        .set("portcullis.harnesses.opencode.env", environment)
        .set("portcullis.run.resume-delays", "[0s]")
        .start();
  }

  private static String quoted(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  private static String answer(int parts) {
    return Stream.iterate(1, i -> i + 1).limit(parts).map(i -> "part" + i).collect(Collectors.joining(" "));
  }

  @Test
  @Tag("K-1")
  @Tag("N6")
  void aRealAgentContinuesItsOwnConversationAfterItsGatewayWasKilled() throws IOException {
    var agent = RealAgent.OPENCODE.command();
    String cut;
    try (var model = StandInModel.start()) {
      try (var gateway = start(agent, model).awaitReady(); var client = gateway.client()) {
        var first = client.submit("talk", "remember mango [[say fine]]").text("runId");
        assertEquals("fine", client.awaitEnd(first).path("text").asText());
        cut = client.submit("talk", "count [[slow 12 250]]").text("runId");
        Await.until("words", GatewayProcess.PATIENCE, () -> !client.run(cut).path("text").asText().isEmpty());
        gateway.kill9();
      }
      Await.until("the agent to be gone", Duration.ofSeconds(10), () -> agents().isEmpty());
      try (var gateway = start(agent, model).awaitReady(); var client = gateway.client()) {
        var run = client.awaitEnd(cut);
        assertEquals("completed", run.path("status").asText(), run::toString);
        assertEquals(2, run.path("attempts").asInt());
        assertEquals(answer(12), run.path("text").asText().strip());
        assertEquals(1, client.events(cut).stream().filter(RealAgentKillTest::resumed).count());
        var asked = model.calls().getLast().userMessages();
        assertTrue(asked.getFirst().contains("mango"), () -> "it has forgotten: " + asked);
        gateway.sigterm();
        assertEquals(0, gateway.exitCode(GatewayProcess.PATIENCE), gateway::tail);
      }
    }
    assertEquals(List.of(), agents());
  }

  /** Most of them wait for a place among the agent's processes, and are active all the same. */
  @Test
  @Tag("torture")
  @Tag("K-1")
  void fiftyTurnsOfARealAgentSurviveAKill() throws IOException {
    var agent = RealAgent.OPENCODE.command();
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

  private static boolean resumed(JsonNode event) {
    return event.path("type").asText().equals("resumed");
  }

  private List<Long> agents() {
    return Agents.with("HOME=" + directory.resolve("home"));
  }
}
