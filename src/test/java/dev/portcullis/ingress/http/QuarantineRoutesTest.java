package dev.portcullis.ingress.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.ingress.IngressRig;
import dev.portcullis.ingress.RecordedSessions;
import dev.portcullis.journal.IndexEntry;
import dev.portcullis.journal.JournalFault;
import dev.portcullis.journal.MemoryDisk;
import dev.portcullis.journal.StoredEvent;
import dev.portcullis.session.Quarantined;
import dev.portcullis.session.Sessions;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.LogCapturingExtension;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What a client is told of a session with a damaged history. */
@ExtendWith(LogCapturingExtension.class)
class QuarantineRoutesTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final Quarantined ANSWER = new Quarantined("alert-7");

  @TempDir Path data;
  private IngressRig rig;

  @BeforeEach
  void open() {
    rig = new IngressRig(KIT.system(), data.resolve("d"));
  }

  @AfterEach
  void close() {
    rig.close();
  }

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  private static String assertQuarantined(HttpResponse<String> response) {
    IngressRig.assertProblem(503, "session_quarantined", response);
    assertEquals("false", response.headers().firstValue("x-should-retry").orElse(""));
    assertTrue(response.headers().firstValue("retry-after").isEmpty());
    var message = IngressRig.json(response).path("error").path("message").asText();
    assertTrue(message.contains("`portcullis journal repair`"), message);
    return message;
  }

  @Test
  @Tag("INV-J1")
  void aTurnForADamagedSessionIsRefusedWithTheReferenceOfTheAlert() {
    rig.sessions.refuse(ANSWER);
    var message = assertQuarantined(rig.post("/api/v1/sessions/foo/runs", "{\"message\":\"hi\"}"));
    assertTrue(message.contains("alert-7"), message);
  }

  @Test
  @Tag("INV-J1")
  void aChatCompletionForADamagedSessionIsAnErrorBeforeAnyStreamBegins() {
    rig.sessions.refuse(ANSWER);
    for (var stream : List.of("true", "false")) {
      assertQuarantined(rig.post("/v1/chat/completions", """
          {"model": "main", "user": "u", "stream": %s, "messages": [{"role": "user", "content": "hi"}]}"""
          .formatted(stream)));
    }
  }

  @Test
  @Tag("INV-J1")
  void aRunOfADamagedSessionIsNotShown() {
    rig.sessions.fail(new CompletionException(new Sessions.Damaged(ANSWER)));
    assertQuarantined(rig.get("/api/v1/runs/run-1"));
    assertQuarantined(rig.get("/api/v1/runs/run-1/events"));
  }

  @Test
  @Tag("INV-J1")
  void damageThatAViewFindsInTheJournalIsNoBugOfTheGateway() {
    rig.sessions.fail(damage());
    var message = assertQuarantined(rig.get("/api/v1/runs/run-1"));
    assertFalse(message.contains("err_"), message);
  }

  /** As the journal itself throws it. */
  private static JournalFault damage() {
    var disk = new MemoryDisk();
    try (var journal = disk.open(fault -> { })) {
      var event = new StoredEvent("s", 1, 1, "m", new byte[] {1}, RecordedSessions.START, "w");
      journal.append(List.of(event), List.<IndexEntry>of()).toCompletableFuture().join();
      disk.loseEvent("s", 1);
      return assertThrows(JournalFault.class, () -> journal.replay("s", 1, 9, 9, _ -> { }));
    }
  }
}
