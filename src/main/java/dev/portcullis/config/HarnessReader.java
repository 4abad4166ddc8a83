package dev.portcullis.config;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Reads the settings of one harness, by its kind. */
final class HarnessReader {
  /**
   * Claude Code retries ten times over minutes, updates itself, and works on between turns; with us a run has
   * attempts, an update is somebody's decision, and work belongs to a run.
   */
  private static final Map<String, String> CLAUDE_ENV = Map.of("CLAUDE_CODE_MAX_RETRIES", "2",
      "DISABLE_AUTOUPDATER", "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1",
      "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1");

  private final KeyReader keys;

  HarnessReader(KeyReader keys) {
    this.keys = keys;
  }

  HarnessConfig harness(String name, String key) {
    return switch (keys.oneOf(key + ".kind", "echo", "acp", "claude-code", "codex")) {
      case "echo" -> new HarnessConfig.Echo(name);
      case "claude-code" -> claudeCode(name, key);
      case "codex" -> codex(name, key);
      case String _ -> new HarnessConfig.Acp(program(name, key, keys.text(key + ".command")));
    };
  }

  private HarnessConfig claudeCode(String name, String key) {
    return new HarnessConfig.ClaudeCode(
        program(name, key, keys.optional(key + ".command", keys::text, "claude")).withDefaults(CLAUDE_ENV),
        keys.optional(key + ".model", keys::argument, ""),
        keys.optional(key + ".permission-mode", path -> keys.oneOf(path,
            "default", "acceptEdits", "plan", "dontAsk", "auto", "bypassPermissions"), ""),
        keys.optional(key + ".system-prompt", keys::text, ""),
        keys.optional(key + ".setting-sources",
            path -> keys.someOf(path, "user", "project", "local"), List.of()),
        keys.optional(key + ".minimum-version",
            path -> keys.version(path, HarnessConfig.ClaudeCode.OLDEST_VERSION),
            HarnessConfig.ClaudeCode.OLDEST_VERSION));
  }

  private HarnessConfig.Codex codex(String name, String key) {
    return new HarnessConfig.Codex(
        program(name, key, keys.optional(key + ".command", keys::text, "codex")),
        keys.optional(key + ".model", keys::argument, ""),
        keys.optional(key + ".sandbox",
            path -> keys.oneOf(path, "read-only", "workspace-write", "danger-full-access"),
            "workspace-write"),
        keys.optional(key + ".approval-policy",
            path -> keys.oneOf(path, "untrusted", "on-request", "never"), "untrusted"),
        keys.optional(key + ".instructions", keys::text, ""));
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
