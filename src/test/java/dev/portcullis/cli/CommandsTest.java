package dev.portcullis.cli;

import static dev.portcullis.cli.StubGateway.frame;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.cli.StubGateway.Answer;
import dev.portcullis.config.ConfigSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class CommandsTest {
  private static final String STATUS = """
      {"ready":true,"state":"open","incarnation":7,"startedAt":"2026-01-02T02:04:05Z","uptimeSeconds":3600,
       "version":"0.1.0","defaultAgent":"main",
       "harnesses":[
         {"name":"echo","kind":"echo","state":"ready","version":"","recovery":"replay","cause":null}],
       "counts":{"accepted":9,"terminal":6,"open":2,"active":1,"queued":1,"interrupted":0,"parked":1},
       "drain":{"draining":false,"by":null,"since":null,"remaining":0},"unmet":[]}""";

  private static final Answer QUARANTINED = Answer.json(503, """
      {"error":{"message":"The history is damaged; run `portcullis journal repair`.",
        "type":"service_unavailable","param":null,"code":"session_quarantined"}}""")
      .with("x-should-retry", "false");

  @TempDir Path directory;
  private final Shell shell = new Shell();
  private StubGateway gateway;

  @BeforeEach void start() throws Exception {
    gateway = new StubGateway().on("GET /api/v1/status", 200, STATUS);
  }

  @AfterEach void stop() {
    gateway.close();
  }

  private int run(String command, String... more) {
    var words = new ArrayList<>(List.of(command.split(" ")));
    words.addAll(List.of("--url", gateway.url(), "--token", StubGateway.TOKEN));
    words.addAll(List.of(more));
    return shell.run(words.toArray(String[]::new));
  }

  @ParameterizedTest
  @ValueSource(strings = {
      "", "serve", "send", "status", "runs", "runs show", "runs tail", "runs abort", "runs resume",
      "runs allow", "runs deny", "approvals", "approvals show", "approvals allow", "approvals deny",
      "sessions", "sessions show", "sessions reset", "sessions delete", "harnesses", "drain", "doctor",
      "token", "token show", "token rotate", "token add", "token list", "token remove", "journal", "journal verify", "journal repair", "journal export", "journal stats",
      "journal schema",
      "config", "config check", "config print", "version"})
  void everyCommandExplainsItself(String command) {
    var words =
        Stream.concat(Stream.of(command.split(" ")).filter(word -> !word.isEmpty()), Stream.of("--help"));

    assertEquals(0, shell.run(words.toArray(String[]::new)));

    assertTrue(shell.out().contains("Usage: portcullis"), shell.out());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "runs", "token", "config", "journal", "send", "sned", "runs show", "send --prot 1 x"})
  void aCommandThatIsNotUnderstoodIsOneSentenceAndExitsWithTwo(String command) {
    assertEquals(2,
        shell.run(Stream.of(command.split(" ")).filter(word -> !word.isEmpty()).toArray(String[]::new)));

    assertEquals(1, shell.err().lines().count(), shell.err());
    assertTrue(shell.err().contains("--help`"), shell.err());
  }

  @Test void statusShowsReadinessCountsAndHarnesses() {
    assertEquals(0, run("status"), shell.err());

    assertEquals("""
        ready  state open  version 0.1.0  incarnation 7  up 1h 0m
        runs: 9 accepted = 6 ended + 2 open + 1 parked  (active 1, queued 1, interrupted 0)
        not draining
        echo\techo\tready\t-\treplay\t-
        """, shell.out());
  }

  @Test void statusCountsSessionsInQuarantine() {
    gateway.on("GET /api/v1/status", 200, STATUS.replace("\"parked\":1}", "\"parked\":1,\"quarantined\":2}"));

    assertEquals(0, run("status"), shell.err());

    assertTrue(shell.out().contains("\nquarantined: 2 sessions"), shell.out());
    assertTrue(shell.out().contains("`portcullis journal repair`\n"), shell.out());
  }

  @Test void aSessionInQuarantineIsShownSoAndItsTranscriptRefusedWithTheWayOut() {
    gateway.on("GET /api/v1/sessions/agent%3Amain%3Amain", 200,
            "{\"key\":\"agent:main:main\",\"agent\":\"main\",\"status\":\"quarantined\",\"queued\":0}")
        .on("GET /api/v1/sessions/agent%3Amain%3Amain/history?limit=200", QUARANTINED);

    assertEquals(1, run("sessions show", "agent:main:main"));

    assertTrue(shell.out().contains("status    quarantined"), shell.out());
    assertTrue(shell.err().contains("run `portcullis journal repair` (session_quarantined)."), shell.err());
  }

  @Test void statusNamesWhatIsUnmet() {
    gateway.on("GET /api/v1/status", 200, STATUS.replace("\"ready\":true", "\"ready\":false")
        .replace("\"unmet\":[]", "\"unmet\":[{\"condition\":\"harness\",\"detail\":\"claude is gone\"}]"));

    assertEquals(0, run("status"));

    assertTrue(shell.out().startsWith("NOT READY"), shell.out());
    assertTrue(shell.out().contains("unmet: harness: claude is gone\n"), shell.out());
  }

  @ParameterizedTest
  @ValueSource(strings = {"status", "harnesses", "sessions", "runs show run-1"})
  void jsonIsTheGatewaysOwn(String command) {
    gateway.on("GET /api/v1/harnesses", 200, "{\"data\":[]}")
        .on("GET /api/v1/sessions?limit=200", 200,
            "{\"data\":[{\"key\":\"agent:main:main\"}],\"nextCursor\":null}")
        .on("GET /api/v1/runs/run-1", 200, "{\"id\":\"run-1\"}");

    assertEquals(0, run(command, "--json"), shell.err());

    assertTrue(shell.out().startsWith("{\""), shell.out());
    assertEquals(1, shell.out().lines().count());
  }

  @Test void sessionsAreListedOverAllPagesAndAlignedOnATerminal() {
    shell.terminal = true;
    gateway.on("GET /api/v1/sessions?limit=200&active=true", 200, """
            {"data":[{"key":"agent:main:main","agent":"main","status":"running","queued":3,
              "updatedAt":"2026-01-02T03:02:05Z","title":"hello"}],"nextCursor":"c/1"}""")
        .on("GET /api/v1/sessions?limit=200&active=true&cursor=c%2F1", 200, """
            {"data":[{"key":"agent:main:api:x","agent":"main","status":"idle","queued":0,
              "updatedAt":"2025-12-01T00:00:00Z","title":"\\u001b[31mred"}],"nextCursor":null}""");

    assertEquals(0, run("sessions --active"), shell.err());

    assertEquals("""
        SESSION           AGENT  STATUS   QUEUED  UPDATED           TITLE
        agent:main:main   main   running  3       2m 0s ago         hello
        agent:main:api:x  main   idle     0       2025-12-01 00:00  <U+001B>[31mred
        """, shell.out());
  }

  @Test void aSessionIsShownWithItsTranscript() {
    gateway.on("GET /api/v1/sessions/agent%3Amain%3Amain", 200,
            "{\"key\":\"agent:main:main\",\"agent\":\"main\",\"status\":\"idle\",\"queued\":0}")
        .on("GET /api/v1/sessions/agent%3Amain%3Amain/history?limit=200", 200, """
            {"data":[{"runId":"run-1","role":"user","text":"hello","at":"2026-01-02T03:04:00Z"}],
             "nextCursor":null}""");

    assertEquals(0, run("sessions show", "agent:main:main"), shell.err());

    assertTrue(shell.out().endsWith("\nuser (5s ago):\nhello\n"), shell.out());
  }

  @Test void aSessionIsResetAndDeleted() {
    gateway.on("POST /api/v1/sessions/k/reset", 200, "{}")
        .on("DELETE /api/v1/sessions/k", Answer.json(200, ""));

    assertEquals(0, run("sessions reset", "k"), shell.err());
    assertEquals(0, run("sessions delete", "k"), shell.err());

    assertEquals("session k begins anew\nsession k is deleted\n", shell.out());
  }

  @Test void aRunSaysWhatItWaitsForAndWhereItWent() {
    gateway.on("GET /api/v1/runs/run-1", 200, """
        {"id":"run-1","agent":"main","harness":"spare","status":"parked","attempts":2,
         "steps":[{"title":"deploy","state":"uncertain"}],"parked":{"reason":"uncertain_step","reference":""}}""");
    gateway.on("GET /api/v1/runs/run-2", 200, "{\"id\":\"run-2\",\"steeredInto\":\"run-1\"}");

    assertEquals(0, run("runs show", "run-1"), shell.err());
    assertEquals(0, run("runs show", "run-2"), shell.err());

    assertTrue(shell.out().contains("agent     main on spare\n"), shell.out());
    assertTrue(shell.out().contains("parked    uncertain_step\nstep      uncertain  deploy\n"), shell.out());
    assertTrue(shell.out().contains("went into run-1\n"), shell.out());
  }

  @Test void aRunIsShownWithItsError() {
    gateway.on("GET /api/v1/runs/run-1", 200, """
        {"id":"run-1","sessionKey":"agent:main:main","agent":"main","harness":"echo",
         "status":"failed","attempts":2,"text":"half an answ","steps":[{"title":"ls","state":"succeeded"}],
         "error":{"code":"harness_failed","message":"It broke.","reference":""},"resumePending":null,
         "acceptedAt":"2026-01-02T03:00:00Z","endedAt":"2026-01-02T03:04:00Z"}""");

    assertEquals(0, run("runs show", "run-1"), shell.err());

    assertEquals("""
        run       run-1
        session   agent:main:main
        agent     main on echo
        status    failed, attempts 2
        accepted  4m 5s ago
        ended     5s ago
        error     It broke (harness_failed).
        step      succeeded  ls

        half an answ
        """, shell.out());
  }

  @Test void aRunIsTailedFromAnOffset() {
    gateway.on("GET /api/v1/runs/run-1/events?after=3",
        Answer.events(frame(4, "text", "{\"text\":\"end\"}"), frame(5, "completed", "{}")));

    assertEquals(0, run("runs tail", "--after", "3", "run-1"), shell.err());

    assertEquals("end\n", shell.out());
  }

  @Test void aRunThatDoesNotExistIsNamedAndExitsWithOne() {
    assertEquals(1, run("runs tail", "run-9"));

    assertEquals("Nothing is here (not_found).\n", shell.err());
  }

  @Test void ordersToARunSayWhatItIsNow() {
    gateway.on("POST /api/v1/runs/run-1/abort", 202, "{\"id\":\"run-1\",\"status\":\"aborting\"}")
        .on("POST /api/v1/runs/run-1/resume", 409,
            "{\"error\":{\"message\":\"The run is completed.\",\"code\":\"already_terminal\"}}");

    assertEquals(0, run("runs abort", "run-1"));
    assertEquals(1, run("runs resume", "run-1"));

    assertEquals("run run-1 is aborting\n", shell.out());
    assertEquals("The run is completed (already_terminal).\n", shell.err());
  }

  @Test void drainWaitsUntilALaterIncarnationAnswers() {
    gateway.on("GET /api/v1/status", Answer.json(200, STATUS), Answer.json(200, STATUS),
            Answer.json(200, STATUS.replace("\"incarnation\":7", "\"incarnation\":8")))
        .on("POST /api/v1/drain", 202, "{\"state\":\"draining\"}");

    assertEquals(0, run("drain", "--wait"), shell.err());

    assertEquals("draining\nstopped\n", shell.out());
  }

  @Test void drainGivesUpWaitingInTheEnd() {
    shell.withTimePassing();
    gateway.on("POST /api/v1/drain", 202, "{\"state\":\"draining\"}");

    assertEquals(75, run("drain", "--wait", "--timeout", "5"));

    assertTrue(shell.err().contains("still drains after 5 seconds"), shell.err());
  }

  @Test void theAddressesFileAndTheTokenFileAreTheDefaults() throws Exception {
    Files.createDirectories(directory.resolve("run"));
    Files.writeString(directory.resolve("token"), StubGateway.TOKEN + "\n");
    Files.writeString(directory.resolve("run/addresses.json"),
        "{\"http\":\"" + gateway.url()
            + "\",\"management\":\"http://127.0.0.1:1\",\"pid\":1,\"incarnation\":7}");

    assertEquals(0, shell.run("status", "--data", directory.toString()), shell.err());
    assertEquals(0, shell.run("token", "show", "--data", directory.toString()), shell.err());

    assertTrue(shell.out().endsWith(StubGateway.TOKEN + "\n"));
  }

  @Test void theEnvironmentsTokenWinsOverTheFile() throws Exception {
    Files.writeString(directory.resolve("token"), "old");
    shell.env.put("PORTCULLIS_TOKEN", StubGateway.TOKEN);
    shell.env.put("PORTCULLIS_DATA", directory.toString());

    assertEquals(0, shell.run("status", "--url", gateway.url() + "/"), shell.err());
  }

  @Test void withoutATokenTheFileThatIsMissingIsNamed() {
    assertEquals(77, shell.run("status", "--data", directory.toString()));

    assertTrue(shell.err().contains(directory.resolve("token").toString()), shell.err());
    assertEquals(1, shell.err().lines().count());
  }

  @Test void debugShowsTheTrace() {
    gateway.close();

    assertEquals(75, run("status", "--debug"));

    assertTrue(shell.err().contains("Caused by: java.net.ConnectException"), shell.err());
  }

  @Test void somethingElseBehindTheAddressIsSaidToBeThat() {
    gateway.on("GET /api/v1/status", 200, "<html>");

    assertEquals(70, run("status"));

    assertEquals("The answer is not JSON; does --url name a gateway?\n", shell.err());
  }

  @Test void serveHandsItsOptionsOverAndReturnsTheServersExitCode() {
    var asked = new ArrayList<ServeOptions>();
    shell.server = options -> {
      asked.add(options);
      return 74;
    };

    assertEquals(74,
        shell.run("serve", "--data", "d", "--port", "0", "--management-port", "1", "--config", "c.conf",
        "--set", "portcullis.http.port=9", "--set", "portcullis.drain.deadline=5s"));

    var options = asked.getFirst();
    assertEquals(new ConfigSource.OwnFile(Path.of("c.conf")), options.source());
    assertEquals("9", options.sets().get("portcullis.http.port"));
    assertEquals("1", options.sets().get("portcullis.management.port"));
    assertEquals("d", options.sets().get("portcullis.data"));
    assertEquals("5s", options.sets().get("portcullis.drain.deadline"));
  }

  @Test void withoutAFileServeUsesTheOneOfTheInstallationOrTheShippedOne() throws Exception {
    var sources = new ArrayList<ConfigSource>();
    shell.server = options -> {
      sources.add(options.source());
      return 0;
    };
    shell.run("serve");
    shell.home = directory.toString();
    var file = Files.createDirectories(directory.resolve("conf")).resolve("application.conf");
    Files.writeString(file, "");
    shell.run("serve");

    assertEquals(List.of(new ConfigSource.Shipped(), new ConfigSource.OwnFile(file)), sources);
  }

  @Test void configCheckNamesTheFaultAndExitsWith78() {
    assertEquals(0, shell.run("config", "check"), shell.err());
    assertEquals(78, shell.run("config", "check", "--set", "portcullis.run.attempts=11"));

    assertTrue(shell.err().contains("portcullis.run.attempts"), shell.err());
  }

  @Test void configPrintHidesSecrets() {
    var set =
        "portcullis.harnesses.oc={ kind = acp, command = oc, args = [\"-k s3cret\"], env { K = s3cret } }";
    var hook = "portcullis.alerts.webhooks=[{ url = \"https://x.example\", secret = \"whsec_"
        + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0\" }]";

    var model = "portcullis.harnesses.gpt={ kind = openai, api-key = s3cret, model = gpt-x }";

    for (var form : List.of("--set=portcullis.http.port=0", "--json")) {
      assertEquals(0, shell.run("config", "print", form, "--set", set, "--set", hook, "--set", model), shell.err());
    }

    assertFalse(shell.out().contains("s3cret"), shell.out());
    assertFalse(shell.out().contains("whsec_"), shell.out());
    assertTrue(shell.out().contains("portcullis.session.key-retention = \"24h\"\n"), shell.out());
    assertTrue(shell.out().contains("portcullis.harnesses.oc.command = \"oc\"\n"), shell.out());
    assertTrue(shell.out().contains("portcullis.harnesses.gpt.model = \"gpt-x\"\n"), shell.out());
  }

  @Test void versionNamesAllFour() {
    assertEquals(0, shell.run("version"));

    assertTrue(shell.out().matches("portcullis \\S+ \\(commit [0-9a-z]+, Java 25\\S*, Pekko 1\\.7\\.0\\)\n"),
        shell.out());
  }
}
