package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Calls of OpenAI's API whose gateway is killed while they wait. */
class CallKillTest {
  private static final String CHAT = """
      {"model":"main","messages":[{"role":"user","content":"on [[echo words=8 gap=300ms]]"}]}""";

  @TempDir Path directory;

  @Test
  @Tag("C-7")
  @Tag("INV-I7")
  @Tag("INV-I9")
  void equalCallsThatSdksSendAgainAfterAKillAreAnsweredByTheirOwnRuns() throws Exception {
    var data = directory.resolve("data");
    String response;
    List<String> events;
    try (var gateway = GatewayProcess.on(data).start().awaitReady(); var client = gateway.client();
        var users = Executors.newVirtualThreadPerTaskExecutor()) {
      response = client.openAi("/v1/responses", "{\"model\":\"main\",\"input\":\"hello there\"}", 0).text("id");
      events = told(client, response, "");
      assertTrue(events.getLast().contains("response.completed"), events.toString());
      var cut = IntStream.range(0, 2)
          .mapToObj(_ -> users.submit(() -> client.openAi("/v1/chat/completions", CHAT, 0)))
          .toList();
      Await.until("both calls", GatewayProcess.PATIENCE, () -> client.counts().path("accepted").asInt() == 3);
      gateway.kill9();
      for (var call : cut) {
        assertThrows(ExecutionException.class, call::get);
      }
    }
    try (var gateway = GatewayProcess.on(data).start().awaitReady(); var client = gateway.client();
        var users = Executors.newVirtualThreadPerTaskExecutor()) {
      var again = IntStream.range(0, 2)
          .mapToObj(_ -> users.submit(() -> client.openAi("/v1/chat/completions", CHAT, 1)))
          .toList();
      var first = again.get(0).get();
      var second = again.get(1).get();
      assertEquals(List.of(200, 200), List.of(first.status(), second.status()));
      assertNotEquals(first.text("id"), second.text("id"));
      assertEquals(3, client.counts().path("accepted").asInt(), "nothing ran twice");
      assertEquals(events, told(client, response, ""));
      assertEquals(events.subList(events.size() - 1, events.size()),
          told(client, response, "&starting_after=" + (events.size() - 2)));
    }
  }

  /** The data of a response's events, to the byte. */
  private static List<String> told(Client client, String response, String more) {
    try (var lines = client.lines("/v1/responses/" + response + "?stream=true" + more)) {
      return lines.filter(line -> line.startsWith("data: ")).toList();
    }
  }
}
