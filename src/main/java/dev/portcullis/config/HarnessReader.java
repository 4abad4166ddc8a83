package dev.portcullis.config;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** Reads the settings of one harness, by its kind. */
final class HarnessReader {
  private static final Pattern LOOPBACK =
      Pattern.compile("(?i)localhost|127(\\.[0-9]{1,3}){3}|\\[::1]|\\[0:0:0:0:0:0:0:1]");
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
    return switch (keys.oneOf(key + ".kind", "echo", "acp", "claude-code", "codex", "openai", "anthropic")) {
      case "echo" -> new HarnessConfig.Echo(name);
      case "claude-code" -> claudeCode(name, key);
      case "codex" -> codex(name, key);
      case "openai" -> new HarnessConfig.OpenAi(server(name, key, "https://api.openai.com/v1"),
          keys.constant(key + ".api", HarnessConfig.OpenAi.Api.class, HarnessConfig.OpenAi.Api.CHAT));
      case "anthropic" -> new HarnessConfig.Anthropic(server(name, key, "https://api.anthropic.com"));
      case String _ -> new HarnessConfig.Acp(
          program(name, key, keys.text(key + ".command")),
          keys.optional(key + ".auth-method", keys::text, ""),
          keys.optional(key + ".model", keys::text, ""),
          keys.optional(key + ".mode", keys::text, ""),
          keys.optional(key + ".serve-files", keys::flag, false),
          keys.optional(key + ".serve-terminals", keys::flag, false));
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

  private HarnessConfig.ModelServer server(String name, String key, String usualUrl) {
    return new HarnessConfig.ModelServer(
        name,
        baseUrl(key, usualUrl),
        apiKey(key + ".api-key"),
        keys.text(key + ".model"),
        keys.optional(key + ".instructions", keys::maybeEmpty, ""),
        keys.optional(key + ".max-output-tokens", path -> keys.number(path, 1, 10_000_000), 8_192),
        keys.optional(key + ".context-tokens", path -> keys.number(path, 1, 100_000_000), 100_000),
        new HarnessConfig.ModelLimits(
            keys.optional(key + ".calls", path -> keys.number(path, 1, 10_000), 16),
            keys.optional(key + ".connect-deadline", keys::positive, Duration.ofSeconds(10)),
            keys.optional(key + ".silence", keys::positive, Duration.ofSeconds(90)),
            keys.optional(key + ".deadline", keys::positive, Duration.ofMinutes(15)),
            keys.optional(key + ".retries", path -> keys.number(path, 0, 10), 3)));
  }

  /** What a header can hold. The JDK's own refusal of anything else would show the key. */
  private String apiKey(String key) {
    var text = keys.text(key);
    if (!text.matches("[!-~]+")) {
      throw ConfigFault.of(key, "must be printable ASCII without blanks");
    }
    return text;
  }

  /** Messages never repeat the address: what is wrong with it may be a password inside. */
  private URI baseUrl(String key, String usualUrl) {
    var path = key + ".base-url";
    var insecure = keys.optional(key + ".insecure", keys::flag, false);
    var text = keys.optional(path, keys::text, usualUrl).replaceAll("/+$", "");
    var url = parsed(path, text);
    var scheme = url.getScheme() instanceof String word ? word.toLowerCase(Locale.ROOT) : "";
    if (!List.of("http", "https").contains(scheme) || !(url.getHost() instanceof String host)
        || url.getPort() > 65_535) {
      throw ConfigFault.of(path, "must be an http or https address with a host");
    }
    if (url.getRawUserInfo() != null || url.getRawQuery() != null || url.getRawFragment() != null) {
      throw ConfigFault.of(path, "must not hold a user, a query or a fragment; the key goes into api-key");
    }
    if (scheme.equals("http") && !insecure && !LOOPBACK.matcher(host).matches()) {
      throw ConfigFault.of(path, "would send the key and every conversation in the clear; use https, or, on a"
          + " network that nobody else reads, set " + key + ".insecure = true");
    }
    return url;
  }

  private static URI parsed(String path, String text) {
    try {
      return URI.create(text);
    } catch (IllegalArgumentException malformed) {
      throw ConfigFault.of(path, "must be an http or https address with a host");
    }
  }
}
