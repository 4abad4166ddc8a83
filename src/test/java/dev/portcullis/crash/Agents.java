package dev.portcullis.crash;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Processes of agents that live. */
final class Agents {
  private Agents() {}

  /** Those of a simulator, by the store in their environment; the gateway itself has none. */
  static List<Long> of(Path store) {
    return with("SIM_STORE=" + store);
  }

  /** Those that have {@code variable} in their environment. */
  static List<Long> with(String variable) {
    return ProcessHandle.allProcesses()
        .filter(process -> environment(process.pid()).contains(variable))
        .map(ProcessHandle::pid)
        .toList();
  }

  private static String environment(long pid) {
    try {
      return Files.readString(Path.of("/proc/" + pid + "/environ"), StandardCharsets.ISO_8859_1);
    } catch (IOException gone) {
      return "";
    }
  }
}
