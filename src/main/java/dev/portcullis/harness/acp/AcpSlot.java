package dev.portcullis.harness.acp;

import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

/** One place for a process. What it is used for is guarded by the lock of {@link AcpPool}. */
final class AcpSlot {
  sealed interface Use {}

  record Starting() implements Use {}

  record Standby() implements Use {}

  record Busy(String conversation) implements Use {}

  record Idle(String conversation) implements Use {}

  /** @param conversation whose process it was, empty when nobody's */
  record Ending(String conversation) implements Use {}

  final Path directory;
  final CompletableFuture<AcpConnection> connection = new CompletableFuture<>();
  final CompletableFuture<Void> gone = new CompletableFuture<>();
  Use use;

  AcpSlot(Path directory, Use use) {
    this.directory = directory;
    this.use = use;
  }
}
