package dev.portcullis.harness;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The stand-in keeps to the shapes that were recorded of the real ones; adapters are tested against it. */
class SimulatorTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path directory;

  /** What it says to these lines, up to the first message that holds {@code last}. */
  private List<JsonNode> talk(String dialect, List<String> lines, String last) throws IOException, InterruptedException {
    var command = new ArrayList<>(List.of(Simulator.java()));
    command.addAll(Simulator.arguments(dialect));
    var builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
    builder.environment().put("SIM_STORE", directory.toString());
    builder.environment().put("SIM_LEDGER", directory.resolve("ledger").toString());
    var process = builder.start();
    var said = new ArrayList<JsonNode>();
    var thread = "";
    try (var in = process.outputWriter(); var out = process.inputReader()) {
      for (var line : lines) {
        in.write(line.replace("THREAD", thread) + "\n");
        in.flush();
        if (line.contains("thread/start")) { // Its answer names what the next lines are about.
          said.add(JSON.readTree(out.readLine()));
          thread = said.getLast().path("result").path("thread").path("id").asText();
        }
      }
      do {
        said.add(JSON.readTree(out.readLine()));
      } while (!said.getLast().toString().contains(last));
      return said;
    } finally {
      process.destroyForcibly().waitFor();
    }
  }

  @Test
  void claudeCodeStreamsItsAnswerAndRepeatsItWholeInItsResult() throws Exception {
    var said = talk("claude", List.of(
        "{\"type\":\"control_request\",\"request_id\":\"i\",\"request\":{\"subtype\":\"initialize\"}}",
        "{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
            + "\"[[sim effect pay; stream 3]]\"}]}}"), "\"type\":\"result\"");
    assertEquals("i", said.getFirst().path("response").path("request_id").asText());
    var pieces = said.stream().map(line -> line.path("event").path("delta").path("text").asText()).toList();
    assertEquals("w0 w1 w2 ", String.join("", pieces));
    assertEquals("w0 w1 w2 ", said.getLast().path("result").asText());
    assertEquals(1, said.stream().map(line -> line.path("session_id").asText()).filter(id -> !id.isEmpty())
        .distinct().count());
    var session = said.getLast().path("session_id").asText();
    assertEquals(List.of(session + " 1 effect-pay pay"), Files.readAllLines(directory.resolve("ledger")));
  }

  @Test
  void claudeCodeAsksForPermissionAndHearsTheAnswer() throws Exception {
    var said = talk("claude", List.of(
        "{\"type\":\"user\",\"message\":{\"content\":[{\"text\":\"[[sim permission]]\"}]}}",
        "{\"type\":\"control_response\",\"response\":{\"request_id\":\"sim-0\",\"response\":{\"behavior\":\"deny\"}}}"),
        "\"type\":\"result\"");
    assertTrue(said.stream().anyMatch(line -> line.path("request").path("subtype").asText().equals("can_use_tool")));
    assertEquals("chosen deny", said.getLast().path("result").asText());
  }

  @Test
  void codexStreamsItsAnswerAndCompletesTheTurnThatWasStarted() throws Exception {
    var said = talk("codex", List.of(
        "{\"id\":1,\"method\":\"thread/start\",\"params\":{}}",
        "{\"id\":2,\"method\":\"turn/start\",\"params\":{\"threadId\":\"THREAD\",\"input\":[{\"type\":\"text\",\"text\":"
            + "\"[[sim stream 3]]\"}]}}"), "\"turn/completed\"");
    var started = said.stream().filter(line -> line.path("id").asInt() == 2).findFirst().orElseThrow();
    var turn = started.path("result").path("turn").path("id").asText();
    var pieces = said.stream().map(line -> line.path("params").path("delta").asText()).toList();
    assertEquals("w0 w1 w2 ", String.join("", pieces));
    assertEquals(turn, said.getLast().path("params").path("turn").path("id").asText());
    assertEquals("completed", said.getLast().path("params").path("turn").path("status").asText());
    assertTrue(said.stream().noneMatch(line -> line.has("jsonrpc")), "its messages have no such member");
  }
}
