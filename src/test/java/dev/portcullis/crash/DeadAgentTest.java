package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Agents that die in the middle of a turn, by a signal and by themselves. */
class DeadAgentTest {
  private static final int AGENTS = 3;

  @TempDir Path directory;

  /** Runs that have said something, one in each agent process. */
  private static List<String> talking(Client client, String message) {
    var runs = Stream.iterate(0, i -> i < AGENTS, i -> i + 1)
        .map(i -> client.submit("s-" + i, message).text("runId"))
        .toList();
    runs.forEach(run -> client.eventsUntil(run, "text"));
    return runs;
  }

  private static Instant failed(Client client, String run) {
    assertEquals("harness_failed", client.awaitEnd(run).path("error").path("code").asText());
    return Instant.parse(client.events(run).getLast().path("at").asText());
  }

  @Test
  @Tag("H-2")
  void theRunOfADeadAgentFailsWithinASecondAndTheNextTurnIsServed() throws IOException {
    var store = Files.createDirectory(directory.resolve("store"));
    var took = new ArrayList<Long>();
    try (var gateway = HarnessUnderTest.simulator(store).settings()
            .apply(GatewayProcess.on(directory.resolve("data"))).start().awaitReady();
        var client = gateway.client()) {
      var hanging = talking(client, "[[sim hang]]");
      var killed = Instant.now();
      Agents.of(store).forEach(pid -> ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly));
      for (var run : hanging) {
        took.add(Duration.between(killed, failed(client, run)).toMillis());
      }
      for (var run : talking(client, "[[sim die]]")) {
        var said = Instant.parse(client.eventsUntil(run, "text").getLast().path("at").asText());
        took.add(Duration.between(said, failed(client, run)).toMillis()); // It waits 50 ms before it exits.
      }
      var answer = client.awaitEnd(client.submit("s-0", "hello").text("runId"));
      assertEquals("completed", answer.path("status").asText(), () -> answer + gateway.tail());
    }
    System.out.println("DeadAgentTest ms_to_failed=" + took);
    assertTrue(took.stream().allMatch(ms -> ms <= 1_000), took::toString);
  }
}
