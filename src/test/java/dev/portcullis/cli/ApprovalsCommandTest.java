package dev.portcullis.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class ApprovalsCommandTest {
  private static final String ROUTE = "/api/v1/approvals";
  private static final String ASKED = """
      {"id":"a1","runId":"run-1","sessionKey":"agent:main:main","agent":"main","kind":"execute","title":"Run it",
       "input":"ls\\n\\trm x","directory":"/work","digest":"d1","requestedAt":"2026-01-02T03:02:05Z",
       "expiresAt":"2026-01-02T04:02:05Z","decision":%s}""";
  private static final String SHOWN = """
      approval a1 of run run-1, agent:main:main
        kind       execute
        title      Run it
        directory  /work
        input
          | ls
          | \trm x
        digest     d1
        expires    2026-01-02T04:02:05Z
      """;

  private final Shell shell = new Shell();
  private StubGateway gateway;

  @BeforeEach void start() throws Exception {
    gateway = new StubGateway()
        .on("GET " + ROUTE, 200, "{\"data\":[" + ASKED.formatted("null") + "]}")
        .on("GET " + ROUTE + "/a1", 200, ASKED.formatted("null"))
        .on("POST " + ROUTE + "/a1", 202, "{\"id\":\"a1\",\"status\":\"kept for the resumed attempt\"}")
        .on("POST /api/v1/runs/run-1/approvals/a1", 202, "{\"id\":\"a1\",\"status\":\"decided\"}");
  }

  @AfterEach void stop() {
    gateway.close();
  }

  private int run(String command) {
    var words = new ArrayList<>(List.of(command.split(" ")));
    words.addAll(List.of("--url", gateway.url(), "--token", StubGateway.TOKEN));
    return shell.run(words.toArray(String[]::new));
  }

  private JsonNode sent() throws Exception {
    return new JsonMapper().readTree(gateway.requests().getLast().body());
  }

  @Test void whatIsAskedIsListed() {
    shell.terminal = true;

    assertEquals(0, run("approvals"), shell.err());

    assertEquals("""
        APPROVAL  AGENT  KIND     ASKED      EXPIRES           TITLE
        a1        main   execute  2m 0s ago  2026-01-02 04:02  Run it
        """, shell.out());
  }

  @Test void theListIsAlsoPrintedAsTheGatewayGivesItAndForOneSession() {
    gateway.on("GET " + ROUTE + "?session=agent%3Amain%3Ax", 200, "{\"data\":[]}");

    assertEquals(0, run("approvals --json --session agent:main:x"), shell.err());

    assertEquals("{\"data\":[]}\n", shell.out());
  }

  @Test void oneIsShownWholeWithItsDecision() {
    assertEquals(0, run("approvals show a1"), shell.err());
    assertEquals(SHOWN + "  decided    not yet\n", shell.out());

    gateway.on("GET " + ROUTE + "/a1", 200, ASKED.formatted("{\"allowed\":false,\"by\":\"expiry\"}"));
    assertEquals(0, run("approvals show a1"), shell.err());
    assertTrue(shell.out().endsWith("  decided    deny, by expiry\n"), shell.out());
  }

  @ParameterizedTest
  @ValueSource(strings = {"allow", "deny"})
  @Tag("SEC-25")
  void aDecisionShowsTheActionAndGoesWithTheDigestOfWhatWasShown(String decision) throws Exception {
    assertEquals(0, run("approvals " + decision + " a1"), shell.err());

    assertEquals(SHOWN + "a1: " + decision + ", kept for the resumed attempt\n", shell.out());
    assertEquals(
        new JsonMapper().readTree("{\"decision\":\"" + decision + "\",\"digest\":\"d1\"}"), sent());
  }

  @Test void theCommandOfARunDoesTheSameAndNamesTheRun() throws Exception {
    assertEquals(0, run("runs allow run-1 a1"), shell.err());

    assertEquals(SHOWN + "a1: allow, decided\n", shell.out());
    assertEquals("d1", sent().path("digest").asText());
    assertEquals("POST /api/v1/runs/run-1/approvals/a1", gateway.requests().getLast().line());
  }

  @Test void aRefusalIsOneSentence() {
    gateway.on("POST " + ROUTE + "/a1", 409,
        "{\"error\":{\"message\":\"Approval a1 was decided already: deny, by expiry.\",\"code\":\"approval_decided\"}}");

    assertEquals(1, run("approvals allow a1"));

    assertEquals("Approval a1 was decided already: deny, by expiry (approval_decided).\n", shell.err());
  }

  @ParameterizedTest
  @CsvSource({
      "'a\u202Eb', 'a<U+202E>b'", "'a\u200Bb', 'a<U+200B>b'", "'a\u00ADb', 'a<U+00AD>b'", "'a\u2066b', 'a<U+2066>b'",
      "'a\u001Bb', 'a<U+001B>b'", "'a\rb', 'a<U+000D>b'", "'a\u00A0b', 'a<U+00A0>b'", "'a\u3164b', 'a<U+3164>b'",
      "'a\uFE0Fb', 'a<U+FE0F>b'", "'a\uFEFFb', 'a<U+FEFF>b'", "'a\uDB40\uDC41b', 'a<U+E0041>b'", "'a\u2028b', 'a<U+2028>b'",
      "'aäß語😀b', 'aäß語😀b'"})
  @Tag("SEC-25")
  void whatCannotBeSeenIsSpeltOut(String text, String shown) {
    assertEquals(shown, Shown.line(text));
  }
}
