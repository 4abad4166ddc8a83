package dev.portcullis.config;

import static dev.portcullis.config.GatewayConfigTest.assertNames;
import static dev.portcullis.config.GatewayConfigTest.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HarnessSettingsTest {
  @Test void theSettingsOfAnAcpHarnessAreRead() {
    var sets = Map.of("portcullis.harnesses.oc", "{ kind = acp, command = oc, model = m, mode = plan, "
        + "auth-method = key, serve-files = true, serve-terminals = true }", "portcullis.agents.main.fallbacks", "[oc]");

    var config = (HarnessConfig.Acp) GatewayConfig.from(new ConfigSource.Shipped().load(sets, Map.of()))
        .harnesses().get("oc");

    assertEquals(new HarnessConfig.Acp(config.program(), "key", "m", "plan", true, true), config);
  }

  private static HarnessConfig model(String settings) {
    return GatewayConfig.from(new ConfigSource.Shipped()
        .load(Map.of("portcullis.harnesses.gpt", settings), Map.of())).harnesses().get("gpt");
  }

  @Test void aModelServerIsReadWithItsDefaultsAndKeepsItsKeyToItself() {
    var openAi = model("{ kind = openai, api-key = s3cret, model = gpt-x }");
    var anthropic = model("{ kind = anthropic, api-key = s3cret, model = claude-x, instructions = \"Be brief.\" }");

    var limits = new HarnessConfig.ModelLimits(
        16, Duration.ofSeconds(10), Duration.ofSeconds(90), Duration.ofMinutes(15), 3);
    assertEquals(new HarnessConfig.OpenAi(new HarnessConfig.ModelServer("gpt", URI.create("https://api.openai.com/v1"),
        "s3cret", "gpt-x", "", 8_192, 100_000, limits), HarnessConfig.OpenAi.Api.CHAT), openAi);
    assertEquals(new HarnessConfig.Anthropic(new HarnessConfig.ModelServer("gpt",
        URI.create("https://api.anthropic.com"), "s3cret", "claude-x", "Be brief.", 8_192, 100_000, limits)), anthropic);
    assertFalse((openAi.toString() + anthropic).contains("s3cret"));
    assertFalse(anthropic.toString().contains("Be brief."));
  }

  @Test void aModelServersSettingsAreTaken() {
    var harness = model("{ kind = openai, api = responses, base-url = \"https://h.example:8443/v1/\", api-key = k,"
        + " model = m, max-output-tokens = 5, context-tokens = 6, calls = 7, connect-deadline = 1s, silence = 2s,"
        + " deadline = 3s, retries = 0 }");

    assertEquals(new HarnessConfig.OpenAi(new HarnessConfig.ModelServer("gpt", URI.create("https://h.example:8443/v1"),
        "k", "m", "", 5, 6, new HarnessConfig.ModelLimits(
            7, Duration.ofSeconds(1), Duration.ofSeconds(2), Duration.ofSeconds(3), 0)),
        HarnessConfig.OpenAi.Api.RESPONSES), harness);
  }

  @Test @Tag("SEC-42") void aClaudeCodeHarnessIsReadWithDefaultsThatTrustNoWorkspace() {
    var config = GatewayConfig.from(new ConfigSource.Shipped().load(Map.of("portcullis.harnesses.cc",
        "{ kind = claude-code, env { ANTHROPIC_API_KEY = s3cret, CLAUDE_CODE_MAX_RETRIES = 5 } }"), Map.of()));

    assertEquals(
        new HarnessConfig.ClaudeCode(
            new HarnessConfig.Program("cc", "claude", List.of(), Map.of("ANTHROPIC_API_KEY", "s3cret",
                "CLAUDE_CODE_MAX_RETRIES", "5", "DISABLE_AUTOUPDATER", "1",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1", "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1"), 4,
                Duration.ofMinutes(5), Duration.ofSeconds(60)),
            "", "", "", List.of(), "2.1.129"),
        config.harnesses().get("cc"));
    assertFalse(config.toString().contains("s3cret"));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "api-key           | kind = openai, model = m",
      "api-key           | kind = anthropic, model = m, api-key = \"\"",
      "api-key           | kind = openai, model = m, api-key = \"s3cret with blanks\"",
      "api-key           | kind = openai, model = m, api-key = \"s3cret\\n\"",
      "model             | kind = openai, api-key = s3cret",
      "api               | kind = openai, api-key = s3cret, model = m, api = legacy",
      "api               | kind = anthropic, api-key = s3cret, model = m, api = chat",
      "base-url          | kind = openai, api-key = s3cret, model = m, base-url = \"ftp://h/v1\"",
      "base-url          | kind = openai, api-key = s3cret, model = m, base-url = \"api.example/v1\"",
      "base-url          | kind = openai, api-key = s3cret, model = m, base-url = \"https://\"",
      "base-url          | kind = openai, api-key = s3cret, model = m, base-url = \"https://u:s3cret@h.example/v1\"",
      "base-url          | kind = openai, api-key = s3cret, model = m, base-url = \"https://h.example/v1?key=s3cret\"",
      "base-url          | kind = openai, api-key = s3cret, model = m, base-url = \"https://h.example:70000/v1\"",
      "base-url          | kind = openai, api-key = s3cret, model = m, base-url = \"http://h.example/v1\"",
      "base-url          | kind = openai, api-key = s3cret, model = m, base-url = \"http://localhost.h.example/v1\"",
      "max-output-tokens | kind = openai, api-key = s3cret, model = m, max-output-tokens = 0",
      "context-tokens    | kind = openai, api-key = s3cret, model = m, context-tokens = 0",
      "calls             | kind = openai, api-key = s3cret, model = m, calls = 0",
      "connect-deadline  | kind = openai, api-key = s3cret, model = m, connect-deadline = 0s",
      "silence           | kind = openai, api-key = s3cret, model = m, silence = 0s",
      "deadline          | kind = openai, api-key = s3cret, model = m, deadline = 0s",
      "retries           | kind = openai, api-key = s3cret, model = m, retries = 11",
      "command           | kind = openai, api-key = s3cret, model = m, command = x"
  })
  @Tag("F-2")
  void aModelServerThatCannotBeMeantIsRefusedByNameWithoutShowingItsKey(String key, String settings) {
    var fault = assertThrows(ConfigFault.class, () -> model("{ " + settings + " }"));

    assertNames("portcullis.harnesses.gpt." + key, fault);
    assertFalse(fault.getMessage().contains("s3cret"), fault.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {
      "base-url = \"http://127.0.0.1:11434/v1\"",
      "base-url = \"http://LOCALHOST:11434/v1\"",
      "base-url = \"http://[::1]:11434/v1\"",
      "base-url = \"http://models.internal/v1\", insecure = true"
  })
  void plainHttpIsForThisMachineOrForWhoeverSaysSo(String address) {
    assertEquals("gpt", model("{ kind = openai, api-key = k, model = m, " + address + " }").name());
  }

  @Test void aCodexHarnessNeedsNoSettings() {
    var config = GatewayConfig.from(new ConfigSource.Shipped()
        .load(Map.of("portcullis.harnesses.cx", "{ kind = codex }"), Map.of()));

    assertEquals(
        new HarnessConfig.Codex(new HarnessConfig.Program("cx", "codex", List.of(), Map.of(), 4,
            Duration.ofMinutes(5), Duration.ofSeconds(60)), "", "workspace-write", "untrusted", ""),
        config.harnesses().get("cx"));
  }

  @Test void aCodexHarnessIsReadWithAllItsSettings() {
    var config = GatewayConfig.from(new ConfigSource.Shipped().load(Map.of("portcullis.harnesses.cx", """
        { kind = codex, command = /opt/codex, args = ["-c", "x=1"], env { CODEX_HOME = "/c" }, model = "o/gpt-x.1",
          sandbox = read-only, approval-policy = on-request, instructions = "Be brief.", processes = 2 }"""),
        Map.of()));

    assertEquals(
        new HarnessConfig.Codex(new HarnessConfig.Program("cx", "/opt/codex", List.of("-c", "x=1"),
            Map.of("CODEX_HOME", "/c"), 2, Duration.ofMinutes(5), Duration.ofSeconds(60)), "o/gpt-x.1", "read-only",
            "on-request", "Be brief."),
        config.harnesses().get("cx"));
  }

  @ParameterizedTest
  @CsvSource({"model, --dangerously-bypass", "model, -m", "sandbox, none", "approval-policy, always",
      "instructions, ''", "processes, 0", "colour, red"})
  @Tag("F-2")
  @Tag("SEC-40")
  void aSettingOfCodexThatCannotBeIsRefusedByName(String setting, String value) {
    assertNames("portcullis.harnesses.cx." + setting, refused(Map.of("portcullis.harnesses.cx",
        "{ kind = codex, " + setting + " = \"" + value + "\" }")));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "model | --dangerously-skip-permissions", "permission-mode | everything", "setting-sources | [all]",
      "minimum-version | 2.1.128", "minimum-version | latest", "minimum-version | 2.1.129-beta"})
  @Tag("SEC-40")
  void aSettingOfClaudeCodeThatCannotBeMeantIsRefused(String key, String value) {
    var sets = Map.of("portcullis.harnesses.cc",
        "{ kind = claude-code, " + key + " = " + (value.startsWith("[") ? value : "\"" + value + "\"") + " }");

    assertNames("portcullis.harnesses.cc." + key, assertThrows(ConfigFault.class,
        () -> GatewayConfig.from(new ConfigSource.Shipped().load(sets, Map.of()))));
  }
}
