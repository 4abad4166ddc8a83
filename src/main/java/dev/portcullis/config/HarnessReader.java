package dev.portcullis.config;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Reads the settings of one harness, by its kind. */
final class HarnessReader {
  private final KeyReader keys;

  HarnessReader(KeyReader keys) {
    this.keys = keys;
  }

  HarnessConfig harness(String name, String key) {
    return switch (keys.oneOf(key + ".kind", "echo", "acp")) {
      case "echo" -> new HarnessConfig.Echo(name);
      case String _ -> new HarnessConfig.Acp(
          program(name, key, keys.text(key + ".command")),
          keys.optional(key + ".auth-method", keys::text, ""),
          keys.optional(key + ".model", keys::text, ""),
          keys.optional(key + ".mode", keys::text, ""),
          keys.optional(key + ".serve-files", keys::flag, false),
          keys.optional(key + ".serve-terminals", keys::flag, false));
    };
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
