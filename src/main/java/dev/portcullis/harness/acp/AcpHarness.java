package dev.portcullis.harness.acp;

import dev.portcullis.config.HarnessConfig;
import dev.portcullis.harness.Harness;
import dev.portcullis.harness.agent.AgentHarness;
import dev.portcullis.harness.process.ProcessLauncher;
import java.nio.file.Path;
import java.time.Clock;

/** Any agent that speaks the Agent Client Protocol. */
public final class AcpHarness {
  private AcpHarness() {}

  /**
   * @param directory where the process that proves the harness works: the workspace of an agent, best; exists
   */
  public static Harness create(
      HarnessConfig.Acp config, ProcessLauncher launcher, Path directory, Clock clock) {
    var ages = new AcpSessionAges(clock);
    return AgentHarness.create(config.program(), launcher.path(), directory, timer -> {
      var parts = new AcpConnection.Parts(config, launcher, ages, timer);
      return (workspace, _) -> AcpConnection.open(parts, workspace);
    });
  }
}
