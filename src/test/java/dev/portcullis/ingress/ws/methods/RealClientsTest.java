package dev.portcullis.ingress.ws.methods;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.ingress.IngressRig;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.Usage;
import dev.portcullis.session.SessionKey;
import dev.portcullis.session.Sessions;
import java.nio.file.Path;
import java.util.List;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** OpenClaw's own command line and terminal UI, as they come from npm, against our port. */
class RealClientsTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final SessionKey MAIN = new SessionKey("agent:main:main");

  @TempDir Path directory;
  private IngressRig rig;
  private OpenClaw client;

  @BeforeEach void open() throws Exception {
    rig = new IngressRig(KIT.system(), directory.resolve("data"));
    client = OpenClaw.at(directory, rig.ingress.address().getPort(), rig.token.reveal());
  }

  @AfterEach void close() throws Exception {
    if (client != null) {
      client.close();
    }
    rig.close();
  }

  @AfterAll static void stop() {
    KIT.shutdownTestKit();
  }

  private String last() {
    return rig.sessions.runIds().getLast();
  }

  private void awaitTurns(int many) throws InterruptedException {
    OpenClaw.await(() -> rig.sessions.submitted().size() == many, () -> rig.sessions.submitted().toString());
  }

  @Test void theCommandLineSendsATurnToAnAgentAndPrintsItsAnswer() throws Exception {
    assertEquals("echo: how are you", client.run("agent", "--agent", "main", "--message", "how are you").strip());
    assertEquals("how are you", rig.sessions.submitted().getFirst().message());
  }

  @Test void theCommandLineSeesThatTheGatewayIsWell() throws Exception {
    var health = IngressRig.json(client.run("health", "--json"));

    assertTrue(health.path("ok").asBoolean());
    assertEquals("main", health.path("defaultAgentId").asText());
  }

  @Test void theCommandLineReadsTheTranscriptOfASession() throws Exception {
    rig.sessions.submit(new Sessions.Turn(MAIN, "owner", "before", List.of(), List.of()));

    var shown = client.run("gateway", "call", "chat.history", "--json", "--params", "{\"sessionKey\":\"main\"}");
    assertTrue(shown.contains("echo: before"), shown);
  }

  @Test void theTerminalUiShowsHistoryStreamsAnAnswerAndAborts() throws Exception {
    rig.sessions.submit(new Sessions.Turn(MAIN, "owner", "before", List.of(), List.of()));
    client.open("tui", "--url", "ws://127.0.0.1:" + rig.ingress.address().getPort(),
        "--token", rig.token.reveal());
    client.awaitScreen(shown -> shown.contains("echo: before") && shown.contains("idle"));

    rig.sessions.script(new RunEvent.Started(1, "echo"));
    client.type("tell me");
    awaitTurns(2);
    rig.sessions.play(last(), new RunEvent.Text(1, "the first half"));
    client.awaitScreen(shown -> shown.contains("the first half") && shown.contains("streaming"));
    rig.sessions.play(last(), new RunEvent.Text(1, " and the second"),
        new RunEvent.Completed("end_turn", Usage.NONE));
    client.awaitScreen(shown -> shown.contains("the first half and the second") && shown.contains("idle"));

    client.type("go on for ever");
    awaitTurns(3);
    rig.sessions.play(last(), new RunEvent.Text(1, "on and on"));
    client.awaitScreen(shown -> shown.contains("on and on"));
    client.escape();
    client.awaitScreen(shown -> shown.contains("run aborted"));
    assertTrue(rig.sessions.asked().contains("abort " + last() + " owner"), rig.sessions.asked().toString());
  }
}
