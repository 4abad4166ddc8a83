package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Retention and erasure of a whole gateway, seen through its API and in its files. */
class RetentionTest {
  private static final String SECRET = "the-secret-of-a-user";

  @TempDir Path directory;

  private GatewayProcess.Launch launch(String transcripts, String runs) {
    return GatewayProcess.on(directory.resolve("data"))
        .set("portcullis.retention.transcripts", transcripts)
        .set("portcullis.retention.runs", runs)
        .set("portcullis.retention.interval", "200ms");
  }

  private boolean inFiles(String text) {
    try (var files = Files.walk(directory.resolve("data/journal"))) {
      return files.filter(Files::isRegularFile).anyMatch(file -> holds(file, text));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean holds(Path file, String text) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).contains(text);
    } catch (NoSuchFileException compacted) {
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void anOldRunIsShownWithoutItsTextsAndLaterNotAtAll() {
    String run;
    try (var gateway = launch("1s", "forever").start().awaitReady(); var client = gateway.client()) {
      run = client.submit("s", SECRET).text("runId");
      var whole = client.awaitEnd(run);
      assertFalse(whole.path("trimmed").asBoolean());
      var left = Await.value("the trimmed run", GatewayProcess.PATIENCE, () ->
          Optional.of(client.run(run)).filter(view -> view.path("trimmed").asBoolean()));
      assertEquals("completed", left.path("status").asText());
      assertEquals("", left.path("text").asText());
      assertEquals(whole.path("endedAt"), left.path("endedAt"));
      assertEquals(0, client.get("/api/v1/sessions/s/history").json().path("data").size());
      var events = client.events(run);
      assertEquals(2, events.size());
      assertEquals("trimmed", events.getFirst().path("reason").asText());
      assertEquals(whole.path("lastSeq"), events.getFirst().path("next"));
      assertEquals(whole.path("lastSeq"), events.getLast().path("seq"));
      assertEquals("completed", events.getLast().path("type").asText());
      // Who has seen all but the end misses nothing.
      assertEquals(1, client.events(run, whole.path("lastSeq").asLong() - 1).size());
      assertEquals(409, client.post("/api/v1/runs/" + run + "/abort").status());
      assertEquals(1, client.row("s").path("accepted").asInt());
      gateway.kill9();
    }
    try (var gateway = launch("1s", "1s").start().awaitReady(); var client = gateway.client()) {
      Await.until("the run is forgotten", GatewayProcess.PATIENCE, () ->
          client.get("/api/v1/runs/" + run).status() == 404);
      assertEquals("completed", client.awaitEnd(client.submit("s", "another").text("runId")).path("status").asText());
    }
  }

  @Test
  void anErasedSessionIsInNoFileSoonAfterwardsAlsoWhenAKillComesBetween() {
    try (var gateway = launch("forever", "forever").start().awaitReady(); var client = gateway.client()) {
      client.awaitEnd(client.submit("s", SECRET, "key").text("runId"));
      assertTrue(inFiles(SECRET));
      assertEquals(200, client.delete("/api/v1/sessions/s").status());
      gateway.kill9();
    }
    try (var gateway = launch("forever", "forever").start().awaitReady(); var client = gateway.client()) {
      Await.until("the secret is gone", GatewayProcess.PATIENCE, () -> !inFiles(SECRET));
      assertEquals(404, client.get("/api/v1/sessions/s").status());
      assertEquals(200, client.get("/api/v1/status").status());
    }
  }
}
