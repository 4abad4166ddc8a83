package dev.portcullis.crash;

import dev.portcullis.harness.process.Marker;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
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

  /** The variable, up to the number of the process, by which a gateway knows what one life of it has started. */
  static String marker(long pid) {
    return Arrays.stream(environment(pid).split("\0"))
        .filter(entry -> entry.startsWith(Marker.VARIABLE + "="))
        .map(entry -> entry.substring(0, entry.lastIndexOf(':') + 1))
        .findFirst().orElseThrow();
  }

  private static String environment(long pid) {
    try {
      return Files.readString(Path.of("/proc/" + pid + "/environ"), StandardCharsets.ISO_8859_1);
    } catch (IOException gone) {
      return "";
    }
  }
}
