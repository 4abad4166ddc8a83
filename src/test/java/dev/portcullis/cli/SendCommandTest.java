package dev.portcullis.cli;

import static dev.portcullis.cli.StubGateway.frame;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.portcullis.cli.StubGateway.Answer;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class SendCommandTest {
  private static final String SUBMIT = "POST /api/v1/sessions/agent%3Amain%3Amain/runs";
  private static final String RECEIPT =
      "{\"runId\":\"run-1\",\"sessionKey\":\"agent:main:main\",\"status\":\"starting\",\"position\":0}";
  private static final String EVENTS = "GET /api/v1/runs/run-1/events?after=";
  private static final String ACCEPTED = frame(1, "accepted", "{\"seq\":1}");
  private static final String HELLO = frame(2, "text", "{\"seq\":2,\"attempt\":1,\"text\":\"echo: \"}");
  private static final String WORLD = frame(3, "text", "{\"seq\":3,\"attempt\":1,\"text\":\"hello\"}");
  private static final String COMPLETED = frame(4, "completed", "{\"seq\":4}");

  private final Shell shell = new Shell();
  private StubGateway gateway;

  @BeforeEach void start() throws Exception {
    gateway = new StubGateway()
        .on("GET /api/v1/status", 200, "{\"defaultAgent\":\"main\"}")
        .on(SUBMIT, 202, RECEIPT)
        .on(EVENTS + "0", Answer.events(": hello\n\n", ACCEPTED, HELLO, WORLD, COMPLETED));
  }

  @AfterEach void stop() {
    gateway.close();
  }

  private int send(String... more) {
    return shell.run(Stream.concat(
        Stream.of("send", "--url", gateway.url(), "--token", StubGateway.TOKEN), Stream.of(more))
            .toArray(String[]::new));
  }

  @Test void theAnswerIsPrintedAndEndsWithALineBreak() throws Exception {
    assertEquals(0, send("hello"), shell.err());

    assertEquals("echo: hello\n", shell.out());
    assertEquals("", shell.err());
    var body = new JsonMapper().readTree(gateway.requests().get(1).body());
    assertEquals("hello", body.path("message").asText());
    assertTrue(body.path("idempotencyKey").asText().matches("cli-[0-9a-f]{32}"));
    assertFalse(body.has("agent"));
  }

  @Test void agentSessionAndKeyAreSentAsGiven() throws Exception {
    gateway.on("POST /api/v1/sessions/agent%3Aops%3Aexplicit%3Aa%2Fb%20c/runs", 202, RECEIPT);

    assertEquals(0, send("--agent", "ops", "--session", "agent:ops:explicit:a/b c", "--key", "k-1", "hello"));

    var body = new JsonMapper().readTree(gateway.requests().getFirst().body());
    assertEquals("ops", body.path("agent").asText());
    assertEquals("k-1", body.path("idempotencyKey").asText());
  }

  @Test void aDashReadsTheMessageFromStandardInput() throws Exception {
    shell.input = "line one\nline two";

    assertEquals(0, send("-"));

    assertEquals("line one\nline two",
        new JsonMapper().readTree(gateway.requests().get(1).body()).path("message").asText());
  }

  @Test void jsonPrintsOneEventPerLine() {
    assertEquals(0, send("--json", "hello"));

    assertEquals(4, shell.out().lines().count());
    assertTrue(shell.out().startsWith("{\"seq\":1}\n"));
  }

  @Test void aStreamThatBreaksIsReadOnFromWhereItBroke() {
    gateway.on(EVENTS + "0", Answer.events(ACCEPTED, HELLO))
        .on(EVENTS + "2", Answer.broken(),
            Answer.json(503, "{\"error\":{\"message\":\"Draining.\",\"code\":\"draining\"}}"),
            Answer.events(WORLD, COMPLETED));

    assertEquals(0, send("hello"), shell.err());

    assertEquals("echo: hello\n", shell.out());
    assertEquals("[the connection is gone; waiting for the gateway to come back]\n", shell.err());
  }

  @Test void aGatewayThatDoesNotComeBackIsGivenUp() {
    shell.withTimePassing();
    gateway.on(EVENTS + "0", Answer.broken());

    assertEquals(75, send("hello"));

    assertTrue(shell.err().contains("broke; try again."), shell.err());
  }

  @Test void aSubmissionIsRepeatedWithTheSameKeyUntilItIsAnswered() throws Exception {
    gateway.on(SUBMIT, Answer.broken(),
        Answer.json(503, "{\"error\":{\"message\":\"Not ready.\",\"code\":\"not_ready\"}}")
            .with("retry-after", "0"),
        Answer.json(202, RECEIPT));

    assertEquals(0, send("hello"), shell.err());

    var keys = gateway.requests().stream()
        .filter(request -> request.line().equals(SUBMIT))
        .map(request -> request.body().replaceAll(".*\"idempotencyKey\":\"([^\"]+)\".*", "$1"))
        .toList();
    assertEquals(3, keys.size());
    assertEquals(1, keys.stream().distinct().count());
    assertEquals("[the gateway does not take messages now; trying again]\n", shell.err());
  }

  @Test void aWaitThatTheGatewayAsksForAndNobodyHasEndsTheCommand() {
    gateway.on(SUBMIT,
        Answer.json(503, "{\"error\":{\"message\":\"Draining.\",\"code\":\"draining\"}}")
            .with("retry-after", "600"));

    assertEquals(75, send("hello"));

    assertEquals("Draining (draining); try again in 600 seconds.\n", shell.err());
  }

  @Test void aSessionInQuarantineIsNotAskedAgain() {
    gateway.on(SUBMIT,
        Answer.json(503, "{\"error\":{\"message\":\"Damaged.\",\"code\":\"session_quarantined\"}}")
            .with("x-should-retry", "false"));

    assertEquals(1, send("hello"));

    assertEquals("Damaged (session_quarantined).\n", shell.err());
    assertEquals(1, gateway.requests().stream().filter(request -> request.line().equals(SUBMIT)).count());
  }

  @Test void aFailedRunSaysWhyAndExitsWithOne() {
    gateway.on(EVENTS + "0", Answer.events(ACCEPTED, HELLO, frame(3, "failed", """
        {"error":{"code":"harness_unavailable","message":"The gateway needs its operator.",
         "reference":"alert-x"}}""".replace("\n", ""))));

    assertEquals(1, send("hello"));

    assertEquals("echo: \n", shell.out());
    assertEquals("The run failed: The gateway needs its operator (harness_unavailable, reference alert-x).\n",
        shell.err());
  }

  @Test void anAbortedRunExitsWithOne() {
    gateway.on(EVENTS + "0", Answer.events(ACCEPTED, frame(2, "aborted", "{\"by\":\"api\"}")));

    assertEquals(1, send("hello"));

    assertEquals("The run was aborted.\n", shell.err());
  }

  @Test void aParkedRunSaysHowToGoOn() {
    gateway.on(EVENTS + "0", Answer.events(ACCEPTED, frame(2, "parked", "{\"reason\":\"crash_loop\"}")));

    assertEquals(1, send("hello"));

    assertEquals("The run waits for you (crash_loop); resume it with `portcullis runs resume run-1`.\n",
        shell.err());
  }

  @Test void anAnswerThatBeginsAgainAfterACrashSaysSo() {
    gateway.on(EVENTS + "0", Answer.events(ACCEPTED, HELLO, frame(3, "interrupted", "{\"cause\":\"crash\"}"),
        frame(4, "resumed", "{\"attempt\":2}"), frame(5, "text", "{\"attempt\":2,\"text\":\"echo: hello\"}"),
            COMPLETED));

    assertEquals(0, send("hello"));

    assertEquals("echo: \necho: hello\n", shell.out());
    assertEquals("[interrupted: crash]\n[resumed]\n", shell.err());
  }

  @Test void anAnswerOfAnotherHarnessSaysWhichAndWhy() {
    gateway.on(EVENTS + "0", Answer.events(ACCEPTED, frame(2, "started", "{\"attempt\":1,\"harness\":\"echo\"}"),
        frame(3, "interrupted", "{\"cause\":\"failover\",\"code\":\"overloaded\",\"uncertain\":[]}"),
        frame(4, "resumed", "{\"attempt\":2,\"harness\":\"spare\",\"cause\":\"failover\"}"),
        frame(5, "text", "{\"attempt\":2,\"text\":\"hello\"}"), COMPLETED));

    assertEquals(0, send("hello"));

    assertEquals("[echo failed, overloaded]\n[spare answers]\n", shell.err());
  }

  @Test void stepsOfUnknownOutcomeAreNamed() {
    gateway.on(EVENTS + "0", Answer.events(ACCEPTED, frame(2, "interrupted",
        "{\"cause\":\"crash\",\"code\":null,\"uncertain\":[{\"title\":\"deploy\"},{\"title\":\"push\"}]}"), COMPLETED));

    assertEquals(0, send("hello"));

    assertEquals("[interrupted: crash; may or may not have happened: deploy, push]\n", shell.err());
  }

  @Test void aMessageThatWentIntoTheRunningTurnSaysWhere() {
    gateway.on(EVENTS + "0", Answer.events(
        ACCEPTED, frame(2, "completed", "{\"stopReason\":\"steered\",\"into\":\"run-0\"}")));

    assertEquals(0, send("hello"));

    assertEquals("It went into the turn that was running; see `portcullis runs tail run-0`.\n", shell.err());
  }

  @Test void onATerminalAnAnswerCannotSendEscapeSequences() {
    shell.terminal = true;
    gateway.on(EVENTS + "0",
        Answer.events(frame(1, "text", "{\"text\":\"a\\u001b]0;owned\\u0007b\\n\"}"), COMPLETED));

    assertEquals(0, send("hello"));

    assertEquals("a]0;ownedb\n", shell.out());
  }

  @Test void aQuestionOfTheAgentIsPrintedWholeWithTheWayToAnswerIt() {
    gateway.on(EVENTS + "0", Answer.events(HELLO, frame(3, "approval.requested", """
        {"approvalId":"a1","kind":"execute","title":"Clean \u202eup","input":"cd /tmp\\nrm -rf %s\u200b",\
        "directory":"/work","digest":"d1","expiresAt":"2026-01-02T04:04:05Z"}""".formatted("x".repeat(10_000))),
        frame(4, "approval.decided", "{\"approvalId\":\"a1\",\"allowed\":false,\"by\":\"me\"}"),
        COMPLETED));

    assertEquals(0, send("hello"));

    assertEquals("""
        [waits for approval]
          kind       execute
          title      Clean <U+202E>up
          directory  /work
          input
            | cd /tmp
            | rm -rf %s<U+200B>
          digest     d1
          expires    2026-01-02T04:04:05Z
        [answer with `portcullis approvals allow a1` or `portcullis approvals deny a1`]
        [denied by me]
        """.formatted("x".repeat(10_000)), shell.err());
  }

  @Test void aMessageThatWaitsItsTurnSaysWhere() {
    gateway.on(SUBMIT, 202, RECEIPT.replace("\"position\":0", "\"position\":2"));

    assertEquals(0, send("hello"));

    assertEquals("[queued at position 2]\n", shell.err());
  }

  @Test void oneCtrlCLeavesTheRunAndSaysHowToComeBack() {
    var open = new CountDownLatch(1);
    gateway.on(EVENTS + "0", Answer.events(ACCEPTED, HELLO).openUntil(open));
    shell.interrupts.press();

    assertEquals(130, send("hello"));
    open.countDown();

    assertTrue(shell.err().contains("portcullis runs tail run-1"), shell.err());
    assertTrue(gateway.requests().stream().noneMatch(request -> request.line().endsWith("/abort")));
  }

  @Test void twoCtrlCsAbortTheRun() {
    var open = new CountDownLatch(1);
    gateway.on(EVENTS + "0", Answer.events(ACCEPTED).openUntil(open))
        .on(EVENTS + "1", Answer.events(frame(2, "aborted", "{\"by\":\"api\"}")))
        .on("POST /api/v1/runs/run-1/abort", 202, "{\"id\":\"run-1\",\"status\":\"aborting\"}");
    shell.interrupts.press();
    shell.interrupts.press();
    open.countDown();

    assertEquals(1, send("hello"), shell.err());
  }

  @Test void aRefusalIsOneSentence() {
    gateway.on(SUBMIT, 404,
        "{\"error\":{\"message\":\"No agent is called ops.\",\"code\":\"agent_not_found\"}}");

    assertEquals(1, send("hello"));

    assertEquals("No agent is called ops (agent_not_found).\n", shell.err());
  }

  @Test void aWrongTokenSaysWhatToCheck() {
    assertEquals(77, shell.run("send", "--url", gateway.url(), "--token", "wrong", "hello"));

    assertEquals("The token is not valid (invalid_api_key); check --token or PORTCULLIS_TOKEN.\n",
        shell.err());
  }

  @Test void withoutAGatewayTheCommandEndsAtOnceAndSaysWhatToDo() {
    gateway.close();

    assertEquals(75, send("hello"));

    assertEquals("No gateway answers at " + gateway.url()
        + "; start one with `portcullis serve`, or name it with --url.\n", shell.err());
  }
}
