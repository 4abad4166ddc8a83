package dev.portcullis.protocol;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * What a turn carries besides its text. Journalled with it, so fields only grow.
 *
 * @param images that belong to the text, in order
 * @param tools offered for this turn only
 * @param results of the calls with which the run before ended; they come before the text, which may be empty
 */
public record Input(
    @JsonInclude(JsonInclude.Include.NON_EMPTY) List<Image> images,
    @JsonInclude(value = JsonInclude.Include.CUSTOM, valueFilter = Input.Nothing.class) Toolbox tools,
    @JsonInclude(JsonInclude.Include.NON_EMPTY) List<FunctionResult> results) {
  public static final Input NONE = new Input(List.of(), Toolbox.EMPTY, List.of());

  public Input {
    images = images == null ? List.of() : List.copyOf(images);
    tools = Objects.requireNonNullElse(tools, Toolbox.EMPTY);
    results = results == null ? List.of() : List.copyOf(results);
  }

  public static Input of(List<Image> images) {
    return new Input(images, Toolbox.EMPTY, List.of());
  }

  public boolean isEmpty() {
    return images.isEmpty() && tools.isEmpty() && results.isEmpty();
  }

  /** What a harness must be able to take for this, after {@code context}. */
  public Set<Need> needs(List<Message> context) {
    var needs = EnumSet.noneOf(Need.class);
    if (!images.isEmpty() || context.stream().anyMatch(message -> !message.images().isEmpty())) {
      needs.add(Need.IMAGES);
    }
    if (!tools.isEmpty() || !results.isEmpty()) {
      needs.add(Need.TOOLS);
    }
    return needs;
  }

  /** As views tell of it: no bytes of images. */
  public Input told() {
    return images.isEmpty() ? this : new Input(images.stream().map(Image::told).toList(), tools, results);
  }

  /** For the journal: most turns are text alone, and need not say so on disk. */
  public static final class Nothing {
    @Override
    public boolean equals(Object input) {
      return Input.NONE.equals(input) || Toolbox.EMPTY.equals(input);
    }

    @Override
    public int hashCode() {
      return 0;
    }
  }
}
