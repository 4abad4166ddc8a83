package dev.portcullis.harness.codex;

import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.agent.AgentHarness;
import dev.portcullis.harness.process.ProcessLauncher;
import java.nio.file.Path;

/** Codex as a harness. */
public final class CodexHarness {
  private CodexHarness() {}

  /**
   * @param directory where the process that proves the harness works: the workspace of an agent, best; exists
   */
  public static Harness create(HarnessConfig.Codex config, ProcessLauncher launcher, Path directory) {
    return AgentHarness.create(config.program(), launcher.path(), directory, timer -> {
      var parts = new CodexConnection.Parts(config, launcher, timer);
      return (workspace, _) -> CodexConnection.open(parts, workspace);
    });
  }
}
