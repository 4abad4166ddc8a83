package dev.portcullis.harness.acp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.portcullis.harness.Harness.Recovery;
import dev.portcullis.harness.HarnessFault;
import dev.portcullis.harness.HarnessFault.Code;
import dev.portcullis.harness.HarnessUpdate;
import dev.portcullis.harness.HarnessUpdate.StepFinished;
import dev.portcullis.harness.InputDigest;
import dev.portcullis.harness.agent.ToolSteps;
import dev.portcullis.harness.jsonrpc.Reply;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AcpCodecTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final AcpAgent AGENT = new AcpAgent("a", "1", true, true, false,
      List.of(new AcpAgent.Login("login", "Run `a login`")));

  private static List<JsonNode> golden(String name) throws IOException {
    try (var in = AcpCodecTest.class.getResourceAsStream("/golden/acp/" + name + ".jsonl")) {
      var frames = new ArrayList<JsonNode>();
      for (var line : new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList()) {
        frames.add(JSON.readTree(line));
      }
      return frames;
    }
  }

  /** Plays recorded frames as an attempt does, each permission answered so. */
  private static List<HarnessUpdate> play(String name, boolean allow) throws IOException {
    var steps = new ToolSteps();
    var updates = new ArrayList<HarnessUpdate>();
    for (var frame : golden(name)) {
      if (frame.has("result")) {
        updates.addAll(steps.close());
        updates.addAll(AcpCodec.decodeEnd(frame.get("result"), 7));
      } else if (frame.has("id")) {
        var permission = AcpCodec.decodePermission(frame.get("params"));
        var asked = steps.asked(permission.tool());
        updates.add(new HarnessUpdate.ApprovalRequested("p", "k", asked.title(), asked.input(), "d"));
        updates.addAll(steps.decided(asked.callId(), allow));
      } else {
        switch (AcpCodec.decodeUpdate(frame.get("params"))) {
          case AcpUpdate.Text(var text) -> updates.add(new HarnessUpdate.Text(text));
          case AcpUpdate.Tool(var call) -> updates.addAll(steps.apply(call));
          case AcpUpdate.Other(var kind) -> updates.add(new HarnessUpdate.Unknown(kind));
          case AcpUpdate.Aside _, AcpUpdate.Cost _ -> { }
        }
      }
    }
    return updates;
  }

  @Test
  void anAllowedToolOfOpenCodeIsOneStepThatBeginsAfterTheApproval() throws Exception {
    var input = "{\"command\":\"echo hi\"}";
    assertEquals(List.of(
        new HarnessUpdate.Text("I will "),
        new HarnessUpdate.ApprovalRequested("p", "k", "echo hi", input, "d"),
        new HarnessUpdate.StepStarted("call_1", "echo hi", "execute", InputDigest.of(input)),
        new StepFinished("call_1", true),
        new HarnessUpdate.Usage(130, 12, 40, 7),
        new HarnessUpdate.Completed("end_turn")), play("opencode-tool", true));
  }

  @Test
  void aDeniedToolOfClaudeFails() throws Exception {
    var input = "{\"command\":\"touch no.txt\",\"description\":\"scripted\"}"; // In the order of the names.
    assertEquals(List.of(
        new HarnessUpdate.ApprovalRequested("p", "k", "touch no.txt", input, "d"),
        new HarnessUpdate.StepStarted("toolu_1", "touch no.txt", "execute", InputDigest.of(input)),
        new StepFinished("toolu_1", false),
        new HarnessUpdate.Usage(380, 24, 80, 7),
        new HarnessUpdate.Completed("end_turn")), play("claude-tool", false));
  }

  @Test
  void aToolThatGeminiNeverAnnouncedIsCreatedByItsPermission() throws Exception {
    assertEquals(List.of(
        new HarnessUpdate.ApprovalRequested("p", "k", "echo hi", "", "d"),
        new HarnessUpdate.StepStarted("shell-1", "echo hi", "execute", ""),
        new StepFinished("shell-1", true),
        new HarnessUpdate.Usage(120, 12, 0, 7),
        new HarnessUpdate.Completed("end_turn")), play("gemini-tool", true));
  }

  @Test
  void capabilitiesAreThereWhenTheirKeyIs() throws Exception {
    var frames = golden("initialize").stream().map(frame -> AcpCodec.decodeAgent(frame.get("result")))
        .toList();
    assertEquals(new AcpAgent("OpenCode", "1.18.33", true, true, true,
        List.of(new AcpAgent.Login("opencode-login", "Run `opencode auth login` in the terminal"))),
        frames.get(0));
    assertEquals(new AcpAgent("gemini-cli", "0.61.0", true, false, true,
        List.of(new AcpAgent.Login("gemini-api-key", "Gemini API key"))), frames.get(1));
    assertTrue(frames.get(1).loadsOnlyAfterAMinute());
    assertEquals(new AcpAgent("", "", false, false, false, List.of()), frames.get(2));
    assertEquals(Recovery.REPLAY, frames.get(2).recovery());
  }

  @Test
  void theOptionIsChosenByItsKindAndNeverForLonger() throws Exception {
    var permission = AcpCodec.decodePermission(golden("gemini-tool").get(1).get("params"));
    assertEquals("proceed_once", permission.choose(true).orElseThrow());
    assertEquals("cancel", permission.choose(false).orElseThrow());
    var always = new AcpPermission(permission.tool(), List.of(
        new AcpPermission.Option("a", "allow_always"), new AcpPermission.Option("r", "reject_always")));
    assertTrue(always.choose(true).isEmpty());
    assertEquals("r", always.choose(false).orElseThrow());
  }

  @Test
  void requestsLookAsTheProtocolHasThem() throws Exception {
    assertEquals(JSON.readTree("""
        {"protocolVersion":1,
         "clientCapabilities":{"fs":{"readTextFile":false,"writeTextFile":false},"terminal":false},
         "clientInfo":{"name":"portcullis","title":"Portcullis","version":"1"}}"""), AcpCodec.initialize(false, false));
    assertEquals(JSON.readTree("""
        {"fs":{"readTextFile":true,"writeTextFile":true},"terminal":true}"""),
        AcpCodec.initialize(true, true).path("clientCapabilities"));
    assertEquals(JSON.readTree("""
        {"cwd":"/w","mcpServers":[],"sessionId":"s"}"""), AcpCodec.openSession("s", Path.of("/w")));
    assertEquals(JSON.readTree("""
        {"sessionId":"s","prompt":[{"type":"text","text":"hi"}]}"""), AcpCodec.prompt("s", "hi", List.of()));
    assertEquals(JSON.readTree("""
        {"outcome":{"outcome":"selected","optionId":"x"}}"""), AcpCodec.selected("x"));
    assertEquals(JSON.readTree("""
        {"outcome":{"outcome":"cancelled"}}"""), AcpCodec.cancelled());
  }

  @Test
  void whatCameFromACacheCountsAsInput() throws Exception {
    for (var usage : List.of("""
        {"inputTokens":70,"outputTokens":12,"cachedReadTokens":40,"totalTokens":122}""", """
        {"inputTokens":70,"outputTokens":12,"cachedReadTokens":40}""")) {
      var result = JSON.createObjectNode().put("stopReason", "end_turn").set("usage", JSON.readTree(usage));
      assertEquals(new HarnessUpdate.Usage(110, 12, 40, 0), AcpCodec.decodeEnd(result, 0).getFirst());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"agent_thought_chunk", "user_message_chunk", "plan", "available_commands_update",
      "current_mode_update", "config_option_update", "session_info_update", "usage_update", "notice",
      "compaction_started"})
  void whatARunDoesNotKeepIsKnownAllTheSame(String kind) throws Exception {
    assertEquals(new AcpUpdate.Aside(), update("{\"sessionUpdate\":\"" + kind + "\"}"));
    assertEquals(new AcpUpdate.Other("of_next_year"), update("{\"sessionUpdate\":\"of_next_year\"}"));
  }

  @Test
  void theCostOfASessionIsReadInDollarsOnly() throws Exception {
    var cost = "{\"sessionUpdate\":\"usage_update\",\"cost\":{\"amount\":0.00261,\"currency\":\"%s\"}}";
    assertEquals(new AcpUpdate.Cost(2_610), update(cost.formatted("USD")));
    assertEquals(new AcpUpdate.Aside(), update(cost.formatted("EUR")));
  }

  @Test
  void anEditThatIsToldAsADifferenceAloneIsAskedAboutWithIt() throws Exception {
    var permission = AcpCodec.decodePermission(JSON.readTree("""
        {"options":[],"toolCall":{"toolCallId":"w","title":"a.txt","kind":"edit","content":
          [{"type":"diff","path":"/w/a.txt","oldText":null,"newText":"new"}]}}"""));
    assertEquals("[{\"newText\":\"new\",\"oldText\":null,\"path\":\"/w/a.txt\",\"type\":\"diff\"}]",
        permission.tool().input());
  }

  private static AcpUpdate update(String json) throws IOException {
    return AcpCodec.decodeUpdate(JSON.createObjectNode().set("update", JSON.readTree(json)));
  }

  @Test
  void aMissingFieldIsNamed() throws Exception {
    var fault = assertThrows(HarnessFault.class, () ->
        AcpCodec.decodeUpdate(JSON.readTree("{\"update\":{}}")));
    assertEquals(Code.MALFORMED, fault.code());
    assertTrue(fault.getMessage().contains("sessionUpdate"));
    assertThrows(HarnessFault.class, () -> AcpCodec.decodeAgent(MissingNode.getInstance()));
    assertThrows(HarnessFault.class, () -> AcpCodec.decodeEnd(JSON.createObjectNode(), 0));
  }

  @Test
  void errorsAreTyped() {
    assertEquals(Code.AUTHENTICATION, error(-32000, "{}").code());
    assertEquals(Code.AUTHENTICATION, error(-32603, "{\"errorKind\":\"authentication_failed\"}").code());
    assertTrue(error(-32000, "{}").getMessage().contains("Run `a login`"));
    assertTrue(error(-32000, "{}").getMessage().contains("login"), "what auth-method takes");
    assertEquals(Code.REFUSED, error(-32603, "{\"errorName\":\"APIError\"}").code());
    assertEquals(Code.RATE_LIMITED, error(429, "{}").code());
    assertEquals(Code.UPSTREAM, error(-32603, "{\"errorKind\":\"server_error\"}").code());
    assertEquals(Code.INVALID_REQUEST, error(400, "{}").code());
    assertEquals(Code.OVERLOADED, AcpErrors.of("session/prompt", new Reply.Error(-32603,
        "Internal error: API Error: 529 Overloaded", MissingNode.getInstance()), AGENT).code());
    assertEquals(Code.WRONG_VERSION,
        AcpCodec.decodeHandshakeError(new Reply.Error(-32602, "bad", MissingNode.getInstance())).code());
    assertInstanceOf(HarnessUpdate.Failed.class,
        AcpCodec.decodeEnd(JSON.createObjectNode().put("stopReason", "cancelled"), 0).getLast());
  }

  private static HarnessFault error(int code, String data) {
    try {
      return AcpErrors.of("session/prompt", new Reply.Error(code, "no", JSON.readTree(data)), AGENT);
    } catch (IOException e) {
      throw new IllegalArgumentException(e);
    }
  }

  @Test
  void aSessionOfAnAgentWhoseLoadDestroysIsRipeAfterAMinute() {
    var now = new AtomicReference<>(Instant.EPOCH);
    var ages = new AcpSessionAges(new Clock() {
      @Override
      public ZoneOffset getZone() {
        return ZoneOffset.UTC;
      }

      @Override
      public Clock withZone(java.time.ZoneId zone) {
        return this;
      }

      @Override
      public Instant instant() {
        return now.get();
      }
    });
    var gemini = new AcpAgent("gemini-cli", "1", true, false, false, List.of());
    assertTrue(ages.mayReopen(AGENT, "s"));
    assertEquals(false, ages.mayReopen(gemini, "of an earlier life"));
    now.set(Instant.EPOCH.plus(AcpSessionAges.RIPE));
    assertTrue(ages.mayReopen(gemini, "of an earlier life"));
    ages.touched("s");
    assertEquals(false, ages.mayReopen(gemini, "s"));
    now.set(now.get().plus(Duration.ofSeconds(61)));
    assertTrue(ages.mayReopen(gemini, "s"));
  }
}
