package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.journal.Damage;
import dev.portcullis.session.SessionKey;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One damaged history among sound ones, in a gateway of its own process. */
class QuarantinedSessionTest {
  private static final String ENDLESS = "[[echo words=600 gap=1s]]";
  private static final String HISTORY = "session|" + new SessionKey("agent:main:explicit:c").entityId();

  @TempDir Path directory;

  @Test
  @Tag("INV-J1")
  void aDamagedSessionIsRefusedAtOnceAndShownUntilItsHistoryIsRestoredAndHindersNobody() throws Exception {
    var data = directory.resolve("data");
    String run;
    try (var gateway = GatewayProcess.on(data).start().awaitReady(); var client = gateway.client()) {
      for (var session : List.of("a", "b", "c")) {
        client.awaitEnd(client.submit(session, "hello").text("runId"));
      }
      run = client.submit("c", ENDLESS).text("runId");
      client.awaitStatus(run, "running");
      gateway.kill9();
    }
    var record = Damage.removeEvent(data, HISTORY, 2);

    try (var gateway = GatewayProcess.on(data).start().awaitReady(); var client = gateway.client()) {
      assertTrue(gateway.line("could not be woken").isEmpty(), "the boot has waited for it");
      assertTrue(gateway.awaitLine("session.quarantined session=").contains(" seq=2 cause="));
      assertTrue(gateway.awaitLine("ALERT raised topic=session.").contains("portcullis journal repair"));
      assertRefused(client, run);
      assertEquals(Map.of("a", "idle", "b", "idle", "c", "quarantined"), statuses(client));
      var counts = client.counts();
      assertEquals(List.of(4, 3, 0, 1, 1), List.of(number(counts, "accepted"), number(counts, "terminal"),
          number(counts, "open"), number(counts, "parked"), number(counts, "quarantined")));
      for (var session : List.of("a", "b")) {
        var next = client.submit(session, "hello").text("runId");
        assertEquals("completed", client.awaitEnd(next).path("status").asText());
      }
      gateway.sigterm();
      assertEquals(0, gateway.exitCode(GatewayProcess.PATIENCE), gateway::tail);
    }
    try (var gateway = GatewayProcess.on(data).start().awaitReady(); var client = gateway.client()) {
      assertEquals("quarantined", client.row("c").path("status").asText());
      assertRefused(client, run);
      gateway.kill9();
    }

    Damage.putEvent(data, HISTORY, 2, record);
    try (var gateway = GatewayProcess.on(data).start().awaitReady(); var client = gateway.client()) {
      assertTrue(gateway.line("session.released session=").isPresent(), gateway::tail);
      assertTrue(gateway.line("session.quarantined").isEmpty(), gateway::tail);
      assertEquals("running", client.awaitStatus(run, "running").path("status").asText());
      client.post("/api/v1/runs/" + run + "/abort");
      assertEquals("aborted", client.awaitEnd(run).path("status").asText());
      var next = client.submit("c", "hello").text("runId");
      assertEquals("completed", client.awaitEnd(next).path("status").asText());
      assertFalse(statuses(client).containsValue("quarantined"));
      assertEquals(0, number(client.counts(), "quarantined"));
    }
  }

  private static void assertRefused(Client client, String run) {
    var asked = Map.<String, Supplier<Client.Answer>>of(
        "submit", () -> client.submit("c", "hello"),
        "run", () -> client.get("/api/v1/runs/" + run),
        "events", () -> client.get("/api/v1/runs/" + run + "/events"),
        "history", () -> client.get("/api/v1/sessions/c/history"),
        "abort", () -> client.post("/api/v1/runs/" + run + "/abort"),
        "resume", () -> client.post("/api/v1/runs/" + run + "/resume"),
        "decide", () -> client.decide(run, "a-1", "allow"),
        "reset", () -> client.post("/api/v1/sessions/c/reset"),
        "delete", () -> client.delete("/api/v1/sessions/c"));
    asked.forEach((what, ask) -> {
      long begun = System.nanoTime();
      var answer = ask.get();
      long tookMs = (System.nanoTime() - begun) / 1_000_000;
      assertEquals(503, answer.status(), what);
      assertEquals("session_quarantined", answer.code(), what);
      assertEquals("false", answer.headers().firstValue("x-should-retry").orElse(""), what);
      assertTrue(answer.headers().firstValue("retry-after").isEmpty(), what);
      assertTrue(tookMs < 1_000, () -> what + " took ms=" + tookMs);
    });
  }

  private static Map<String, String> statuses(Client client) {
    return client.rows().stream().collect(Collectors.toMap(
        row -> row.path("key").asText().replaceAll(".*:", ""), row -> row.path("status").asText()));
  }

  private static int number(JsonNode counts, String field) {
    return counts.path(field).asInt(-1);
  }
}
