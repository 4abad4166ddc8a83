package dev.portcullis.harness.http;

import static dev.portcullis.harness.http.ModelRig.assertAnswer;
import static dev.portcullis.harness.http.ModelRig.chunk;
import static dev.portcullis.harness.http.ModelRig.fault;
import static dev.portcullis.harness.http.ModelRig.run;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.portcullis.config.HarnessConfig.ModelLimits;
import dev.portcullis.harness.Eventually;
import dev.portcullis.harness.Harness.Recovery;
import dev.portcullis.harness.Harness.Registration;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.Updates;
import dev.portcullis.harness.http.ModelRig.Api;
import dev.portcullis.protocol.Need;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** A model server that refuses, breaks off, hangs or is not there. */
class ModelFaultsTest {
  private final ModelRig rig = new ModelRig();

  @AfterEach void leaveNothing() {
    rig.close();
  }

  private static ModelLimits limits(Duration silence, Duration deadline, int retries) {
    return new ModelLimits(8, Duration.ofSeconds(5), silence, deadline, retries);
  }

  private static ModelLimits limits(int retries) {
    return limits(Duration.ofSeconds(20), Duration.ofMinutes(5), retries);
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  // ---- retries
  @ParameterizedTest
  @EnumSource
  void aRecordedRefusalIsRetriedAsSoonAsTheServerAsksFor(Api api) {
    rig.server.then(
        ScriptedServer.status(429, ScriptedServer.golden(api.recordings + ".error.json"), "retry-after", "7"),
        ScriptedServer.recorded(api.recordings + ".hello"));

    assertAnswer("hello there friend", "end_turn", run(rig.harness(api)));
    assertEquals(List.of(Duration.ofSeconds(7)), rig.waits);
  }

  @ParameterizedTest
  @CsvSource({"429, RATE_LIMITED", "500, UPSTREAM", "502, UPSTREAM", "503, OVERLOADED", "504, UPSTREAM",
      "529, OVERLOADED"})
  void whatPassesIsTriedAgainAsOftenAsConfiguredAndNoMore(int status, Code code) {
    rig.server.then(ScriptedServer.status(status, "{}"));

    var updates = run(rig.harness(Api.CHAT, limits(2)));

    assertEquals(code, fault(updates).code());
    assertEquals(3, rig.server.requests().size());
    assertEquals(2, rig.waits.size());
    assertEquals(1, updates.all().size(), () -> "it ended before the server took it: " + updates.all());
  }

  @ParameterizedTest
  @CsvSource({"400, INVALID_REQUEST", "401, AUTHENTICATION", "402, QUOTA", "403, AUTHENTICATION",
      "404, MODEL_NOT_FOUND", "413, CONTEXT_LENGTH", "307, NOT_CONFIGURED"})
  void whatDoesNotPassIsNotTriedAgain(int status, Code code) {
    rig.server.then(ScriptedServer.status(status, "{}"));

    assertEquals(code, fault(run(rig.harness(Api.MESSAGES))).code());
    assertEquals(1, rig.server.requests().size());
    assertEquals(List.of(), rig.waits);
  }

  @Test void anAccountWithNothingLeftIsNotAskedAgain() {
    rig.server.then(ScriptedServer.status(429,
        "{\"error\":{\"message\":\"You exceeded your current quota\",\"code\":\"insufficient_quota\"}}"));

    assertEquals(Code.QUOTA, fault(run(rig.harness(Api.RESPONSES))).code());
    assertEquals(1, rig.server.requests().size());
  }

  @Test void aServerThatAsksForMoreTimeThanIsLeftIsNotWaitedFor() {
    rig.server.then(ScriptedServer.status(429, "{}", "retry-after", "301"));

    var fault = fault(run(rig.harness(Api.CHAT)));

    assertEquals(Code.RATE_LIMITED, fault.code());
    assertTrue(fault.getMessage().endsWith("; it may be asked again in 301 s"), fault.getMessage());
    assertEquals(1, rig.server.requests().size());
    assertEquals(List.of(), rig.waits);
  }

  @Test void aServerThatBreaksOffBeforeTheFirstWordIsAskedAgain() {
    rig.server.then(
        (_, wire) -> wire.cut(),
        (_, wire) -> wire.stream().cut(),
        (_, wire) -> wire.stream().send("data: {\"error\":{\"message\":\"x\",\"type\":\"server_error\"}}\n\n").end(),
        ScriptedServer.recorded("openai-chat.hello"));

    var updates = run(rig.harness(Api.CHAT));

    assertAnswer("hello there friend", "end_turn", updates);
    assertEquals(1, updates.all(HarnessUpdate.Attached.class).size());
    assertEquals(3, rig.waits.size());
  }

  // ---- broken answers
  @ParameterizedTest
  @CsvSource({"CHAT, UPSTREAM", "RESPONSES, UPSTREAM", "MESSAGES, OVERLOADED"})
  void aRecordedErrorInTheMiddleOfAnAnswerIsItsOwnKindAndIsNotRetried(Api api, Code code) {
    rig.server.then(ScriptedServer.recorded(api.recordings + ".stream-error", "x-request-id", "req_7"));

    var updates = run(rig.harness(api));

    assertEquals(code, fault(updates).code());
    assertTrue(fault(updates).getMessage().endsWith("(request req_7)"), fault(updates).getMessage());
    assertEquals("one two ", updates.text());
    assertEquals(1, rig.server.requests().size());
  }

  @ParameterizedTest
  @EnumSource
  void aStreamThatEndsWithoutItsLastEventIsCut(Api api) {
    var stream = ScriptedServer.golden(api.recordings + ".hello.sse");
    var half = stream.substring(0, stream.indexOf("there"));
    rig.server.then((_, wire) -> wire.stream().send(half).end());
    var ended = run(rig.harness(api));
    rig.server.then((_, wire) -> wire.stream().send(half).cut());
    var broken = run(rig.harness(api));

    for (var updates : List.of(ended, broken)) {
      assertEquals(Code.CUT, fault(updates).code());
      assertEquals("hello ", updates.text());
    }
    assertEquals(2, rig.server.requests().size());
  }

  @Test void aLineThatIsNoJsonIsMalformed() {
    rig.server.then((_, wire) -> wire.stream().send(chunk("one") + "data: <html>\n\n").end());

    var updates = run(rig.harness(Api.CHAT));

    assertEquals(Code.MALFORMED, fault(updates).code());
    assertEquals(1, rig.server.requests().size());
  }

  @Test void anAnswerThatIsNoStreamSaysSoOrWhatItsErrorIs() {
    rig.server.then(ScriptedServer.status(200, "{\"choices\":[{\"message\":{\"content\":\"hi\"}}]}"));
    assertEquals(Code.MALFORMED, fault(run(rig.harness(Api.CHAT))).code());

    rig.server.then(ScriptedServer.status(200, "{\"error\":{\"code\":\"model_not_found\",\"message\":\"no mock-1\"}}"));
    assertEquals(Code.MODEL_NOT_FOUND, fault(run(rig.harness(Api.CHAT))).code());
  }

  // ---- time
  @Test void aServerThatTakesTheRequestAndSaysNothingIsGivenUp() {
    rig.server.then((_, wire) -> wire.awaitGone());

    var fault = fault(run(rig.harness(Api.CHAT, limits(Duration.ofMillis(150), Duration.ofMinutes(1), 3))));

    assertEquals(Code.TIMEOUT, fault.code());
    assertEquals("the model server was silent for 150 ms", fault.getMessage());
    assertEquals(1, rig.server.requests().size());
  }

  @Test void aServerThatFallsSilentInTheMiddleIsGivenUpAndLeft() {
    rig.server.then((_, wire) -> {
      wire.stream().send(chunk("one"));
      wire.awaitGone();
    });

    var updates = run(rig.harness(Api.CHAT, limits(Duration.ofMillis(150), Duration.ofMinutes(1), 3)));

    assertEquals(Code.TIMEOUT, fault(updates).code());
    assertEquals("one", updates.text());
  }

  @Test void aServerThatOnlyKeepsTheConnectionAliveIsGivenUpAtTheDeadline() {
    rig.server.then((_, wire) -> {
      wire.stream();
      while (true) { // Ends when the client is gone.
        wire.send(": still here\n\n");
        TimeUnit.MILLISECONDS.sleep(20);
      }
    });

    var fault = fault(run(rig.harness(Api.CHAT, limits(Duration.ofSeconds(20), Duration.ofMillis(300), 3))));

    assertEquals(Code.TIMEOUT, fault.code());
    assertEquals("the model server was not done within 300 ms", fault.getMessage());
  }

  // ---- probes and loss
  private static Registration probe(ModelHarness harness) throws Exception {
    return harness.probe().toCompletableFuture().get(20, TimeUnit.SECONDS);
  }

  private static HarnessFault probeFails(ModelHarness harness) {
    var failure = assertThrows(ExecutionException.class, () -> probe(harness));
    return (HarnessFault) failure.getCause();
  }

  @ParameterizedTest
  @EnumSource
  void aListOfModelsProvesTheServerWithoutACallOfAModel(Api api) throws Exception {
    rig.server.then(ScriptedServer.status(200, "{\"data\":[{\"id\":\"mock-1\"}]}"));

    assertEquals(new Registration("", Recovery.REPLAY, false, Set.of(Need.IMAGES, Need.TOOLS)), probe(rig.harness(api)));

    var request = rig.server.requests().getFirst();
    assertEquals("GET " + api.dialect.models(), request.method() + " " + request.path());
    assertTrue(request.headers().values().stream().anyMatch(value -> value.endsWith(ModelRig.KEY)));
  }

  @ParameterizedTest
  @ValueSource(ints = {404, 405, 400, 429})
  void aServerWithoutAListOfModelsStandsAllTheSame(int status) throws Exception {
    rig.server.then(ScriptedServer.status(status, "no"));

    assertEquals(Recovery.REPLAY, probe(rig.harness(Api.CHAT)).recovery());
  }

  @ParameterizedTest
  @CsvSource({"401, AUTHENTICATION, false", "403, AUTHENTICATION, false", "500, UPSTREAM, true", "503, OVERLOADED, true",
      "308, NOT_CONFIGURED, false"})
  void aProbeThatIsRefusedSaysWhetherWaitingHelps(int status, Code code, boolean retryable) {
    rig.server.then(ScriptedServer.status(status, "{}"));

    var fault = probeFails(rig.harness(Api.CHAT));

    assertEquals(code, fault.code());
    assertEquals(retryable, fault.code().retryable());
  }

  @Test void aServerThatIsNotThereMayComeBack() throws IOException {
    int port = freePort();

    var fault = probeFails(rig.harness(Api.CHAT, limits(0), "http://127.0.0.1:" + port));

    assertEquals(Code.LOST, fault.code());
    assertEquals(
        "the model server at 127.0.0.1:" + port + " gives no answer: the connection is refused", fault.getMessage());
  }

  @Test void aServerThatIsGoneForThreeCallsIsToldAsLostOncePerProbe() throws Exception {
    rig.server.then(ScriptedServer.status(200, "{}"));
    var harness = rig.harness(Api.CHAT, limits(3));
    probe(harness);
    rig.server.close();

    assertEquals(Code.LOST, fault(run(harness)).code());
    assertEquals(Code.LOST, fault(run(harness)).code());

    assertEquals(1, rig.losses.size(), rig.losses::toString);
    assertEquals(Code.LOST, rig.losses.getFirst().code());
  }

  @Test void twoCallsInARowThatFindNobodyAreNoLoss() throws Exception {
    rig.server.then(ScriptedServer.status(200, "{}"), (_, wire) -> wire.cut(), (_, wire) -> wire.cut(),
        ScriptedServer.recorded("openai-chat.hello"));
    var harness = rig.harness(Api.CHAT);
    probe(harness);

    assertAnswer("hello there friend", "end_turn", run(harness));
    assertEquals(List.of(), rig.losses);
  }

  @Test void callsThatWereAbortedAreNoLoss() throws Exception {
    rig.server.then(ScriptedServer.status(200, "{}"), (_, wire) -> wire.awaitGone());
    var harness = rig.harness(Api.CHAT);
    probe(harness);

    for (int i = 1; i <= 2 * Contact.FAILURES_MAX; i++) {
      int calls = i;
      var attempt = ModelRig.start(harness, new Updates());
      Eventually.isTrue("a call", () -> rig.server.requests().size() == 1 + calls);
      attempt.abort(Duration.ofSeconds(1));
      attempt.stop(Duration.ofSeconds(1)).toCompletableFuture().get(20, TimeUnit.SECONDS);
    }

    assertEquals(List.of(), rig.losses);
  }

  @Test void aKeyThatIsNoLongerTakenIsALossAndTheNextProbeSaysWhetherItIs() throws Exception {
    rig.server.then(ScriptedServer.status(200, "{}"), ScriptedServer.status(401, "{}"));
    var harness = rig.harness(Api.MESSAGES);
    probe(harness);

    assertEquals(Code.AUTHENTICATION, fault(run(harness)).code());

    Eventually.isTrue("the loss", () -> rig.losses.size() == 1);
    assertEquals(Code.AUTHENTICATION, probeFails(harness).code());
  }

  // ---- what must not be said
  @Test void noFaultLogLineOrSettingShowsTheKeyOrTheConversation() throws Exception {
    var logger = (Logger) LoggerFactory.getLogger("dev.portcullis.harness");
    var appender = new ListAppender<ILoggingEvent>();
    var level = logger.getLevel();
    appender.start();
    logger.addAppender(appender);
    logger.setLevel(Level.TRACE);
    try {
      var rude = "{\"error\":{\"message\":\"bad key " + ModelRig.KEY + "\"}}";
      rig.server.then(
          ScriptedServer.status(200, "{\"data\":[{\"id\":\"other\"}]}"),
          ScriptedServer.status(429, rude),
          ScriptedServer.status(401, rude));
      var harness = rig.harness(Api.CHAT);
      probe(harness);

      var fault = fault(run(harness));

      var said = appender.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
      assertTrue(said.contains("harness.model_unlisted name=model model=mock-1 listed=1"), said::toString);
      assertTrue(said.stream().anyMatch(line -> line.matches(
          "harness.model_retry name=model run=run code=RATE_LIMITED tries=1 wait_ms=\\d+")), said::toString);
      assertFalse((said + fault.toString() + harness).contains(ModelRig.KEY));
      assertFalse(said.toString().contains("hello"));
    } finally {
      logger.setLevel(level);
      logger.detachAppender(appender);
    }
  }

  @Test void aRedirectIsNotFollowed() {
    try (var elsewhere = ScriptedServer.start()) {
      elsewhere.then(ScriptedServer.recorded("openai-chat.hello"));
      rig.server.then(ScriptedServer.status(307, "", "location", elsewhere.url() + "/chat/completions"));

      var fault = fault(run(rig.harness(Api.CHAT)));

      assertEquals(Code.NOT_CONFIGURED, fault.code());
      assertTrue(fault.getMessage().contains("a redirect is not followed"), fault.getMessage());
      assertEquals(List.of(), elsewhere.requests());
      assertEquals(0, elsewhere.connections());
    }
  }
}
