package dev.portcullis.harness.process;

import dev.portcullis.harness.Eventually;
import dev.portcullis.harness.HarnessFault;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;

/** Keeps what a process said, without the brace that makes a line of a shell count as one of an agent. */
final class Recorder implements ProcessListener {
  final List<String> lines = new CopyOnWriteArrayList<>();
  final CompletableFuture<HarnessFault> ended = new CompletableFuture<>();

  @Override
  public void line(String line) {
    lines.add(line.substring(1));
  }

  @Override
  public void ended(HarnessFault fault) {
    ended.complete(fault);
  }

  String awaitLine(int index) {
    Eventually.isTrue(() -> "line " + index + " in " + lines, () -> lines.size() > index);
    return lines.get(index);
  }
}
