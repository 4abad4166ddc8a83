package dev.portcullis.harness.process;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What to start.
 *
 * @param harness name of the harness, for logs
 * @param program absolute, as {@link Program#find} returns it
 * @param env everything besides PATH, HOME, LANG and TERM
 * @param directory working directory; exists
 */
public record ProcessSpec(
    String harness, Path program, List<String> args, Map<String, String> env, Path directory) {
  public ProcessSpec {
    args = List.copyOf(args);
    env = Map.copyOf(env);
  }
}
