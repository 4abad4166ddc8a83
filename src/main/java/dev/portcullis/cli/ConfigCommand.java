package dev.portcullis.cli;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import dev.portcullis.config.GatewayConfig;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(name = "config", mixinStandardHelpOptions = true, description = "Checks or prints the settings.")
final class ConfigCommand implements Runnable {
  private static final Pattern SECRET =
      Pattern.compile("(^|[-_.])(secret|token|key|password|credentials?)([-_.0-9]|$)");
  private static final ConfigValue HIDDEN = ConfigValueFactory.fromAnyRef("********");

  private final Console console;

  @Spec private CommandSpec spec;

  ConfigCommand(Console console) {
    this.console = console;
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Say what to do: check or print.");
  }

  @Command(name = "check", mixinStandardHelpOptions = true,
      description = "Reads the settings as the gateway would; exit code 78 names the first fault.")
  int check(@Mixin SettingsOptions settings) {
    var config = settings.read(console);
    console.line("settings are sound: " + config.agents().size() + " agents, harnesses "
        + String.join(", ", config.declared().keySet()) + ", data in " + config.data());
    return 0;
  }

  @Command(name = "print", mixinStandardHelpOptions = true,
      description = "Prints the settings as they take effect, with secrets hidden.")
  int print(
      @Mixin SettingsOptions settings,
      @Option(names = "--json", description = "As JSON instead of HOCON.") boolean json) {
    var config = settings.source(console).load(settings.sets(Map.of()), console.env());
    GatewayConfig.from(config);
    var shown = hide("portcullis", config.getValue("portcullis"));
    var options = ConfigRenderOptions.defaults().setOriginComments(false).setComments(false);
    console.line(json
        ? shown.atKey("portcullis").root().render(ConfigRenderOptions.concise())
        : flat(shown.atKey("portcullis"), options));
    return 0;
  }

  /** One setting per line, sorted, as it could stand in a file. */
  private static String flat(Config config, ConfigRenderOptions options) {
    var lines = new TreeMap<String, String>();
    config.entrySet().forEach(entry ->
        lines.put(entry.getKey(), entry.getKey() + " = "
            + entry.getValue().render(options.setFormatted(false))));
    return String.join("\n", lines.values());
  }

  /** Whatever a harness is given as environment or argument may be a key. */
  private static ConfigValue hide(String key, ConfigValue value) {
    return switch (value) {
      case ConfigObject object -> {
        var hidden = object;
        for (var entry : object.entrySet()) {
          var inner = key.endsWith(".env") ? HIDDEN : hide(key + "." + entry.getKey(), entry.getValue());
          hidden = hidden.withValue(entry.getKey(), inner);
        }
        yield hidden;
      }
      case ConfigList list -> key.endsWith(".args") && !list.isEmpty() ? HIDDEN
          : ConfigValueFactory.fromIterable(list.stream().map(item -> hide(key, item)).toList());
      case ConfigValue leaf -> isSecret(key) ? HIDDEN : leaf;
    };
  }

  private static boolean isSecret(String key) {
    var last = key.substring(key.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    return SECRET.matcher(last).find() && !last.equals("key-retention") && !last.equals("token-sha256");
  }
}
