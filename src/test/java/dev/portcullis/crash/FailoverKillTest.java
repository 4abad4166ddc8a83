package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** SIGKILL while another harness has taken over, and while a person is asked whether to go on. */
class FailoverKillTest {
  @TempDir Path directory;

  private GatewayProcess.Launch launch() {
    return GatewayProcess.on(directory.resolve("data")).set("portcullis.run.resume-delays", "[0s]");
  }

  private static List<JsonNode> ofType(List<JsonNode> events, String type) {
    return events.stream().filter(event -> event.path("type").asText().equals(type)).toList();
  }

  private static List<String> values(List<JsonNode> events, String type, String field) {
    return ofType(events, type).stream().map(event -> event.path(field).asText()).toList();
  }

  private GatewayProcess withSpare() {
    return launch()
        .set("portcullis.harnesses.spare.kind", "echo")
        .set("portcullis.agents.main.fallbacks", "[spare]")
        .start()
        .awaitReady();
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @Tag("K-1")
  void killedAfterAFailoverTheGatewayGoesOnWithTheHarnessThatTookOver() {
    String run;
    try (var gateway = withSpare(); var client = gateway.client()) {
      run = client.submit("one", "hi [[echo words=10 gap=100ms fail=overloaded tries=1]]").text("runId");
      client.eventsUntil(run, "resumed");
      gateway.kill9();
      gateway.awaitLine("run.failover runId=" + run + " from=echo to=spare code=overloaded");
    }
    try (var gateway = withSpare(); var client = gateway.client()) {
      var ended = client.awaitEnd(run);
      assertEquals("completed", ended.path("status").asText(), ended::toString);
      assertEquals("spare", ended.path("harness").asText());
      assertEquals(3, ended.path("attempts").asInt());
      var events = client.events(run);
      assertEquals(List.of("failover", "crash"), values(events, "interrupted", "cause"));
      assertEquals(List.of("spare", "spare"), values(events, "resumed", "harness"));
      var next = client.awaitEnd(client.submit("one", "again").text("runId"));
      assertEquals("echo", next.path("harness").asText());
    }
  }

  private GatewayProcess asking() {
    return launch().set("portcullis.agents.main.on-uncertain", "ask").start().awaitReady();
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @Tag("INV-M4")
  @Tag("N4")
  @Tag("N5")
  void theQuestionWhetherToGoOnOutlivesKillsAndIsAnsweredOnce() {
    String yes;
    String no;
    try (var gateway = asking(); var client = gateway.client()) {
      yes = client.submit("yes", "hi [[echo step=deploy step-time=1h]]").text("runId");
      no = client.submit("no", "hi [[echo step=deploy step-time=1h]]").text("runId");
      client.eventsUntil(yes, "step.started");
      client.eventsUntil(no, "step.started");
      gateway.kill9();
    }
    try (var gateway = asking(); var client = gateway.client()) {
      client.awaitStatus(yes, "parked");
      gateway.kill9();
    }
    try (var gateway = asking(); var client = gateway.client()) {
      var asked = ofType(client.eventsUntil(yes, "parked"), "approval.requested");
      assertEquals(1, asked.size());
      assertEquals("resume", asked.getFirst().path("kind").asText());
      assertTrue(asked.getFirst().path("title").asText().startsWith("deploy may or may not"), asked::toString);
      var question = asked.getFirst().path("approvalId").asText();
      assertEquals(202, client.decide(yes, question, "allow").status());
      assertEquals("echo: hi (the outcome of deploy is unknown, it was not repeated)",
          client.awaitEnd(yes).path("text").asText());
      assertEquals(409, client.decide(yes, question, "allow").status());

      var other = values(client.eventsUntil(no, "parked"), "approval.requested", "approvalId").getFirst();
      assertEquals("aborted", client.decide(no, other, "deny").text("runStatus"));
      assertEquals(1, client.run(no).path("attempts").asInt());
      assertEquals("uncertain", client.run(no).path("steps").path(0).path("state").asText());
    }
  }
}
