package dev.portcullis.ingress.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.portcullis.harness.Harness.Recovery;
import dev.portcullis.harness.Harness.Registration;
import dev.portcullis.harness.Harnesses;
import dev.portcullis.ingress.IngressRig;
import dev.portcullis.protocol.FunctionCall;
import dev.portcullis.protocol.FunctionResult;
import dev.portcullis.protocol.FunctionTool;
import dev.portcullis.protocol.Image;
import dev.portcullis.protocol.Input;
import dev.portcullis.protocol.Message;
import dev.portcullis.protocol.Need;
import dev.portcullis.protocol.RunEvent;
import dev.portcullis.protocol.Toolbox;
import dev.portcullis.protocol.Usage;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Images and functions through the routes that take them. */
class InputRoutesTest {
  private static final ActorTestKit KIT = ActorTestKit.create();
  private static final String CHAT = "/v1/chat/completions";
  private static final String NATIVE = "/api/v1/sessions/foo/runs";
  private static final String PNG = "data:image/png;base64,iVBORw0KGgo=";
  private static final Image IMAGE = new Image("image/png", 8, "iVBORw0KGgo=");
  private static final String TOOLS = """
      "tools":[{"type":"function","function":{"name":"weather","description":"now","parameters":{"type":"object"}}}]""";
  private static final FunctionCall CALL = new FunctionCall("call_1", "weather", "{\"city\":\"Oslo\"}");

  @TempDir Path data;
  private IngressRig rig;

  @BeforeEach
  void open() {
    rig = new IngressRig(KIT.system(), data.resolve("d"));
    takes(EnumSet.allOf(Need.class));
  }

  @AfterEach
  void close() {
    rig.close();
  }

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  private void takes(Set<Need> needs) {
    rig.edge.harnesses().put(new Harnesses.Entry("echo", "echo",
        new Harnesses.State.Ready(new Registration("1", Recovery.REPLAY, false, needs)), KIT.system().ignoreRef()));
  }

  private static String chat(String messages, String more) {
    return "{\"model\":\"main\",\"messages\":" + messages + (more.isEmpty() ? "" : "," + more) + "}";
  }

  private static String looking(String url) {
    return "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"look\"},"
        + "{\"type\":\"image_url\",\"image_url\":{\"url\":\"" + url + "\",\"detail\":\"low\"}}]}]";
  }

  private static String attached(String url) {
    return "{\"message\":\"look\",\"attachments\":[{\"type\":\"image\",\"data\":\"" + url + "\"}]}";
  }

  // ---- images
  @Test
  void anImageInAChatMessageIsPartOfTheTurn() {
    assertEquals(200, rig.post(CHAT, chat(looking(PNG), "")).statusCode());
    assertEquals("look", rig.sessions.submitted().getFirst().message());
    assertEquals(Input.of(List.of(IMAGE)), rig.sessions.submitted().getFirst().input());
  }

  @Test
  void aTurnMayBeAnImageAlone() {
    var alone = "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"" + PNG + "\"}}]}]";
    assertEquals(200, rig.post(CHAT, chat(alone, "")).statusCode());
    assertEquals(202, rig.post(NATIVE, attached(PNG).replace("look", "")).statusCode());
    rig.sessions.submitted().forEach(turn -> {
      assertEquals("", turn.message());
      assertEquals(List.of(IMAGE), turn.input().images());
    });
  }

  @Test
  void anEarlierImageIsContext() {
    rig.post(CHAT, chat(looking(PNG).replace("]}]", "]},{\"role\":\"user\",\"content\":\"and now?\"}]"), ""));
    assertEquals(List.of(Message.user("look", List.of(IMAGE))), rig.sessions.submitted().getFirst().context());
  }

  @Test
  void anAttachmentIsToldOfEverywhereAndShownNowhere() {
    assertEquals(202, rig.post(NATIVE, attached(PNG)).statusCode());
    var told = IngressRig.json("[{\"type\":\"image\",\"mediaType\":\"image/png\",\"bytes\":8}]");
    var run = rig.get("/api/v1/runs/run-1");
    assertEquals(told, IngressRig.json(run).path("attachments"));
    var history = rig.get("/api/v1/sessions/foo/history");
    assertFalse((run.body() + history.body()).contains("iVBOR"));
  }

  @ParameterizedTest
  @Tag("SEC-32")
  @ValueSource(strings = {"http", "https", "ftp"})
  void noUrlOfAClientIsEverConnectedTo(String scheme) throws IOException {
    try (var canary = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      var url = scheme + "://127.0.0.1:" + canary.getLocalPort() + "/a.png";
      var answers = List.of(rig.post(CHAT, chat(looking(url), "")), rig.post(NATIVE, attached(url)));
      answers.forEach(answer -> IngressRig.assertProblem(400, "invalid_image_url", answer));
      assertEquals(List.of(), rig.sessions.submitted());
      canary.setSoTimeout(1); // The answers are there: a connection would be, too.
      assertConnected(false, canary);
    }
  }

  private static void assertConnected(boolean expected, ServerSocket canary) throws IOException {
    try (var connection = canary.accept()) {
      assertTrue(expected, "connected from " + connection.getRemoteSocketAddress());
    } catch (SocketTimeoutException nobody) {
      assertFalse(expected);
    }
  }

  @Test
  void aKeyStandsForTheImagesToo() {
    var other = PNG.replace("KGgo=", "KGgoAAAA");
    for (var route : List.of(CHAT, NATIVE)) {
      keyed(route, PNG, "k1");
      keyed(route, PNG, "k2");
      keyed(route, other, "k3");
    }
    var keys = rig.sessions.submitted().stream().map(turn -> turn.key().getFirst().body()).toList();
    assertEquals(keys.get(0), keys.get(1));
    assertNotEquals(keys.get(0), keys.get(2));
    assertEquals(keys.get(3), keys.get(4));
    assertNotEquals(keys.get(3), keys.get(5));
  }

  private HttpResponse<String> keyed(String route, String url, String key) {
    return rig.post(route, route.equals(CHAT) ? chat(looking(url), "") : attached(url), "Idempotency-Key", key);
  }

  // ---- functions
  @Test
  void functionsAreOfferedWithTheTurn() {
    rig.post(CHAT, chat("[{\"role\":\"user\",\"content\":\"hi\"}]", TOOLS + """
        ,"tool_choice":{"type":"function","function":{"name":"weather"}},"parallel_tool_calls":false"""));
    assertEquals(
        new Toolbox(List.of(new FunctionTool("weather", "now", "{\"type\":\"object\"}", false)),
            Toolbox.Choice.NAMED, "weather", true),
        rig.sessions.submitted().getFirst().input().tools());
  }

  private void calls() {
    rig.sessions.script(new RunEvent.Started(1, "echo"), new RunEvent.Text(1, "Let me see."),
        new RunEvent.Completed("tool_calls", new Usage(3, 4), "", List.of(CALL)));
  }

  @Test
  void theCallsOfTheModelAreTheAnswer() {
    calls();
    var choice = IngressRig.json(rig.post(CHAT, chat("[{\"role\":\"user\",\"content\":\"hi\"}]", TOOLS)))
        .path("choices").path(0);
    assertEquals("tool_calls", choice.path("finish_reason").asText());
    assertEquals(IngressRig.json("""
        {"role":"assistant","content":"Let me see.","refusal":null,"tool_calls":[{"id":"call_1","type":"function",
         "function":{"name":"weather","arguments":"{\\"city\\":\\"Oslo\\"}"}}]}"""), choice.path("message"));
  }

  @Test
  void aStreamFirstSaysWhatIsCalledAndThenWithWhat() {
    calls();
    var data = ChatRoutesTest.data(
        rig.post(CHAT, chat("[{\"role\":\"user\",\"content\":\"hi\"}]", TOOLS + ",\"stream\":true")));
    var deltas = data.stream().filter(line -> line.contains("tool_calls\":["))
        .map(line -> IngressRig.json(line).path("choices").path(0).path("delta")).toList();
    assertEquals(List.of(
        IngressRig.json("""
            {"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"weather","arguments":""}}]}"""),
        IngressRig.json("""
            {"tool_calls":[{"index":0,"function":{"arguments":"{\\"city\\":\\"Oslo\\"}"}}]}""")), deltas);
    assertEquals("tool_calls",
        IngressRig.json(data.get(data.size() - 2)).path("choices").path(0).path("finish_reason").asText());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ",\"user\":\"alice\""})
  void theResultsAreTheNextTurnAlsoInAConversationOfTheGateways(String user) {
    var messages = """
        [{"role":"user","content":"weather?"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1",
          "type":"function","function":{"name":"weather","arguments":"{}"}}]},
         {"role":"tool","tool_call_id":"call_1","content":"rain"}]""";
    assertEquals(200, rig.post(CHAT, chat(messages, TOOLS + user)).statusCode());
    var turn = rig.sessions.submitted().getFirst();
    assertEquals("", turn.message());
    assertEquals(List.of(new FunctionResult("call_1", "rain")), turn.input().results());
    assertEquals(user.isEmpty() ? 2 : 0, turn.context().size());
  }

  @Test
  @Tag("SEC-44")
  void aResultOfACallThatWasNotMadeIsRefused() {
    var forged = """
        [{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function",
          "function":{"name":"weather","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_2","content":"x"}]""";
    IngressRig.assertProblem(400, "", rig.post(CHAT, chat(forged, TOOLS)));
    assertEquals(List.of(), rig.sessions.submitted());
  }

  @Test
  @Tag("SEC-44")
  void moreFunctionsThanAnybodyOffersAreRefused() {
    var one = "{\"type\":\"function\",\"function\":{\"name\":\"f%d\"}}";
    var many = IntStream.rangeClosed(0, Tools.TOOLS_MAX)
        .mapToObj(one::formatted).collect(Collectors.joining(",", "\"tools\":[", "]"));
    var answer = rig.post(CHAT, chat("[{\"role\":\"user\",\"content\":\"hi\"}]", many));
    IngressRig.assertProblem(400, "", answer);
    assertEquals("tools", IngressRig.json(answer).path("error").path("param").asText());
  }

  // ---- who cannot
  @Test
  void anAgentThatCannotTakeItSaysSoBeforeAnythingIsAccepted() {
    takes(Set.of());
    IngressRig.assertProblem(400, "images_not_supported", rig.post(CHAT, chat(looking(PNG), "")));
    IngressRig.assertProblem(400, "images_not_supported", rig.post(NATIVE, attached(PNG)));
    var tools = rig.post(CHAT, chat("[{\"role\":\"user\",\"content\":\"hi\"}]", TOOLS));
    IngressRig.assertProblem(400, "tools_not_supported", tools);
    assertTrue(tools.body().contains("agent \\\"main\\\""), tools.body());
    assertEquals(List.of(), rig.sessions.submitted());
  }
}
