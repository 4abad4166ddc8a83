package dev.portcullis.harness;

import static org.junit.jupiter.api.Assumptions.abort;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The agents as their makers ship them, put to work by {@code .ci/install-agents}, and set up so that each talks
 * to a {@link StandInModel} alone, keeps everything below one home, asks before commands, and retries little.
 */
public enum RealAgent {
  OPENCODE("opencode", List.of("acp")),
  GEMINI("gemini", List.of("--acp", "-m", StandInModel.MODEL)),
  CLAUDE_ACP("claude-agent-acp", List.of()),
  CLAUDE("claude", List.of()),
  CODEX("codex", List.of());

  private static final ObjectMapper JSON = new ObjectMapper();
  /** Where nothing listens: an agent that wants to fetch something has to do without. */
  private static final String NOWHERE = "http://127.0.0.1:9/";

  private final String program;
  private final List<String> arguments;

  RealAgent(String program, List<String> arguments) {
    this.program = program;
    this.arguments = arguments;
  }

  /** As settings and links call it. */
  public String program() {
    return program;
  }

  /** What makes it speak ACP; empty where it does so anyway or speaks a protocol of its own. */
  public List<String> arguments() {
    return arguments;
  }

  /** Where it is. A test that asks for an agent that is not installed is skipped. */
  public Path command() {
    var agents = System.getenv().getOrDefault("PORTCULLIS_TEST_AGENTS", "target/agents");
    var command = Path.of(agents, "bin", program).toAbsolutePath();
    if (!Files.isExecutable(command)) {
      var reason = "skipped: there is no " + command + "; .ci/install-agents puts it there";
      System.out.println(reason);
      abort(reason);
    }
    return command;
  }

  /** Its environment. What it reads from files is written below {@code home}, which is made if need be. */
  public Map<String, String> environment(StandInModel model, Path home) {
    try {
      Files.createDirectories(home);
      var environment = new HashMap<>(Map.of("HOME", home.toString(), "NO_BROWSER", "1", "NO_COLOR", "1"));
      environment.putAll(switch (this) {
        case OPENCODE -> openCode(model);
        case GEMINI -> gemini(model, home);
        case CLAUDE, CLAUDE_ACP -> claude(model, home);
        case CODEX -> codex(model, home);
      });
      return Map.copyOf(environment);
    } catch (IOException e) {
      throw new AssertionError("cannot set up " + program + " in " + home, e);
    }
  }

  private static Map<String, String> openCode(StandInModel model) {
    var config = JSON.createObjectNode().put("model", "standin/" + StandInModel.MODEL)
        .put("small_model", "standin/" + StandInModel.SMALL)
        .put("autoupdate", false).put("share", "disabled");
    config.putArray("enabled_providers").add("standin");
    config.putObject("permission").put("bash", "ask").put("edit", "ask");
    var provider = config.putObject("provider").putObject("standin")
        .put("npm", "@ai-sdk/openai-compatible").put("name", "Stand-in");
    provider.putObject("options").put("baseURL", model.baseUrl()).put("apiKey", "none");
    provider.putObject("models").putObject(StandInModel.MODEL).put("name", "Stand-in 1");
    provider.withObject("models").putObject(StandInModel.SMALL).put("name", "Stand-in small");
    return Map.of("OPENCODE_CONFIG_CONTENT", config.toString(),
        "OPENCODE_DISABLE_AUTOUPDATE", "1", "OPENCODE_DISABLE_MODELS_FETCH", "1",
        "OPENCODE_DISABLE_LSP_DOWNLOAD", "1",
        // It installs a plugin in the background; a registry that is not there keeps the network out of it.
        "npm_config_registry", NOWHERE, "npm_config_fetch_retries", "0");
  }

  private static Map<String, String> gemini(StandInModel model, Path home) throws IOException {
    var settings = JSON.createObjectNode();
    settings.putObject("security").putObject("auth").put("selectedType", "gemini-api-key");
    settings.withObject("security").putObject("folderTrust").put("enabled", false);
    settings.putObject("general").put("enableAutoUpdate", false).put("maxAttempts", 2);
    settings.putObject("privacy").put("usageStatisticsEnabled", false);
    settings.putObject("telemetry").put("enabled", false);
    Files.createDirectories(home.resolve(".gemini"));
    Files.writeString(home.resolve(".gemini/settings.json"), settings.toString());
    return Map.of("GEMINI_API_KEY", "none", "GOOGLE_GEMINI_BASE_URL", model.rootUrl(),
        "GEMINI_CLI_NO_RELAUNCH", "true");
  }

  private static Map<String, String> claude(StandInModel model, Path home) throws IOException {
    return Map.ofEntries(
        Map.entry("CLAUDE_CONFIG_DIR", home.resolve(".claude").toString()),
        // Else it leaves a directory per workspace below /tmp.
        Map.entry("CLAUDE_CODE_TMPDIR", Files.createDirectories(home.resolve("tmp")).toString()),
        Map.entry("ANTHROPIC_API_KEY", "none"), Map.entry("ANTHROPIC_BASE_URL", model.rootUrl()),
        Map.entry("ANTHROPIC_MODEL", StandInModel.MODEL),
        Map.entry("ANTHROPIC_DEFAULT_HAIKU_MODEL", StandInModel.SMALL),
        Map.entry("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"), Map.entry("DISABLE_AUTOUPDATER", "1"),
        Map.entry("CLAUDE_CODE_MAX_RETRIES", "1"));
  }

  private static Map<String, String> codex(StandInModel model, Path home) throws IOException {
    var directory = Files.createDirectories(home.resolve(".codex"));
    Files.writeString(directory.resolve("config.toml"), """
        model = "%s"
        model_provider = "standin"
        check_for_update_on_startup = false
        [analytics]
        enabled = false
        [model_providers.standin]
        name = "Stand-in"
        base_url = "%s"
        env_key = "STANDIN_KEY"
        wire_api = "responses"
        request_max_retries = 1
        stream_max_retries = 1
        """.formatted(StandInModel.MODEL, model.baseUrl()));
    return Map.of("CODEX_HOME", directory.toString(), "STANDIN_KEY", "none");
  }
}
