package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A write fails: nothing is acknowledged any more, the process ends, and what is true is what replays. */
class FenceTest {
  private static final int JOURNAL = 74;
  private static final String KEY = "the-key";

  @TempDir Path directory;

  /** Before the write nothing is on the disk; after it everything is, and yet the writer was told otherwise. */
  @ParameterizedTest
  @ValueSource(strings = {"before", "after"})
  @Tag("INV-J2")
  @Tag("INV-J3")
  @Tag("IL-44")
  void aFailedWriteFencesTheGatewayAndTheSameKeyFindsWhateverIsTrue(String side) {
    var data = directory.resolve("data");
    try (var gateway = GatewayProcess.on(data)
        .failpoint("!persist.turn-accepted." + side)
        .start()
        .awaitReady();
        var client = gateway.client()) {
      long asked = System.nanoTime();
      assertEquals(-1, answered(client), "a write that failed was acknowledged");
      assertEquals(JOURNAL, gateway.exitCode(Duration.ofSeconds(10)), gateway::tail);
      System.out.println("FenceTest side=" + side + " ended after ms=" + (System.nanoTime() - asked) / 1_000_000);
      assertTrue(gateway.line("[gateway] CRITICAL: journal failed, the node is fenced").isPresent(), gateway::tail);
    }
    try (var gateway = GatewayProcess.on(data).start().awaitReady(); var client = gateway.client()) {
      var run = client.submit("main", "hello", KEY).text("runId");
      assertEquals("completed", client.awaitEnd(run).path("status").asText());
      assertEquals(1, client.counts().path("accepted").asInt(), "one key, one run, whatever the disk had");
      assertEquals(List.of(run), client.rows().stream().map(row -> row.path("lastRunId").asText()).toList());
    }
  }

  /** The status, or -1 when the connection ended without one. */
  private static int answered(Client client) {
    try {
      int status = client.submit("main", "hello", KEY).status();
      return status >= 500 ? -1 : status;
    } catch (RuntimeException | AssertionError gone) {
      return -1;
    }
  }
}
