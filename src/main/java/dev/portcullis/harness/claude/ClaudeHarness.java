package dev.portcullis.harness.claude;

import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.agent.AgentHarness;
import dev.portcullis.harness.process.ProcessLauncher;
import java.nio.file.Path;

/** Claude Code over its stream of JSON lines. */
public final class ClaudeHarness {
  private ClaudeHarness() {}

  /**
   * @param directory where the process that proves the harness works: the workspace of an agent, best; exists
   */
  public static Harness create(HarnessConfig.ClaudeCode config, ProcessLauncher launcher, Path directory) {
    return AgentHarness.create(config.program(), launcher.path(), directory, timer -> {
      var parts = new ClaudeConnection.Parts(config, launcher, new ClaudeVersion(config, launcher), timer);
      return (workspace, session) -> ClaudeConnection.open(parts, workspace, session);
    });
  }
}
