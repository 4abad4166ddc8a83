package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One agent says more than anybody can write down; everybody else goes on, and it can still be stopped. */
class AgentFloodTest {
  @TempDir Path directory;
  private GatewayProcess gateway;

  private Path store() {
    return directory.resolve("store");
  }

  @BeforeEach
  void start() throws IOException {
    Files.createDirectory(store());
    gateway = HarnessUnderTest.simulator(store()).settings().apply(GatewayProcess.on(directory.resolve("data"))
        .set("portcullis.run.output-chars", "1000000000")
        .set("portcullis.run.abort-grace", "3s")
        .set("portcullis.run.idle-deadline", "4s")).start().awaitReady();
  }

  @AfterEach
  void leaveNothing() {
    gateway.close();
    Await.until("the agents to be gone", Duration.ofSeconds(10), () -> Agents.of(store()).isEmpty());
  }

  private long residentKib() {
    try {
      return Files.readAllLines(Path.of("/proc/" + gateway.pid() + "/status")).stream()
          .filter(line -> line.startsWith("VmHWM:")).mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
          .findFirst().orElseThrow();
    } catch (IOException e) {
      throw new AssertionError("the gateway has ended" + gateway.tail(), e);
    }
  }

  @Test
  @Tag("H-5")
  @Tag("SEC-44")
  void anAgentThatFloodsItsRunStopsNobodyElseAndCanBeAborted() {
    try (var client = gateway.client()) {
      assertEquals("completed", client.awaitEnd(client.submit("other", "hello").text("runId")).path("status").asText());
      var flood = client.submit("flood", "[[sim torrent 1000000 1000]]").text("runId"); // A gigabyte of text.
      client.eventsUntil(flood, "text");
      for (int i = 0; i < 20; i++) {
        var other = client.awaitEnd(client.submit("other", "hello again").text("runId"));
        assertEquals("completed", other.path("status").asText());
      }
      assertEquals("running", client.run(flood).path("status").asText());
      assertTrue(residentKib() < 600 * 1024, () -> "resident: " + residentKib() + " KiB");
      var asked = System.nanoTime();
      client.post("/api/v1/runs/" + flood + "/abort");
      assertEquals("aborted", client.awaitEnd(flood).path("status").asText());
      var took = Duration.ofNanos(System.nanoTime() - asked);
      assertTrue(took.toSeconds() < 10, () -> "aborted after " + took);
    }
  }

  @Test
  @Tag("H-3")
  void anAgentThatHangsPastItsDeadlineFailsTheRunAndIsGoneWithinTheGrace() {
    try (var client = gateway.client()) {
      var run = client.awaitEnd(client.submit("hang", "[[sim ignore-term; deaf]]").text("runId"));
      assertEquals("failed", run.path("status").asText());
      assertEquals("harness_timeout", run.path("error").path("code").asText());
      Await.until("the agent to be gone", Duration.ofSeconds(5), () -> Agents.of(store()).stream()
          .noneMatch(AgentFloodTest::ignored));
    }
  }

  /** Whether the process ignores SIGTERM, as the one that was told to hang does. */
  private static boolean ignored(long pid) {
    try {
      return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
          .filter(line -> line.startsWith("SigIgn:"))
          .anyMatch(line -> (Long.parseUnsignedLong(line.split("\\s+")[1], 16) & 1 << 14) != 0);
    } catch (IOException gone) {
      return false;
    }
  }
}
