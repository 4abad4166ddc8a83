package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.harness.RealAgent;
import dev.portcullis.harness.StandInModel;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A whole gateway before Claude Code, as an operator would set it up. */
class RealClaudeKillTest {
  @TempDir Path directory;

  private GatewayProcess start(Path agent, StandInModel model) throws IOException {
    var home = directory.resolve("home");
    var environment = RealAgent.CLAUDE.environment(model, home).entrySet().stream()
        .map(entry -> entry.getKey() + " = \"" + entry.getValue() + '"')
        .collect(Collectors.joining(", ", "{ ", " }"));
    return GatewayProcess.on(directory.resolve("data"))
        .set("portcullis.agents.main.harness", "claude")
        .set("portcullis.harnesses.claude.kind", "claude-code")
        .set("portcullis.harnesses.claude.command", '"' + agent.toString() + '"')
        .set("portcullis.harnesses.claude.processes", "2")
        .set("portcullis.harnesses.claude.env", environment)
        .set("portcullis.run.resume-delays", "[0s]")
        .start();
  }

  private List<Long> agents() {
    return Agents.with("HOME=" + directory.resolve("home"));
  }

  @Test
  @Tag("K-1")
  void claudeCodeContinuesItsOwnConversationAfterItsGatewayWasKilled() throws IOException {
    var agent = RealAgent.CLAUDE.command();
    String cut;
    try (var model = StandInModel.start()) {
      try (var gateway = start(agent, model).awaitReady(); var client = gateway.client()) {
        var first = client.submit("talk", "remember mango [[say fine]]").text("runId");
        assertEquals("fine", client.awaitEnd(first).path("text").asText());
        cut = client.submit("talk", "count [[slow 8 250]]").text("runId");
        Await.until("words", GatewayProcess.PATIENCE, () -> !client.run(cut).path("text").asText().isEmpty());
        gateway.kill9();
      }
      Await.until("the agent to be gone", Duration.ofSeconds(10), () -> agents().isEmpty());
      try (var gateway = start(agent, model).awaitReady(); var client = gateway.client()) {
        var run = client.awaitEnd(cut);
        assertEquals("completed", run.path("status").asText(), run::toString);
        assertEquals(2, run.path("attempts").asInt());
        assertEquals("part1 part2 part3 part4 part5 part6 part7 part8", run.path("text").asText().strip());
        var asked = model.calls().getLast().userMessages();
        assertTrue(asked.getFirst().contains("mango"), () -> "it has forgotten: " + asked);
        assertTrue(asked.size() > 2, () -> "it was told its own conversation again: " + asked);
        gateway.sigterm();
        assertEquals(0, gateway.exitCode(GatewayProcess.PATIENCE), gateway::tail);
      }
    }
    assertEquals(List.of(), agents());
  }
}
