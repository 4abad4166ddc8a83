package dev.portcullis.harness.agent;

import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

/** One place for a process. What it is used for is guarded by the lock of {@link AgentPool}. */
final class AgentSlot {
  sealed interface Use {}

  record Starting() implements Use {}

  record Standby() implements Use {}

  record Busy(String conversation) implements Use {}

  record Idle(String conversation) implements Use {}

  /** @param conversation whose process it was, empty when nobody's */
  record Ending(String conversation) implements Use {}

  final Path directory;
  final String session;
  final CompletableFuture<AgentConnection> connection = new CompletableFuture<>();
  final CompletableFuture<Void> gone = new CompletableFuture<>();
  Use use;

  /** @param session that its process is started for, empty for a new one */
  AgentSlot(Path directory, String session, Use use) {
    this.directory = directory;
    this.session = session;
    this.use = use;
  }
}
