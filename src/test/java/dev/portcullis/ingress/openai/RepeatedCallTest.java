package dev.portcullis.ingress.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.ingress.IngressRig;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.Usage;
import java.net.http.HttpClient;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Calls that a client sends again by itself, and clients that do not come back. */
class RepeatedCallTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final String CHAT = "/v1/chat/completions";
  private static final String COUNT = "X-Stainless-Retry-Count";
  private static final String ASK = IngressRig.ask("main", "hi", false);

  @TempDir Path data;
  private IngressRig rig;

  @BeforeEach
  void open() {
    rig = new IngressRig(KIT.system(), data.resolve("d"), Duration.ofMillis(100));
  }

  @AfterEach
  void close() {
    rig.close();
  }

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  private int runs() {
    return rig.sessions.submitted().size();
  }

  private static boolean replayed(HttpResponse<String> response) {
    return response.headers().firstValue("idempotent-replayed").isPresent();
  }

  @ParameterizedTest
  @CsvSource({"/v1/chat/completions", "/v1/responses"})
  @Tag("C-7")
  @Tag("INV-I9")
  void anSdkThatTriesAgainIsAnsweredByTheSameRun(String path) {
    var body = path.equals(CHAT) ? ASK : "{\"model\":\"main\",\"input\":\"hi\"}";
    var first = rig.post(path, body, COUNT, "0");
    var second = rig.post(path, " " + body, COUNT, "1");
    var third = rig.post(path, body, COUNT, "2");
    assertEquals(List.of(first.body(), first.body()), List.of(second.body(), third.body()));
    assertEquals(List.of(false, true, true), List.of(replayed(first), replayed(second), replayed(third)));
    assertEquals(1, runs());
  }

  @Test
  @Tag("C-7")
  void twoEqualCallsAreTwoRunsWithTheHeaderAndWithoutIt() {
    for (var count : List.of("0", "0")) {
      rig.post(CHAT, ASK, COUNT, count);
      rig.post(CHAT, ASK);
    }
    assertEquals(4, runs());
    assertEquals(4, rig.sessions.submitted().stream().map(turn -> turn.session()).distinct().count());
  }

  @Test
  @Tag("C-7")
  void eachCountJoinsACallOnce() {
    rig.post(CHAT, ASK, COUNT, "0");
    rig.post(CHAT, ASK, COUNT, "0");
    var again = List.of(rig.post(CHAT, ASK, COUNT, "1"), rig.post(CHAT, ASK, COUNT, "1"));
    assertEquals(2, runs());
    assertEquals(2, again.stream().map(answer -> IngressRig.json(answer).path("id")).distinct().count());
    rig.post(CHAT, ASK, COUNT, "1");
    assertEquals(3, runs(), "a third call whose first sending never arrived");
  }

  @Test
  @Tag("C-7")
  void aFirstSendingThatNeverArrivedIsMadeUpForByTheSecond() {
    var second = rig.post(CHAT, ASK, COUNT, "1");
    assertTrue(!replayed(second));
    assertEquals(second.body(), rig.post(CHAT, ASK, COUNT, "2").body());
    assertEquals(1, runs());
  }

  @Test
  @Tag("C-7")
  @Tag("INV-I9")
  void aRepeatNeverCrossesPrincipalsRoutesOrBodies() {
    var first = IngressRig.json(rig.post(CHAT, ASK, COUNT, "0")).path("id");
    rig.post(CHAT, IngressRig.ask("main", "other", false), COUNT, "1");
    rig.post("/v1/responses", "{\"model\":\"main\",\"input\":\"hi\"}", COUNT, "1");
    var foreign = rig.send(rig.request(CHAT).setHeader("Authorization", "Bearer token-of-write")
        .header(COUNT, "1").POST(BodyPublishers.ofString(ASK)));
    assertNotEquals(first, IngressRig.json(foreign).path("id"));
    assertEquals(4, runs());
  }

  @Test
  @Tag("C-7")
  void aKeyDecidesAndTheCountDoesNot() {
    rig.post(CHAT, ASK, COUNT, "0");
    rig.post(CHAT, ASK, COUNT, "1", "Idempotency-Key", "k");
    rig.post(CHAT, ASK, COUNT, "0", "Idempotency-Key", "k");
    assertEquals(2, runs());
  }

  @Test
  @Tag("C-8")
  void aStreamThatIsSentAgainBeginsAtTheFirstChunkWithTheSameId() {
    rig.sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "one "));
    var ask = IngressRig.ask("main", "hi", true);
    var request = rig.request(CHAT).header(COUNT, "0").POST(BodyPublishers.ofString(ask));
    String role;
    try (var lines = rig.lines(request).body()) {
      role = lines.iterator().next().substring(6);
    }
    var again = CompletableFuture.supplyAsync(() -> rig.post(CHAT, ask, COUNT, "1"));
    rig.sessions.play("run-1", new RunEvent.Text(1, "two"), new RunEvent.Completed("end_turn", Usage.NONE));
    var data = ChatRoutesTest.data(again.join());
    assertEquals(role, data.getFirst());
    assertEquals("[DONE]", data.getLast());
    assertEquals(1, runs());
  }

  // ---- clients that have gone

  private void leave(String path, String body, String... headers) {
    int before = runs();
    var request = rig.request(path).POST(BodyPublishers.ofString(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    try (var client = HttpClient.newHttpClient()) {
      var answer = client.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString());
      while (runs() == before) {
        Thread.onSpinWait();
      }
      answer.cancel(true);
      client.shutdownNow();
    }
  }

  private void awaitAborted(String run) {
    while (rig.sessions.asked().stream().noneMatch(("abort " + run + " client-gone")::equals)) {
      Thread.onSpinWait();
    }
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  @Tag("C-9")
  void aCallThatNobodyCanFindIsAbortedWhenItsClientHasGone(boolean stream) {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    leave(CHAT, IngressRig.ask("main", "hi", stream));
    awaitAborted("run-1");
    leave("/v1/responses", "{\"model\":\"main\",\"input\":\"hi\",\"stream\":" + stream + "}");
    awaitAborted("run-2");
  }

  @Test
  @Tag("C-9")
  void whatCanBeFoundAgainGoesOnWithoutItsClient() {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    leave(CHAT, IngressRig.ask("main", "hi", false, "user", "\"u\""));
    leave(CHAT, ASK, "Idempotency-Key", "k");
    leave("/v1/responses", "{\"model\":\"main\",\"input\":\"hi\",\"conversation\":\"c\"}");
    leave("/v1/responses", "{\"model\":\"main\",\"input\":\"hi\",\"background\":true,\"stream\":true}");
    leave(CHAT, ASK);
    awaitAborted("run-5"); // The last to go: the others had more time.
    assertEquals(List.of("abort run-5 client-gone"), rig.sessions.asked());
  }

  @Test
  @Tag("C-9")
  void aCallThatIsSentAgainIsNotAbortedWithItsFirstSending() {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    var request = rig.request(CHAT).header(COUNT, "0").POST(BodyPublishers.ofString(ASK));
    CompletableFuture<HttpResponse<String>> back;
    try (var client = HttpClient.newHttpClient()) {
      client.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString());
      while (runs() == 0) {
        Thread.onSpinWait();
      }
      back = CompletableFuture.supplyAsync(() -> rig.post(CHAT, ASK, COUNT, "1"));
      while (rig.sessions.claimed() == 0) {
        Thread.onSpinWait();
      }
      client.shutdownNow();
    }
    leave(CHAT, IngressRig.ask("main", "other", false));
    awaitAborted("run-2"); // So the time of the first sending is over too.
    rig.sessions.play("run-1", new RunEvent.Text(1, "late"), new RunEvent.Completed("end_turn", Usage.NONE));
    assertEquals("late", IngressRig.json(back.join()).at("/choices/0/message/content").asText());
    assertEquals(List.of("abort run-2 client-gone"), rig.sessions.asked());
  }
}
