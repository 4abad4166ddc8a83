package dev.portcullis.config;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Reads the settings of one harness, by its kind. */
final class HarnessReader {
  private static final Predicate<String> MODEL =
      model -> model.matches("[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}");

  private final KeyReader keys;

  HarnessReader(KeyReader keys) {
    this.keys = keys;
  }

  HarnessConfig harness(String name, String key) {
    return switch (keys.oneOf(key + ".kind", "echo", "acp", "codex")) {
      case "echo" -> new HarnessConfig.Echo(name);
      case "codex" -> codex(name, key);
      case String _ -> new HarnessConfig.Acp(program(name, key, keys.text(key + ".command")));
    };
  }

  private HarnessConfig.Codex codex(String name, String key) {
    return new HarnessConfig.Codex(
        program(name, key, keys.optional(key + ".command", keys::text, "codex")),
        keys.optional(key + ".model", this::model, ""),
        keys.optional(key + ".sandbox",
            path -> keys.oneOf(path, "read-only", "workspace-write", "danger-full-access"),
            "workspace-write"),
        keys.optional(key + ".approval-policy",
            path -> keys.oneOf(path, "untrusted", "on-request", "never"), "untrusted"),
        keys.optional(key + ".instructions", keys::text, ""));
  }

  /** No model is called like an option, and no program can then take one for an option. */
  private String model(String key) {
    var model = keys.text(key);
    if (!MODEL.test(model)) {
      throw ConfigFault.of(key, "must be the name of a model: letters, digits, . _ : / @ + -, none of them "
          + "but a letter or digit in front; at most 200");
    }
    return model;
  }

  private HarnessConfig.Program program(String name, String key, String command) {
    return new HarnessConfig.Program(
        name,
        command,
        keys.optional(key + ".args", keys::texts, List.of()),
        keys.optional(key + ".env", keys::environment, Map.of()),
        keys.optional(key + ".processes", path -> keys.number(path, 1, 1_000), 4),
        keys.optional(key + ".idle-close", keys::positive, Duration.ofMinutes(5)),
        keys.optional(key + ".start-deadline", keys::positive, Duration.ofSeconds(60)));
  }
}
