package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A person takes their time, and the gateway is killed meanwhile. */
class ApprovalKillTest {
  @TempDir Path directory;

  private GatewayProcess.Launch on(String delay) {
    return GatewayProcess.on(directory.resolve("data")).set("portcullis.run.resume-delays", "[" + delay + "]");
  }

  /** Sends a turn whose agent asks, and kills the gateway while it waits. Gives the event. */
  private static JsonNode askAndKill(GatewayProcess.Launch launch) {
    try (var gateway = launch.start().awaitReady(); var client = gateway.client()) {
      var run = client.submit("main", "hello [[echo approve]]").text("runId");
      var asked = client.eventsUntil(run, "approval.requested").getLast();
      gateway.kill9();
      return asked;
    }
  }

  private static List<JsonNode> open(Client client) {
    var data = client.get("/api/v1/approvals").json().path("data");
    return StreamSupport.stream(data.spliterator(), false).toList();
  }

  private static JsonNode only(Client client) {
    var open = open(client);
    assertEquals(1, open.size(), open::toString);
    return open.getFirst();
  }

  private static List<String> decisions(Client client, String run) {
    return client.events(run).stream()
        .filter(event -> event.path("type").asText().equals("approval.decided"))
        .map(event -> event.path("allowed").asBoolean() + " " + event.path("by").asText())
        .toList();
  }

  @Test
  @Tag("IL-49")
  void anAnswerGivenBeforeTheRunIsResumedIsUsedByTheResumedAttempt() {
    var asked = askAndKill(on("1h"));
    try (var gateway = on("1h").start().awaitReady(); var client = gateway.client()) {
      var run = asked.path("runId").asText();
      var id = asked.path("approvalId").asText();
      for (var field : List.of("kind", "title", "input", "directory", "digest", "expiresAt")) {
        assertEquals(asked.path(field), only(client).path(field), "the question is what it was");
      }
      var answer = client.decide(run, id, "allow");
      assertEquals(202, answer.status(), gateway::tail);
      assertEquals("kept for the resumed attempt", answer.text("status"));
      assertEquals(List.of(), open(client));
      var again = client.decide(run, id, "deny");
      assertEquals(List.of(409, "approval_decided", "allow"), List.of(again.status(), again.code(), again.text("decision")));
      assertEquals(202, client.post("/api/v1/runs/" + run + "/resume").status());
      assertEquals("echo: hello", client.awaitEnd(run).path("text").asText());
      var by = answer.text("by");
      assertEquals(List.of("true " + by, "true " + by), decisions(client, run));
    }
  }

  @Test
  @Tag("IL-49")
  void aQuestionThatTheResumedAttemptAsksAgainIsAnsweredUnderItsFirstId() {
    var asked = askAndKill(on("0s"));
    try (var gateway = on("0s").start().awaitReady(); var client = gateway.client()) {
      var run = asked.path("runId").asText();
      Await.until("the question again", GatewayProcess.PATIENCE, () ->
          !only(client).path("requestedAt").equals(asked.path("at")));
      assertEquals(asked.path("approvalId"), only(client).path("id"));
      var answer = client.decide(run, asked.path("approvalId").asText(), "allow");
      assertEquals("decided", answer.text("status"));
      assertEquals("echo: hello", client.awaitEnd(run).path("text").asText());
    }
  }

  @Test
  void aQuestionOfARunThatIsEndedBeforeItIsAskedAgainIsClosed() {
    var asked = askAndKill(on("1h"));
    try (var gateway = on("1h").start().awaitReady(); var client = gateway.client()) {
      var run = asked.path("runId").asText();
      assertEquals(202, client.post("/api/v1/runs/" + run + "/abort").status());
      assertEquals(List.of("false expired"), decisions(client, run));
      assertEquals(List.of(), open(client));
      assertEquals(409, client.decide(run, asked.path("approvalId").asText(), "allow").status());
    }
  }

  @Test
  @Tag("SEC-24")
  void aQuestionRunsOutAlsoWhileTheGatewayIsAway() {
    var asked = askAndKill(on("1h").set("portcullis.approvals.expire", "2s"));
    try (var gateway = on("1h").start().awaitReady(); var client = gateway.client()) {
      var id = asked.path("approvalId").asText();
      Await.until("the question to run out", GatewayProcess.PATIENCE, () -> open(client).isEmpty());
      var late = client.decide(asked.path("runId").asText(), id, "allow");
      assertEquals(List.of(409, "approval_decided", "expiry"), List.of(late.status(), late.code(), late.text("by")));
      var decision = client.get("/api/v1/approvals/" + id).json().path("decision");
      assertTrue(!decision.path("allowed").asBoolean(true), decision::toString);
    }
  }
}
