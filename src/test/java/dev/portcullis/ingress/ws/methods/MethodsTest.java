package dev.portcullis.ingress.ws.methods;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.IngressRig;
import dev.portcullis.ingress.RecordedSessions;
import dev.portcullis.ingress.ws.WsClient;
import dev.portcullis.protocol.RunError;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.session.Gate;
import dev.portcullis.session.Receipt;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The methods of the gateway protocol over a real socket. */
class MethodsTest {
  private static final ActorTestKit KIT = ActorTestKit.create();

  @TempDir Path data;
  private IngressRig rig;
  private WsClient client;

  @BeforeEach void open() throws Exception {
    rig = new IngressRig(KIT.system(), data.resolve("d"));
    client = WsClient.login(port(), rig.token.reveal(),
        "operator.read", "operator.write", "operator.approvals", "operator.admin");
  }

  @AfterEach void close() {
    client.close();
    rig.close();
  }

  @AfterAll static void stop() {
    KIT.shutdownTestKit();
  }

  private int port() {
    return rig.ingress.address().getPort();
  }

  private static ObjectNode json(String text) {
    return (ObjectNode) IngressRig.json(text.replace('\'', '"'));
  }

  private JsonNode done(String method, String params) throws InterruptedException {
    var answer = client.call(method, json(params));
    assertTrue(answer.path("ok").asBoolean(), answer.toString());
    return answer.path("payload");
  }

  private JsonNode refused(String method, String params) throws InterruptedException {
    var answer = client.call(method, json(params));
    assertFalse(answer.path("ok").asBoolean(), answer.toString());
    return answer.path("error");
  }

  private void send(String key, String message) throws InterruptedException {
    done("chat.send", "{'sessionKey':'main','message':'" + message + "','idempotencyKey':'" + key + "'}");
  }

  @Test void aMessageIsTakenUnderTheIdThatItsClientChose() throws Exception {
    var answer = done("chat.send", "{'sessionKey':'main','message':'hi','idempotencyKey':'k-1','deliver':false}");

    assertEquals("k-1", answer.path("runId").asText());
    assertEquals("started", answer.path("status").asText());
    assertEquals("agent:main:main", rig.sessions.submitted().getFirst().session().text());
  }

  @Test void theSameKeyFindsTheSameRunAndSaysHowItStands() throws Exception {
    send("k-1", "hi");
    assertEquals("ok",
        done("chat.send", "{'sessionKey':'main','message':'hi','idempotencyKey':'k-1'}").path("status").asText());

    rig.sessions.script(new RunEvent.Started(1, "echo"));
    send("k-2", "hi");
    assertEquals("in_flight",
        done("chat.send", "{'sessionKey':'main','message':'hi','idempotencyKey':'k-2'}").path("status").asText());
    assertEquals(2, rig.sessions.submitted().size());
  }

  @Test void aKeyThatStandsForAnotherMessageIsRefused() throws Exception {
    send("k-1", "hi");

    var error = refused("chat.send", "{'sessionKey':'main','message':'other','idempotencyKey':'k-1'}");
    assertEquals("INVALID_REQUEST", error.path("code").asText());
    assertEquals("chat-request-conflict", error.path("details").path("reason").asText());
    assertEquals("chat-request-conflict", refused("chat.send",
        "{'sessionKey':'agent:main:elsewhere','message':'hi','idempotencyKey':'k-1'}")
        .path("details").path("reason").asText());
  }

  @Test void theKeysOfTwoPrincipalsAreTwoRuns() throws Exception {
    send("k-1", "hi");
    try (var other = WsClient.login(port(), "token-of-all", "operator.write")) {
      var answer = other.call("chat.send",
          json("{'sessionKey':'main','message':'something else','idempotencyKey':'k-1'}"));
      assertEquals("started", answer.path("payload").path("status").asText(), answer.toString());
    }
    assertEquals(2, rig.sessions.submitted().size());
  }

  @Test void aParameterThatIsUnknownOrOfTheWrongTypeIsRefusedByName() throws Exception {
    assertTrue(refused("chat.send", "{'sessionKey':'main','message':'hi','idempotencyKey':'k','extra':1}")
        .path("message").asText().startsWith("invalid chat.send params: \"extra\""));
    assertTrue(refused("sessions.list", "{'limit':'ten'}").path("message").asText()
        .startsWith("invalid sessions.list params: \"limit\""));
    assertTrue(refused("sessions.list", "{'limit':1.5}").path("message").asText().contains("whole number"));
  }

  @Test void whatTheAgentsCannotTakeIsRefusedAndNotPassedOver() throws Exception {
    assertTrue(refused("chat.send",
        "{'sessionKey':'main','message':'hi','idempotencyKey':'k','attachments':[{'type':'image'}]}")
        .path("message").asText().contains("attachments"));
    assertEquals(List.of(), rig.sessions.submitted());
  }

  @Test void whoMayOnlyReadSendsNothing() throws Exception {
    try (var reader = WsClient.login(port(), "token-of-read", "operator.read", "operator.write")) {
      var answer = reader.call("chat.send", json("{'sessionKey':'main','message':'hi','idempotencyKey':'k'}"));
      assertEquals("missing scope: operator.write", answer.path("error").path("message").asText());
      assertTrue(reader.call("sessions.list", json("{}")).path("ok").asBoolean());
    }
  }

  @Test void whenNoWorkIsTakenTheClientIsToldToComeBack() throws Exception {
    rig.sessions.refuse(new Receipt.Closed(Gate.State.DRAINING));

    var error = refused("chat.send", "{'sessionKey':'main','message':'hi','idempotencyKey':'k'}");
    assertEquals("UNAVAILABLE", error.path("code").asText());
    assertTrue(error.path("retryable").asBoolean());
  }

  @Test void aTranscriptHasMessagesWithTheIdsThatTheirEventsHad() throws Exception {
    done("sessions.messages.subscribe", "{'key':'main'}");
    client.ask("chat.send", json("{'sessionKey':'main','message':'hi','idempotencyKey':'k-1'}"));
    var asked = client.event("session.message").path("payload");
    var answered = client.event("session.message").path("payload");

    var history = done("chat.history", "{'sessionKey':'main','limit':200}");
    var messages = history.path("messages");
    assertEquals(2, messages.size());
    assertEquals("k-1:user", messages.path(0).path("idempotencyKey").asText());
    assertEquals(asked.path("messageId"), messages.path(0).path("__openclaw").path("id"));
    assertEquals(answered.path("messageId"), messages.path(1).path("__openclaw").path("id"));
    assertEquals("echo: hi", messages.path(1).path("content").path(0).path("text").asText());
    assertEquals(0, history.path("pendingInputs").path("total").asInt(-1));
  }

  @Test void aSessionThatWasNeverUsedHasAnEmptyTranscript() throws Exception {
    var history = done("chat.history", "{'sessionKey':'agent:main:never','inputRunIds':['x']}");

    assertEquals(0, history.path("messages").size());
    assertFalse(history.has("sessionId"));
    assertTrue(history.path("inputReceipts").isArray());
  }

  @Test void olderMessagesAreReadByTheirDistanceFromTheNewest() throws Exception {
    for (int i = 0; i < 5; i++) {
      send("k-" + i, "turn " + i);
    }
    var newest = done("chat.history", "{'sessionKey':'main','limit':2}");
    assertEquals("turn 4", newest.path("messages").path(0).path("content").path(0).path("text").asText());
    assertTrue(newest.path("hasMore").asBoolean());

    var before = done("chat.history", "{'sessionKey':'main','limit':2,'offset':" + newest.path("nextOffset") + "}");
    assertEquals("turn 3", before.path("messages").path(0).path("content").path(0).path("text").asText());
    var last = done("chat.history", "{'sessionKey':'main','limit':200,'offset':8}");
    assertFalse(last.path("hasMore").asBoolean());
    assertEquals(10, last.path("totalMessages").asInt());
  }

  @Test void whoComesLateSeesTheBeginningOfTheAnswerThatIsBeingGiven() throws Exception {
    rig.sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "so far"));
    send("k-1", "hi");

    var now = done("chat.startup", "{'sessionKey':'main'}").path("inFlightRun");
    assertEquals("k-1", now.path("runId").asText());
    assertEquals("so far", now.path("text").asText());
  }

  @Test void anAbortEndsTheActiveRunOfTheSession() throws Exception {
    rig.sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "so far"));
    send("k-1", "hi");

    var answer = done("chat.abort", "{'sessionKey':'main','preserveSideRuns':true}");
    assertEquals("[\"k-1\"]", answer.path("runIds").toString());
    assertTrue(answer.path("aborted").asBoolean());
    assertEquals("timeout",
        done("chat.send", "{'sessionKey':'main','message':'hi','idempotencyKey':'k-1'}").path("status").asText());
  }

  @Test void anAbortOfWhatIsNotThereChangesNothing() throws Exception {
    send("k-1", "hi");

    assertFalse(done("chat.abort", "{'sessionKey':'main','runId':'k-1'}").path("aborted").asBoolean());
    assertFalse(done("chat.abort", "{'sessionKey':'main','runId':'other'}").path("aborted").asBoolean());
    assertEquals("no-active-run", done("sessions.abort", "{'key':'main'}").path("status").asText());
  }

  @Test void anotherPrincipalsActiveRunIsAbortedByTheNameThatItIsShownUnder() throws Exception {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    send("k-1", "hi");
    try (var other = WsClient.login(port(), "token-of-all", "operator.write")) {
      assertTrue(other.call("chat.abort", json("{'sessionKey':'main','runId':'k-1'}"))
          .path("payload").path("aborted").asBoolean());
    }
  }

  @Test void theWordStopAbortsAndIsNoMessage() throws Exception {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    send("k-1", "hi");

    assertTrue(done("chat.send", "{'sessionKey':'main','message':' /stop','idempotencyKey':'k-2'}")
        .path("aborted").asBoolean());
    assertEquals(1, rig.sessions.submitted().size());
  }

  @Test void anAgentAnswersWhenItTakesTheTurnAndWhenItHasEndedIt() throws Exception {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    var id = client.ask("agent", json("{'message':'hi','agentId':'main','idempotencyKey':'a-1','deliver':false}"));
    assertEquals("accepted", client.answer(id).path("payload").path("status").asText());

    rig.sessions.play(rig.sessions.runIds().getFirst(), new RunEvent.Text(1, "done"),
        new RunEvent.Completed("end_turn", dev.portcullis.protocol.Usage.NONE));
    var last = client.answer(id).path("payload");
    assertEquals("ok", last.path("status").asText());
    assertEquals("done", last.path("result").path("payloads").path(0).path("text").asText());
  }

  @Test void anAgentThatFailsSaysWhy() throws Exception {
    rig.sessions.script(new RunEvent.Started(1, "echo"),
        new RunEvent.Failed(new RunError("harness_failed", "It broke.", "ref_1")));
    var id = client.ask("agent", json("{'message':'hi','idempotencyKey':'a-1'}"));

    assertEquals("accepted", client.answer(id).path("payload").path("status").asText());
    assertTrue(client.answer(id).path("error").path("message").asText().contains("It broke. (reference ref_1)"));
    assertEquals("agent:main:explicit:a-1", rig.sessions.submitted().getFirst().session().text());
  }

  @Test void whoWaitsForARunHearsOfItsEndOrThatItHasNotCome() throws Exception {
    send("k-1", "hi");
    assertEquals("ok", done("agent.wait", "{'runId':'k-1'}").path("status").asText());

    rig.sessions.script(new RunEvent.Started(1, "echo"));
    send("k-2", "hi");
    assertEquals("timeout", done("agent.wait", "{'runId':'k-2','timeoutMs':0}").path("status").asText());
    assertTrue(refused("agent.wait", "{'runId':'never'}").path("message").asText().contains("no run"));
  }

  @Test @Tag("INV-A5") void whoSubscribesGetsTheRowsAndThenEveryChange() throws Exception {
    rig.sessions.script(new RunEvent.Started(1, "echo"));
    send("k-1", "hi");
    var list = done("sessions.subscribe", "{'limit':10}").path("list").path("sessions");
    assertEquals("[\"k-1\"]", list.path(0).path("activeRunIds").toString());
    assertEquals("running", list.path(0).path("status").asText());

    client.ask("chat.abort", json("{'sessionKey':'main'}"));
    var row = client.await(frame -> frame.path("event").asText().equals("sessions.changed")
        && !frame.path("payload").path("hasActiveRun").asBoolean(true)).path("payload").path("session");
    assertEquals(0, row.path("activeRunIds").size());
    assertTrue(row.path("rev").asLong() > list.path(0).path("rev").asLong());
  }

  @Test void whoDidNotSubscribeHearsOfRunsAndNotOfRows() throws Exception {
    client.ask("chat.send", json("{'sessionKey':'main','message':'hi','idempotencyKey':'k-1'}"));

    var seen = new java.util.ArrayList<String>();
    client.await(frame -> {
      seen.add(frame.path("event").asText());
      return frame.path("payload").path("state").asText().equals("final");
    });
    assertFalse(seen.contains("sessions.changed"), seen.toString());
    assertFalse(seen.contains("session.message"), seen.toString());
  }

  @Test void sessionsAreListedAsTheyAreAskedFor() throws Exception {
    send("k-1", "hi");
    done("chat.send", "{'sessionKey':'agent:second:main','message':'yo','idempotencyKey':'k-2'}");

    assertEquals(2, done("sessions.list", "{}").path("totalCount").asInt());
    var second = done("sessions.list", "{'agentId':'second'}").path("sessions");
    assertEquals(List.of("agent:second:main"), StreamSupport.stream(second.spliterator(), false)
        .map(row -> row.path("key").asText()).toList());
    assertEquals(0, done("sessions.list", "{'spawnedBy':'agent:main:main'}").path("count").asInt());
    assertEquals(0, done("sessions.list", "{'archived':true}").path("count").asInt());
    var first = done("sessions.list", "{'limit':1}");
    assertTrue(first.path("hasMore").asBoolean());
    assertEquals(1, first.path("nextOffset").asInt());
    assertEquals("UNKNOWN_AGENT_ID",
        refused("sessions.list", "{'agentId':'nobody'}").path("details").path("code").asText());
  }

  @Test void aSessionIsDescribedFoundAndPreviewed() throws Exception {
    send("k-1", "hi");
    var row = done("sessions.describe", "{'key':'main'}").path("session");
    assertEquals("agent:main:main", row.path("key").asText());
    assertTrue(done("sessions.describe", "{'key':'agent:main:never'}").path("session").isNull());
    assertEquals("agent:main:main", done("sessions.resolve",
        "{'sessionId':'" + row.path("sessionId").asText() + "'}").path("key").asText());
    assertTrue(refused("sessions.resolve", "{'key':'agent:main:never'}").path("message").asText()
        .contains("No session found"));
    var previews = done("sessions.preview", "{'keys':['main','agent:main:never']}").path("previews");
    assertEquals("ok", previews.path(0).path("status").asText());
    assertEquals("missing", previews.path(1).path("status").asText());
    assertEquals(2, done("sessions.get", "{'key':'main'}").path("messages").size());
  }

  @Test void aNewSessionIsANameUntilItsFirstTurn() throws Exception {
    var created = done("sessions.create", "{}");
    assertTrue(created.path("key").asText().matches("agent:main:dashboard:[0-9a-f-]{36}"));
    assertEquals(List.of(), rig.sessions.submitted());
    assertTrue(refused("sessions.send",
        "{'key':'" + created.path("key").asText() + "','message':'hi','idempotencyKey':'k'}")
        .path("message").asText().contains("no session"));

    assertTrue(done("sessions.create", "{'message':'begin'}").path("runStarted").asBoolean());
    assertEquals(1, rig.sessions.submitted().size());
  }

  @Test void aMainSessionIsResetAndNotDeleted() throws Exception {
    send("k-1", "hi");

    assertTrue(refused("sessions.delete", "{'key':'main'}").path("message").asText().contains("reset"));
    assertEquals("session-changed", refused("sessions.reset", "{'key':'main','expectedSessionId':'other'}")
        .path("details").path("reason").asText());
    assertTrue(done("sessions.reset", "{'key':'main','reason':'new'}").path("ok").asBoolean());
  }

  @Test void aQuestionOfAnAgentIsListedAndAnsweredOnce() throws Exception {
    rig.sessions.script(new RunEvent.Started(1, "echo"), RecordedSessions.asked("ask-1"));
    send("k-1", "hi");
    var asked = done("plugin.approval.list", "{}").path(0);
    assertEquals("k-1", asked.path("request").path("runId").asText());

    assertTrue(refused("plugin.approval.resolve", "{'id':'ask-1','decision':'allow-always'}")
        .path("message").asText().contains("allow-once"));
    assertTrue(done("plugin.approval.resolve", "{'id':'ask-1','decision':'allow-once','digest':'"
        + asked.path("request").path("digest").asText() + "'}").path("ok").asBoolean());
    assertEquals("approval_decided",
        refused("plugin.approval.resolve", "{'id':'ask-1','decision':'deny'}").path("details").path("reason")
            .asText());
  }

  @Test void everythingThatIsAdvertisedAnswersWithoutABug() throws Exception {
    send("k-1", "hi");
    for (var method : List.of("health", "status", "system-presence", "config.get", "models.list",
        "commands.list", "tools.catalog", "channels.status", "cron.list", "cron.status", "tasks.list",
        "taskSuggestions.list", "question.list", "node.list", "agents.list", "agent.identity.get",
        "exec.approval.list", "openclaw.approval.list", "chat.metadata", "sessions.list")) {
      done(method, "{}");
    }
    assertEquals("echo/echo",
        done("agents.list", "{}").path("agents").path(0).path("model").path("primary").asText());
  }

  /** As the browser UI was seen to ask; one refusal of these is repeated by it for ever. */
  @Test void whatTheBrowserUiAsksAtItsStartIsAnswered() throws Exception {
    send("k-1", "hi");
    done("sessions.list", "{'includeGlobal':false,'includeUnknown':false,'configuredAgentsOnly':true,"
        + "'limit':10000,'spawnedBy':'agent:main:main'}");
    done("sessions.list", "{'includeGlobal':true,'includeUnknown':true,'configuredAgentsOnly':true,'limit':200,"
        + "'includeDerivedTitles':true,'includeLastMessage':true,'agentId':'main'}");
    done("cron.list", "{'agentId':'main','includeDisabled':true,'includeDeliveryPreviews':false,'compact':true,"
        + "'limit':50,'offset':0,'enabled':'all','sortBy':'nextRunAtMs','sortDir':'asc'}");
    done("tasks.list", "{'sessionKey':'agent:main:main','agentId':'main',"
        + "'status':['completed','failed','timed_out','cancelled'],'sortBy':'endedAt','limit':100}");
    done("models.list", "{'view':'configured','sessionKey':'agent:main:main','agentId':'main'}");
    done("chat.startup", "{'sessionKey':'agent:main:main','limit':80,'maxBytes':262144}");
    done("chat.history", "{'sessionKey':'agent:main:main','inputRunIds':['k-1'],'limit':1000}");
    done("sessions.messages.subscribe", "{'key':'agent:main:main','includeApprovals':true}");
    done("chat.metadata", "{'agentId':'main','sessionKey':'agent:main:main'}");
  }

  @Test @Tag("SEC-02") void settingsAreShownWithoutAnySecret() throws Exception {
    var shown = done("config.get", "{}").toString();

    assertFalse(shown.contains(rig.token.reveal()));
    assertFalse(shown.contains("token"), shown);
  }

  /** It is what {@code hello} and the event have, whoever hears them. */
  @Test @Tag("SEC-15") void theHealthThatEverybodyHearsNamesNobodysSession() throws Exception {
    send("k-1", "hi");
    assertTrue(done("health", "{}").toString().contains("agent:main:main"));

    var told = ProtocolMethods.of(rig.edge).health().get().toCompletableFuture().get();

    assertFalse(told.toString().contains("agent:main:main"), told.toString());
    assertEquals(0, told.path("sessions").path("count").asInt(-1));
  }
}
