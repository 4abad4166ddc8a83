package dev.portcullis.protocol;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Objects;

/**
 * The functions that a turn offers to its model. Journalled with it, so fields only grow.
 *
 * @param named the function that must be called, empty unless {@code choice} is NAMED
 * @param serial whether at most one may be called at a time
 */
public record Toolbox(
    @JsonInclude(JsonInclude.Include.NON_EMPTY) List<FunctionTool> tools,
    Choice choice,
    @JsonInclude(JsonInclude.Include.NON_EMPTY) String named,
    boolean serial) {
  /** Whether the model calls one: as it likes, never, at least one, or the one named. */
  public enum Choice { AUTO, NONE, REQUIRED, NAMED }

  public static final Toolbox EMPTY = new Toolbox(List.of(), Choice.AUTO, "", false);

  public Toolbox {
    tools = tools == null ? List.of() : List.copyOf(tools);
    choice = Objects.requireNonNullElse(choice, Choice.AUTO);
    named = Objects.requireNonNullElse(named, "");
  }

  public boolean isEmpty() {
    return tools.isEmpty();
  }
}
