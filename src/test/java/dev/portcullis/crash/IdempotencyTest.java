package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One key, one run: in flight, after the end and after a kill. */
class IdempotencyTest {
  private static final String KEY = "order-4711";
  private static final String BODY = "once [[echo words=6 gap=200ms]]";

  @TempDir Path directory;

  private static void otherBodyIsRefused(Client client, String phase) {
    var refused = client.submit("s", BODY + " and more", KEY);
    assertEquals(422, refused.status(), phase);
    assertEquals("idempotency_key_reused", refused.code(), phase);
  }

  @Test
  @Tag("IL-18")
  @Tag("IL-19")
  @Tag("IL-20")
  @Tag("INV-I2")
  @Tag("INV-I3")
  @Tag("INV-I4")
  @Tag("INV-I12")
  void aKeyMakesOneRunHoweverOftenAndWheneverItIsSent() throws Exception {
    var data = directory.resolve("data");
    String run;
    try (var gateway = GatewayProcess.on(data).start().awaitReady(); var client = gateway.client()) {
      var runs = new HashSet<String>();
      try (var users = Executors.newVirtualThreadPerTaskExecutor()) {
        var sent = IntStream.range(0, 50)
            .mapToObj(_ -> users.submit(() -> client.submit("s", BODY, KEY)))
            .toList();
        for (var one : sent) {
          assertEquals(202, one.get().status());
          runs.add(one.get().text("runId"));
        }
      }
      assertEquals(1, runs.size());
      run = runs.iterator().next();
      otherBodyIsRefused(client, "in flight");
      client.awaitEnd(run);
      var again = client.submit("s", BODY, KEY);
      assertEquals(run, again.text("runId"));
      assertEquals("completed", again.text("status"));
      assertTrue(again.headers().firstValue("Idempotent-Replayed").isPresent());
      otherBodyIsRefused(client, "after its end");
      gateway.kill9();
    }
    try (var gateway = GatewayProcess.on(data).start().awaitReady(); var client = gateway.client()) {
      var again = client.submit("s", BODY, KEY);
      assertEquals(run, again.text("runId"));
      assertEquals("completed", again.text("status"));
      otherBodyIsRefused(client, "after a kill");
      assertEquals(1, client.counts().path("accepted").asInt());
    }
  }

  @Test
  @Tag("IL-22")
  @Tag("INV-I7")
  void aKeyWhoseRunIsCutOffOrParkedStillNamesThatRun() {
    var data = directory.resolve("data");
    String run;
    try (var gateway = GatewayProcess.on(data).start().awaitReady(); var client = gateway.client()) {
      run = client.submit("s", "[[echo step=pay step-time=10m]]", KEY).text("runId");
      Await.until("the step", GatewayProcess.PATIENCE, () -> client.run(run).path("steps").size() == 1);
      gateway.kill9();
    }
    var parking = GatewayProcess.on(data).set("portcullis.agents.main.on-uncertain", "park");
    try (var gateway = parking.start().awaitReady(); var client = gateway.client()) {
      assertEquals("uncertain_step", client.run(run).path("parked").path("reason").asText());
      var again = client.submit("s", "[[echo step=pay step-time=10m]]", KEY);
      assertEquals(run, again.text("runId"));
      assertEquals("parked", again.text("status"));
      assertEquals(422, client.submit("s", "another", KEY).status());
      assertEquals(1, client.counts().path("accepted").asInt());
    }
  }
}
