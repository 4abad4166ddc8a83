package dev.portcullis.boot;

import dev.portcullis.config.AgentConfig;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.acp.AcpHarness;
import dev.portcullis.harness.anthropic.AnthropicHarness;
import dev.portcullis.harness.claude.ClaudeHarness;
import dev.portcullis.harness.codex.CodexHarness;
import dev.portcullis.harness.echo.EchoHarness;
import dev.portcullis.harness.openai.OpenAiHarness;
import dev.portcullis.harness.process.ProcessLauncher;
import java.nio.file.Path;
import java.time.Clock;
import java.util.random.RandomGenerator;

/** From settings to a harness: the one place that knows every adapter. */
final class HarnessFactory {
  private final GatewayConfig config;
  private final ProcessLauncher launcher;
  private final Clock clock;
  private final RandomGenerator random;

  HarnessFactory(
      GatewayConfig config, ProcessLauncher launcher, Clock clock, RandomGenerator random) {
    this.config = config;
    this.launcher = launcher;
    this.clock = clock;
    this.random = random;
  }

  Harness create(HarnessConfig harness) {
    return switch (harness) {
      case HarnessConfig.Echo _ -> EchoHarness.create();
      case HarnessConfig.ClaudeCode claude -> ClaudeHarness.create(claude, launcher, workspaceOf(claude));
      case HarnessConfig.Acp acp -> AcpHarness.create(acp, launcher, workspaceOf(acp), clock);
      case HarnessConfig.OpenAi openAi -> OpenAiHarness.create(openAi, clock, random);
      case HarnessConfig.Anthropic anthropic -> AnthropicHarness.create(anthropic, clock, random);
      case HarnessConfig.Codex codex -> CodexHarness.create(codex, launcher, workspaceOf(codex));
    };
  }

  /** Where a process works that proves the harness: the workspace of an agent that uses it. */
  private Path workspaceOf(HarnessConfig harness) {
    return config.agents().values().stream()
        .filter(agent -> agent.harnesses().contains(harness.name()))
        .map(AgentConfig::workspace)
        .findFirst()
        .orElse(config.data());
  }
}
