package dev.portcullis.cli;

import dev.portcullis.config.ConfigSource;
import dev.portcullis.config.GatewayConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;

/** Where the settings are: options that every command has that reads them. */
final class SettingsOptions {
  @Option(names = "--config", paramLabel = "FILE",
      description = "Settings over the shipped ones. Default: conf/application.conf of the installation.")
  private String config = "";

  @Option(names = "--data", paramLabel = "DIR", description = "Data directory. Default: portcullis.data.")
  private String data = "";

  @Option(names = "--set", paramLabel = "KEY=VALUE",
      description =
          "Overrides one setting, such as portcullis.drain.deadline=30s. Repeatable; wins over everything.")
  private final Map<String, String> sets = new LinkedHashMap<>();

  ConfigSource source(Console console) {
    var usual = Path.of(console.home(), "conf", "application.conf");
    if (!config.isEmpty()) {
      return new ConfigSource.OwnFile(Path.of(config));
    }
    return Files.exists(usual) ? new ConfigSource.OwnFile(usual) : new ConfigSource.Shipped();
  }

  /** What was given, {@code --set} last. */
  Map<String, String> sets(Map<String, String> others) {
    var all = new LinkedHashMap<>(others);
    if (!data.isEmpty()) {
      all.put("portcullis.data", data);
    }
    all.putAll(sets);
    return all;
  }

  GatewayConfig read(Console console) {
    return GatewayConfig.from(source(console).load(sets(Map.of()), console.env()));
  }
}
