package dev.portcullis.journal;

import java.util.HashMap;
import java.util.Map;
import org.apache.pekko.actor.setup.Setup;

/**
 * The one table of what is on disk: short stable manifest and class, one to one. A class may move or be
 * renamed, a manifest never. Boot hands it over inside {@link JournalSetup}; a test without a journal hands
 * it over as it is.
 */
public final class EventTypes extends Setup {

  private final Map<String, Class<?>> classes;
  private final Map<Class<?>, String> manifests;

  private EventTypes(Map<String, Class<?>> classes, Map<Class<?>, String> manifests) {
    this.classes = Map.copyOf(classes);
    this.manifests = Map.copyOf(manifests);
  }

  public static Builder builder() {
    return new Builder();
  }

  /** @throws IllegalArgumentException naming the class when it has no line in the table */
  public String manifestOf(Object value) {
    var manifest = manifests.get(value.getClass());
    if (manifest == null) {
      var type = value.getClass().getName();
      throw new IllegalArgumentException("no manifest for " + type + "; add it to EventTypes");
    }
    return manifest;
  }

  /** @throws IllegalArgumentException naming the manifest when it has no line in the table */
  public Class<?> classOf(String manifest) {
    var type = classes.get(manifest);
    if (type == null) {
      throw new IllegalArgumentException("no class for manifest \"" + manifest + "\"; is it newer?");
    }
    return type;
  }

  /** All lines, for the test that pins the table. */
  public Map<String, Class<?>> table() {
    return classes;
  }

  /** Gathers the lines. */
  public static final class Builder {
    private final Map<String, Class<?>> classes = new HashMap<>();
    private final Map<Class<?>, String> manifests = new HashMap<>();

    private Builder() {}

    /** @throws IllegalStateException when the manifest or the class is there already */
    public Builder add(String manifest, Class<?> type) {
      if (manifest.isBlank()) {
        throw new IllegalArgumentException("empty manifest for " + type.getName());
      }
      if (classes.containsKey(manifest)) {
        var other = classes.get(manifest);
        throw new IllegalStateException("manifest \"" + manifest + "\" names " + other + " already");
      }
      if (manifests.containsKey(type)) {
        throw new IllegalStateException(type + " has the manifest \"" + manifests.get(type) + "\" already");
      }
      classes.put(manifest, type);
      manifests.put(type, manifest);
      return this;
    }

    public EventTypes build() {
      return new EventTypes(classes, manifests);
    }
  }
}
